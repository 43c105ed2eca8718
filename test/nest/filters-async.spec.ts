import { Catch, UseFilters, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import {
  BaseWsExceptionFilter,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

const clientOf = (host: ArgumentsHost): EnvelopeSocket => host.switchToWs().getClient<EnvelopeSocket>();
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const delay = () => new Promise((resolve) => setTimeout(resolve, 20));

@Catch()
class AsyncFilter implements ExceptionFilter {
  async catch(error: Error, host: ArgumentsHost): Promise<void> {
    await delay();
    clientOf(host).emit('exception', { later: error.message });
  }
}

@Catch()
class AsyncExtendingFilter extends BaseWsExceptionFilter {
  override async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    await delay();
    super.catch(error, host);
  }
}

@Catch()
class EmptyFilter implements ExceptionFilter {
  catch(): void {}
}

@Catch()
class ThrowingFilter implements ExceptionFilter {
  catch(): void {
    throw new Error('the filter itself');
  }
}

@Catch()
class SeveralEventsFilter implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    const client = clientOf(host);
    client.emit('note', 'something else first');
    client.emit('exception', { first: true });
    client.emit('exception', { second: true });
  }
}

/** Sends raw text, as filters written for `WsAdapter` do. */
@Catch()
class SendingFilter implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    clientOf(host).send(JSON.stringify({ event: 'exception', data: { sent: error.message } }));
  }
}

@WebSocketGateway()
class FilteredGateway {
  @UseFilters(new AsyncFilter())
  @SubscribeMessage('async')
  async(): void {
    throw new Error('x');
  }
  @UseFilters(new AsyncExtendingFilter())
  @SubscribeMessage('async super')
  asyncSuper(): void {
    throw new WsException('x');
  }
  @UseFilters(new EmptyFilter())
  @SubscribeMessage('empty')
  empty(): void {
    throw new Error('x');
  }
  @UseFilters(new ThrowingFilter())
  @SubscribeMessage('throwing')
  throwing(): void {
    throw new Error('x');
  }
  @UseFilters(new SeveralEventsFilter())
  @SubscribeMessage('several')
  several(): void {
    throw new Error('x');
  }
  @UseFilters(new SendingFilter())
  @SubscribeMessage('sending')
  sending(): void {
    throw new Error('x');
  }

  @SubscribeMessage('work')
  async work(@MessageBody() number: number): Promise<number> {
    for (let turn = 0; turn < number % 7; turn++) await nextTurn();
    if (number % 2 === 1) throw new WsException(`odd ${number}`);
    return number;
  }
  @UseFilters(new AsyncExtendingFilter())
  @SubscribeMessage('workFiltered')
  workFiltered(number: unknown, data: number): Promise<number> {
    return this.work(data);
  }
}

expectNoUnhandledErrors();

describe('asynchronous and unusual exception filters', () => {
  const start = () => startApp({ providers: [FilteredGateway] });

  it.each([
    ['async', { later: 'x' }],
    ['async super', { status: 'error', message: 'x', cause: { pattern: 'async super', data: 1 } }],
    ['sending', { sent: 'x' }],
    ['throwing', { status: 'error', message: 'Internal server error' }],
  ])('answer an id once: %s', async (event, data) => {
    const client = await (await start()).connect();
    expect(await client.ask(event, 1, 1)).toEqual({ event: 'exception', data, ack: 1 });
    client.send({ event, data: 1 });
    expect(await client.next('exception')).toEqual({ event: 'exception', data });
    await client.settled();
    expect(client.frames.filter((frame) => frame.ack === 1)).toHaveLength(1);
  });

  it('answer an id with the first exception and send other events separately', async () => {
    const client = await (await start()).connect();
    expect(await client.ask('several', 1, 1)).toEqual({
      event: 'exception',
      data: { first: true },
      ack: 1,
    });
    expect(await client.next('note')).toEqual({ event: 'note', data: 'something else first' });
    expect(await client.next('exception')).toEqual({ event: 'exception', data: { second: true } });
  });

  it('answer an id with an internal error if a filter sends nothing', async () => {
    const client = await (await start()).connect();
    const asked = performance.now();
    expect(await client.ask('empty', 1, 1)).toEqual({
      event: 'exception',
      data: { status: 'error', message: 'Internal server error' },
      ack: 1,
    });
    // the server waits for a filter for a second
    expect(performance.now() - asked).toBeLessThan(15_000);
    client.send({ event: 'empty' });
    await client.settled();
    expect(client.frames).toHaveLength(2);
  });

  it.each(['work', 'workFiltered'])(
    'answer each of 300 concurrent requests with its id: %s',
    async (event) => {
      const client = await (await start()).connect();
      const numbers = Array.from({ length: 300 }, (_, number) => number);
      for (const number of numbers) client.send({ event, data: number, id: number });
      const answers = await Promise.all(numbers.map((number) => client.answer(number)));
      for (const [number, answer] of answers.entries()) {
        if (number % 2 === 0) expect(answer).toEqual({ event, data: number, ack: number });
        else
          expect(answer).toMatchObject({
            event: 'exception',
            data: { message: `odd ${number}` },
            ack: number,
          });
      }
      await client.settled();
      expect(client.frames).toHaveLength(301);
    },
  );
});
