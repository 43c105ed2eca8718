import { Catch, Injectable, UseFilters, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { BaseWsExceptionFilter, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

class FirstError extends Error {}
class SecondError extends FirstError {}

const clientOf = (host: ArgumentsHost): EnvelopeSocket => host.switchToWs().getClient<EnvelopeSocket>();

/** Returns a filter that answers with its name. */
function naming(name: string, ...types: (new () => Error)[]) {
  @Catch(...types)
  class NamingFilter implements ExceptionFilter {
    catch(error: Error, host: ArgumentsHost): void {
      clientOf(host).emit('exception', { by: name, of: error.constructor.name });
    }
  }
  return NamingFilter;
}

@Injectable()
class Phrases {
  readonly sorry = 'sorry';
}

@Catch()
class InjectedFilter implements ExceptionFilter {
  constructor(private readonly phrases: Phrases) {}
  catch(_: unknown, host: ArgumentsHost): void {
    clientOf(host).emit('exception', {
      message: this.phrases.sorry,
      pattern: host.switchToWs().getPattern(),
    });
  }
}

const OfClass = naming('class');
const OfMethod = naming('method');
const OfFirstError = naming('first', FirstError);
const OfSecondError = naming('second', SecondError);
const Global = naming('global');

@UseFilters(OfClass)
@WebSocketGateway()
class FilteredGateway {
  @SubscribeMessage('class')
  class(): void {
    throw new FirstError();
  }
  @UseFilters(OfMethod)
  @SubscribeMessage('method')
  method(): void {
    throw new FirstError();
  }
  @UseFilters(new OfFirstError(), new OfSecondError())
  @SubscribeMessage('last')
  last(): void {
    throw new SecondError();
  }
  @UseFilters(new OfSecondError(), new OfFirstError())
  @SubscribeMessage('other')
  other(): void {
    throw new SecondError();
  }
  @UseFilters(OfSecondError)
  @SubscribeMessage('no method filter')
  none(): void {
    throw new WsException('x');
  }
  @UseFilters(InjectedFilter)
  @SubscribeMessage('injected')
  injected(): void {
    throw new FirstError();
  }
}

@WebSocketGateway()
class BareGateway {
  @UseFilters(OfSecondError)
  @SubscribeMessage('unmatched')
  unmatched(): void {
    throw new WsException('not broken');
  }
}

/** Calls `super.catch` after a change, as the documentation of Nest suggests. */
@Catch()
class ExtendingFilter extends BaseWsExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    super.catch(error instanceof FirstError ? new WsException('translated') : error, host);
  }
}

@Catch()
class WithoutCauseFilter extends BaseWsExceptionFilter {
  constructor() {
    super({ includeCause: false });
  }
}

@UseFilters(new ExtendingFilter())
@WebSocketGateway()
class ExtendedGateway {
  @SubscribeMessage('ws')
  ws(): void {
    throw new WsException('as it is');
  }
  @SubscribeMessage('object')
  object(): void {
    throw new WsException({ code: 1 });
  }
  @SubscribeMessage('translated')
  translated(): void {
    throw new FirstError('secret');
  }
  @SubscribeMessage('unknown')
  unknown(): void {
    throw new Error('secret');
  }
  @UseFilters(new WithoutCauseFilter())
  @SubscribeMessage('without cause')
  withoutCause(): void {
    throw new WsException('short');
  }
}

expectNoUnhandledErrors();

describe('exception filters', () => {
  it.each([
    ['class', { by: 'class', of: 'FirstError' }],
    ['method', { by: 'method', of: 'FirstError' }],
    ['last', { by: 'second', of: 'SecondError' }],
    ['other', { by: 'first', of: 'SecondError' }],
    ['no method filter', { by: 'class', of: 'WsException' }],
    ['injected', { message: 'sorry', pattern: 'injected' }],
  ])('apply in the order of precedence: %s', async (event, data) => {
    const client = await (await startApp({ providers: [FilteredGateway, Phrases] })).connect();
    expect(await client.ask(event, 1, 1)).toEqual({ event: 'exception', data, ack: 1 });
    client.send({ event });
    expect(await client.next('exception')).toEqual({ event: 'exception', data });
    await client.settled();
    expect(client.frames.filter((frame) => frame.event === 'exception')).toHaveLength(2);
  });

  it('set for the whole application do not apply to gateways, as in Nest', async () => {
    const app = await startApp(
      { providers: [BareGateway, { provide: APP_FILTER, useClass: Global }] },
      { before: (nest) => nest.useGlobalFilters(new Global()) },
    );
    const answer = await (await app.connect()).ask('unmatched', 'x');
    expect(answer.data).toEqual({
      status: 'error',
      message: 'not broken',
      cause: { pattern: 'unmatched', data: 'x' },
    });
  });

  it.each([
    ['ws', { status: 'error', message: 'as it is', cause: { pattern: 'ws', data: 'x' } }],
    ['object', { code: 1 }],
    ['translated', { status: 'error', message: 'translated', cause: { pattern: 'translated', data: 'x' } }],
    [
      'unknown',
      { status: 'error', message: 'Internal server error', cause: { pattern: 'unknown', data: 'x' } },
    ],
    ['without cause', { status: 'error', message: 'short' }],
  ])('may extend the filter of Nest and call super.catch: %s', async (event, data) => {
    const app = await startApp({ providers: [ExtendedGateway] });
    const client = await app.connect();
    expect(await client.ask(event, 'x', 1)).toEqual({ event: 'exception', data, ack: 1 });
    client.send({ event, data: 'x' });
    expect(await client.next('exception')).toEqual({ event: 'exception', data });
    await client.settled();
    expect(client.frames.filter((frame) => frame.event === 'exception')).toHaveLength(2);
    expect(app.log.of('error')).toHaveLength(event === 'unknown' ? 2 : 0);
  });
});
