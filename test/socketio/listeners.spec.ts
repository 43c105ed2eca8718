import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { CONNECTION_EVENTS } from '../support/names.js';
import { until } from '../support/wait.js';
import { connectPair, startPair, startServers } from './fixture.js';

@WebSocketGateway()
class HandlingGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('handled')
  handled(@MessageBody() data: unknown): unknown {
    return { event: 'reply', data };
  }
}

describe('listeners', () => {
  it.each(CONNECTION_EVENTS)(
    'routes a client event named "%s" to the gateway, never to connection listeners',
    async (name) => {
      const handled: unknown[] = [];
      @WebSocketGateway()
      class ReservedNameGateway {
        @WebSocketServer() server!: EnvelopeServer;
        @SubscribeMessage(name)
        handle(@MessageBody() data: unknown): string {
          handled.push(data);
          return 'handled';
        }
      }
      const app = await startApp({ providers: [ReservedNameGateway] });
      const { client, socket } = await connectPair(app, app.nest.get(ReservedNameGateway).server);
      const calls: unknown[] = [];
      socket.on('something else', () => undefined);
      socket.on(name, (...args: unknown[]) => calls.push(args));
      client.send({ event: name, data: 1 });
      expect(await client.ask(name, 2, 'x')).toEqual({ event: name, data: 'handled', ack: 'x' });
      expect(handled).toEqual([1, 2]);
      expect(calls).toEqual([]);
      expect(socket.connected).toBe(true);
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it.each(CONNECTION_EVENTS)(
    'answers unknown_event to a client event named "%s" without a handler',
    async (name) => {
      const { app, client, socket } = await startPair();
      socket.on('something else', () => undefined);
      socket.on(name, () => client.close());
      expect((await client.ask(name)).data).toMatchObject({ code: 'unknown_event' });
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it('emits ping, pong, drain and close of the connection to its listeners', async () => {
    const { client, socket, server } = await startPair();
    const calls: unknown[][] = [];
    socket.on('ping', (data: Buffer) => calls.push(['ping', String(data)]));
    socket.on('pong', (data: Buffer) => calls.push(['pong', String(data)]));
    socket.on('drain', () => calls.push(['drain']));
    socket.on('close', (code: number, reason: Buffer) => calls.push(['close', code, String(reason)]));
    client.ws.ping('to');
    await until('the ping arrives', () => calls.length === 1);
    socket.ping('fro');
    await until('the pong arrives', () => calls.length === 2);
    socket.emit('bulk', 'x'.repeat(5_000_000));
    await until('the connection drains', () => calls.length === 3);
    client.close(4000, 'bye');
    await until('the connection closes', () => calls.length === 4);
    expect(calls).toEqual([['ping', 'to'], ['pong', 'fro'], ['drain'], ['close', 4000, 'bye']]);
    expect(server.sockets.size).toBe(0);
  });

  it('supports on, once, off and removeAllListeners', async () => {
    const { client, socket } = await startPair();
    const calls: string[] = [];
    const dropped = (): void => void calls.push('dropped');
    socket.on('x', () => calls.push('on'));
    socket.on('x', dropped);
    socket.once('x', () => calls.push('once'));
    socket.once('x', dropped);
    socket.off('x', dropped).off('x', dropped).off('x', dropped).off('y', dropped);
    client.send({ event: 'x' });
    client.send({ event: 'x' });
    await client.settled();
    expect(calls).toEqual(['on', 'once', 'on']);

    socket.on('y', () => calls.push('y'));
    socket.removeAllListeners('x');
    client.send({ event: 'y' });
    expect((await client.ask('x')).data).toMatchObject({ code: 'unknown_event' });
    expect(calls.splice(0)).toEqual(['on', 'once', 'on', 'y']);

    socket.on('close', dropped);
    socket.removeAllListeners();
    expect((await client.ask('y')).data).toMatchObject({ code: 'unknown_event' });
    client.close();
    await until('the client has disconnected', () => socket.readyState === socket.CLOSED);
    expect(calls).toEqual([]);
  });

  it('logs an error of a listener, answers the client with an error, and runs other listeners', async () => {
    const { app, client, socket } = await startPair();
    socket.on('boom', () => {
      throw new Error('a secret');
    });
    const { data } = await client.ask('boom');
    expect(data).toEqual({ status: 'error', message: 'Internal server error' });
    expect(app.log.of('error').join()).toContain('a secret');
    socket.on('fine', (ack: () => void) => ack());
    await client.ask('fine');
  });

  it('calls onAny listeners for every event of the client', async () => {
    const app = await startApp({ providers: [HandlingGateway] });
    const { client, socket } = await connectPair(app, app.nest.get(HandlingGateway).server);
    const calls: unknown[][] = [];
    const first = (...args: unknown[]): void => void calls.push(['first', ...args]);
    const second = (...args: unknown[]): void => void calls.push(['second', ...args]);
    socket.on('listened', () => calls.push(['on']));
    socket.onAny(second).prependAny(first);
    expect(socket.listenersAny()).toEqual([first, second]);
    client.send({ event: 'listened', data: 1 });
    client.send({ event: 'handled', data: [2] });
    client.send({ event: 'neither' });
    client.send({ event: 'close', data: 3 });
    await client.settled();
    // An event with an onAny listener counts as handled. The $ping of the protocol is not an event of the client.
    expect(client.frames.filter(({ event }) => event === 'exception')).toEqual([]);
    expect(calls.splice(0)).toEqual([
      ['first', 'listened', 1],
      ['second', 'listened', 1],
      ['on'],
      ['first', 'handled', [2]],
      ['second', 'handled', [2]],
      ['first', 'neither'],
      ['second', 'neither'],
      ['first', 'close', 3],
      ['second', 'close', 3],
    ]);

    socket.offAny(first).offAny(first);
    expect(socket.listenersAny()).toEqual([second]);
    client.send({ event: 'handled', data: 4 });
    await client.settled();
    expect(calls.splice(0)).toEqual([['second', 'handled', 4]]);

    socket.offAny();
    expect(socket.listenersAny()).toEqual([]);
    client.send({ event: 'handled', data: 5 });
    await client.settled();
    expect(calls).toEqual([]);
  });

  it('passes the answer function to onAny when the client sent a request', async () => {
    const { client, socket } = await startPair();
    socket.onAny((event, ...args) => (args.at(-1) as (answer: unknown) => void)([event, args.length]));
    expect((await client.ask('with data', 1)).data).toEqual(['with data', 2]);
    expect((await client.ask('without')).data).toEqual(['without', 1]);
  });

  it('calls onAnyOutgoing listeners for every outgoing event, including broadcasts', async () => {
    const app = await startApp({ providers: [HandlingGateway] });
    const { server } = app.nest.get(HandlingGateway);
    const { client, socket } = await connectPair(app, server);
    const other = await connectPair(app, server);
    await socket.join('red');
    const calls: unknown[][] = [];
    const first = (...args: unknown[]): void => void calls.push(['first', ...args]);
    const second = (...args: unknown[]): void => void calls.push(['second', ...args]);
    socket.onAnyOutgoing(second).prependAnyOutgoing(first);
    expect(socket.listenersAnyOutgoing()).toEqual([first, second]);
    socket.offAnyOutgoing(first);
    expect(socket.listenersAnyOutgoing()).toEqual([second]);

    socket.emit('direct', 1);
    socket.volatile.emit('volatile', 2);
    server.emit('to all', 3);
    server.to('red').emit('to red', { n: 4 });
    other.socket.broadcast.emit('from another', 5);
    const question = socket.emitWithAck('question', 6);
    client.send({ ack: (await client.next('question')).id!, data: 'answer' });
    expect(await question).toBe('answer');
    client.send({ event: 'handled', data: 7 });
    // These two broadcasts do not reach this client.
    socket.broadcast.emit('to others', 8);
    server.except('red').emit('not to red', 9);
    await client.settled();
    expect(calls.splice(0)).toEqual([
      ['second', 'direct', 1],
      ['second', 'volatile', 2],
      ['second', 'to all', 3],
      ['second', 'to red', { n: 4 }],
      ['second', 'from another', 5],
      ['second', 'question', 6],
      ['second', 'reply', 7],
    ]);

    socket.offAnyOutgoing();
    expect(socket.listenersAnyOutgoing()).toEqual([]);
    socket.emit('direct', 1);
    server.emit('to all', 3);
    expect(calls).toEqual([]);
  });

  it('does not call onAnyOutgoing for an emit after the disconnect', async () => {
    const { app, servers } = await startServers([{}]);
    const { client, socket } = await connectPair(app, servers[0]!);
    const calls: unknown[] = [];
    socket.onAnyOutgoing((event) => calls.push(event));
    socket.disconnect();
    expect(socket.emit('late')).toBe(false);
    servers[0]!.emit('late');
    await client.ended();
    expect(calls).toEqual([]);
  });
});
