import {
  createParamDecorator,
  Injectable,
  ParseIntPipe,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

type AckFunction = (...values: unknown[]) => void;

@Injectable()
class TrimPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return value.trim();
  }
}

const ClientId = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToWs().getClient<EnvelopeSocket>().id,
);

@WebSocketGateway()
class ParametersGateway {
  @SubscribeMessage('body')
  body(@MessageBody() data: unknown): unknown {
    return { data };
  }
  @SubscribeMessage('key')
  key(@MessageBody('name') name: unknown): unknown {
    return { name: name ?? 'none' };
  }
  @SubscribeMessage('piped')
  piped(@MessageBody(new TrimPipe()) text: string): string {
    return text;
  }
  @SubscribeMessage('pipedTwice')
  pipedTwice(@MessageBody('count', TrimPipe, ParseIntPipe) count: number): number {
    return count + 1;
  }
  @SubscribeMessage('socket')
  socket(
    @MessageBody() data: unknown,
    @ConnectedSocket() client: EnvelopeSocket,
    @ClientId() id: string,
  ): unknown {
    return [client instanceof EnvelopeSocket, client.id === id, data];
  }
  @SubscribeMessage('undecorated')
  undecorated(client: EnvelopeSocket, data: unknown): unknown {
    return [client instanceof EnvelopeSocket, data];
  }
  @SubscribeMessage('ack')
  ack(@MessageBody() data: unknown, @Ack() ack: AckFunction): void {
    ack({ got: data });
  }
  @SubscribeMessage('ackLater')
  ackLater(@Ack() ack: AckFunction): void {
    setImmediate(ack, 'later');
  }
  @SubscribeMessage('ackMany')
  ackMany(@Ack() ack: AckFunction): void {
    ack(1, 'two', null);
  }
  @SubscribeMessage('ackTwice')
  ackTwice(@Ack() ack: AckFunction): void {
    ack('first');
    ack('second');
  }
  @SubscribeMessage('ackAndReturn')
  ackAndReturn(@Ack() ack: AckFunction): unknown {
    ack('by hand');
    return { event: 'besides', data: 1 };
  }
}

expectNoUnhandledErrors();

describe('parameters of a handler', () => {
  const connect = async () => (await startApp({ providers: [ParametersGateway] })).connect();

  it.each([
    ['body', { a: [1, null] }, { data: { a: [1, null] } }],
    ['body', null, { data: null }],
    ['key', { name: 'Ada' }, { name: 'Ada' }],
    ['key', {}, { name: 'none' }],
    ['key', undefined, { name: 'none' }],
    ['piped', '  x ', 'x'],
    ['pipedTwice', { count: ' 41 ' }, 42],
    ['socket', 'data', [true, true, 'data']],
    ['undecorated', 'data', [true, 'data']],
    ['ack', 'data', { got: 'data' }],
    ['ackLater', 'data', 'later'],
    ['ackMany', 'data', [1, 'two', null]],
  ])('work for %s with %j', async (event, data, expected) => {
    const client = await connect();
    expect(await client.ask(event, data, 1)).toEqual({ event, data: expected, ack: 1 });
    client.send({ event, data });
    expect(await client.next(event)).toEqual({ event, data: expected });
  });

  it('answer with the error of a pipe that fails', async () => {
    const client = await connect();
    expect(await client.ask('pipedTwice', { count: 'many' }, 1)).toEqual({
      event: 'exception',
      data: {
        status: 'error',
        statusCode: 400,
        message: 'Validation failed (numeric string is expected)',
        error: 'Bad Request',
      },
      ack: 1,
    });
  });

  it('answer an id once, even if a handler acknowledges twice', async () => {
    const client = await connect();
    expect(await client.ask('ackTwice', undefined, 1)).toEqual({ event: 'ackTwice', data: 'first', ack: 1 });
    await client.settled();
    expect(client.frames.filter((frame) => frame.ack === 1)).toHaveLength(1);
  });

  it('send the return value of an acknowledging handler as a separate event', async () => {
    const client = await connect();
    expect(await client.ask('ackAndReturn', undefined, 1)).toEqual({
      event: 'ackAndReturn',
      data: 'by hand',
      ack: 1,
    });
    expect(await client.next('besides')).toEqual({ event: 'besides', data: 1 });
    client.send({ event: 'ackAndReturn' });
    expect(await client.next('ackAndReturn')).toEqual({ event: 'ackAndReturn', data: 'by hand' });
    expect(await client.next('besides')).toEqual({ event: 'besides', data: 1 });
  });
});
