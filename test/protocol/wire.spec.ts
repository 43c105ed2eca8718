import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  Ack,
} from '@nestjs/websockets';
import { interval, of, take } from 'rxjs';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';

@WebSocketGateway({ path: '/ws' })
class WireGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('void')
  nothing(): void {}
  @SubscribeMessage('other')
  other(@MessageBody() data: unknown): unknown {
    return { event: 'another', data };
  }
  @SubscribeMessage('ticks')
  ticks(): unknown {
    return interval(1).pipe(take(3));
  }
  @SubscribeMessage('generate')
  async *generate(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }
  @SubscribeMessage('boom')
  boom(): void {
    throw new WsException('no');
  }
  @SubscribeMessage('hand')
  hand(@Ack() ack: (value: unknown) => void): void {
    ack('done');
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.join(room);
  }
  @SubscribeMessage('notify')
  notify(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): void {
    client.to(room).emit('notified', room);
  }
  @SubscribeMessage('of')
  single(): unknown {
    return of(1, 2, 3);
  }
}

describe('the wire format', () => {
  const connect = async () => (await startApp({ providers: [WireGateway] })).connect('/ws');

  it('answers under the same event, and exactly once for an id', async () => {
    const client = await connect();
    client.send({ event: 'echo', data: { a: 1 } });
    expect(await client.next('echo')).toEqual({ event: 'echo', data: { a: 1 } });
    expect(await client.ask('echo', [1], 'x')).toEqual({ event: 'echo', data: [1], ack: 'x' });
    expect(await client.ask('void', 1, 7)).toEqual({ event: 'void', ack: 7 });
    expect(await client.ask('other', 1, 8)).toEqual({ event: 'another', data: 1, ack: 8 });
    expect(await client.ask('of', 1, 9)).toEqual({ event: 'of', data: 1, ack: 9 });
    expect(await client.ask('hand', undefined, 10)).toEqual({ event: 'hand', data: 'done', ack: 10 });
    await client.settled();
    expect(client.frames.filter((frame) => frame.ack !== undefined)).toHaveLength(6);
  });

  it('streams several values when the client requests a stream', async () => {
    const client = await connect();
    client.send({ event: 'generate', id: 1, stream: true });
    expect(await client.answer(1)).toEqual({ event: 'generate', data: 1, ack: 1, more: true });
    expect(await client.answer(1)).toEqual({ event: 'generate', data: 2, ack: 1, more: true });
    expect(await client.answer(1)).toEqual({ event: 'generate', ack: 1 });
  });

  it('answers an exception to the id of its request', async () => {
    const client = await connect();
    expect(await client.ask('boom', 'x', 3)).toEqual({
      event: 'exception',
      data: { status: 'error', message: 'no', cause: { pattern: 'boom', data: 'x' } },
      ack: 3,
    });
  });

  it('sends to a room', async () => {
    const app = await startApp({ providers: [WireGateway] });
    const [ada, bob] = [await app.connect('/ws'), await app.connect('/ws')];
    await ada.ask('join', 'red');
    await bob.ask('join', 'red');
    await bob.ask('notify', 'red');
    expect(await ada.next('notified')).toEqual({ event: 'notified', data: 'red' });
    await bob.settled();
    expect(bob.frames.some((frame) => frame.event === 'notified')).toBe(false);
  });
});
