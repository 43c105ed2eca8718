import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer } from '../../../lib/index.js';
import { startApp } from '../../support/app.js';
import { OF_THE_LINE } from '../../support/names.js';
import { until } from '../../support/wait.js';
import { meet, meetOne, serve } from './support.js';

@WebSocketGateway()
class HandlingGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('handled')
  handled(@MessageBody() data: unknown): unknown {
    return { event: 'reply', data };
  }
}

describe('listeners', () => {
  it.each(OF_THE_LINE)(
    'a client that sends "%s" reaches the gateway, never the listeners of the line',
    async (name) => {
      const handled: unknown[] = [];
      @WebSocketGateway()
      class LineNameGateway {
        @WebSocketServer() server!: EnvelopeServer;
        @SubscribeMessage(name)
        handle(@MessageBody() data: unknown): string {
          handled.push(data);
          return 'handled';
        }
      }
      const app = await startApp({ providers: [LineNameGateway] });
      const { client, socket } = await meet(app, app.nest.get(LineNameGateway).server);
      const heard: unknown[] = [];
      socket.on('something else', () => undefined);
      socket.on(name, (...args: unknown[]) => heard.push(args));
      client.send({ event: name, data: 1 });
      expect(await client.ask(name, 2, 'x')).toEqual({ event: name, data: 'handled', ack: 'x' });
      expect(handled).toEqual([1, 2]);
      expect(heard).toEqual([]);
      expect(socket.connected).toBe(true);
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it.each(OF_THE_LINE)('a client that sends "%s" which nobody takes is told so', async (name) => {
    const { app, client, socket } = await meetOne();
    socket.on('something else', () => undefined);
    socket.on(name, () => client.close());
    expect((await client.ask(name)).data).toMatchObject({ code: 'unknown_event' });
    expect(app.log.of('error')).toEqual([]);
  });

  it('the line tells its listeners of pings, pongs, drains and its end', async () => {
    const { client, socket, server } = await meetOne();
    const heard: unknown[][] = [];
    socket.on('ping', (data: Buffer) => heard.push(['ping', String(data)]));
    socket.on('pong', (data: Buffer) => heard.push(['pong', String(data)]));
    socket.on('drain', () => heard.push(['drain']));
    socket.on('close', (code: number, reason: Buffer) => heard.push(['close', code, String(reason)]));
    client.ws.ping('to');
    await until('the ping arrives', () => heard.length === 1);
    socket.ping('fro');
    await until('the pong arrives', () => heard.length === 2);
    socket.emit('bulk', 'x'.repeat(5_000_000));
    await until('the line drains', () => heard.length === 3);
    client.close(4000, 'bye');
    await until('the line closes', () => heard.length === 4);
    expect(heard).toEqual([['ping', 'to'], ['pong', 'fro'], ['drain'], ['close', 4000, 'bye']]);
    expect(server.sockets.size).toBe(0);
  });

  it('on, once, off and removeAllListeners', async () => {
    const { client, socket } = await meetOne();
    const heard: string[] = [];
    const dropped = (): void => void heard.push('dropped');
    socket.on('x', () => heard.push('on'));
    socket.on('x', dropped);
    socket.once('x', () => heard.push('once'));
    socket.once('x', dropped);
    socket.off('x', dropped).off('x', dropped).off('x', dropped).off('y', dropped);
    client.send({ event: 'x' });
    client.send({ event: 'x' });
    await client.settled();
    expect(heard).toEqual(['on', 'once', 'on']);

    socket.on('y', () => heard.push('y'));
    socket.removeAllListeners('x');
    client.send({ event: 'y' });
    expect((await client.ask('x')).data).toMatchObject({ code: 'unknown_event' });
    expect(heard.splice(0)).toEqual(['on', 'once', 'on', 'y']);

    socket.on('close', dropped);
    socket.removeAllListeners();
    expect((await client.ask('y')).data).toMatchObject({ code: 'unknown_event' });
    client.close();
    await until('the client has gone', () => socket.readyState === socket.CLOSED);
    expect(heard).toEqual([]);
  });

  it('a listener that throws is reported, its client is told, and others go on', async () => {
    const { app, client, socket } = await meetOne();
    socket.on('boom', () => {
      throw new Error('a secret');
    });
    const { data } = await client.ask('boom');
    expect(data).toEqual({ status: 'error', message: 'Internal server error' });
    expect(app.log.of('error').join()).toContain('a secret');
    socket.on('fine', (ack: () => void) => ack());
    await client.ask('fine');
  });

  it('39. onAny, prependAny, offAny and listenersAny see every event of the client', async () => {
    const app = await startApp({ providers: [HandlingGateway] });
    const { client, socket } = await meet(app, app.nest.get(HandlingGateway).server);
    const heard: unknown[][] = [];
    const first = (...args: unknown[]): void => void heard.push(['first', ...args]);
    const second = (...args: unknown[]): void => void heard.push(['second', ...args]);
    socket.on('listened', () => heard.push(['on']));
    socket.onAny(second).prependAny(first);
    expect(socket.listenersAny()).toEqual([first, second]);
    client.send({ event: 'listened', data: 1 });
    client.send({ event: 'handled', data: [2] });
    client.send({ event: 'neither' });
    client.send({ event: 'close', data: 3 });
    await client.settled();
    // what onAny takes is not unknown, the protocol's own $ping is none of its events
    expect(client.frames.filter(({ event }) => event === 'exception')).toEqual([]);
    expect(heard.splice(0)).toEqual([
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
    expect(heard.splice(0)).toEqual([['second', 'handled', 4]]);

    socket.offAny();
    expect(socket.listenersAny()).toEqual([]);
    client.send({ event: 'handled', data: 5 });
    await client.settled();
    expect(heard).toEqual([]);
  });

  it('39. onAny gets the function that answers, where the client asked', async () => {
    const { client, socket } = await meetOne();
    socket.onAny((event, ...args) => (args.at(-1) as (answer: unknown) => void)([event, args.length]));
    expect((await client.ask('with data', 1)).data).toEqual(['with data', 2]);
    expect((await client.ask('without')).data).toEqual(['without', 1]);
  });

  it('40. onAnyOutgoing and its family see every outgoing event, broadcasts included', async () => {
    const app = await startApp({ providers: [HandlingGateway] });
    const { server } = app.nest.get(HandlingGateway);
    const { client, socket } = await meet(app, server);
    const other = await meet(app, server);
    await socket.join('red');
    const heard: unknown[][] = [];
    const first = (...args: unknown[]): void => void heard.push(['first', ...args]);
    const second = (...args: unknown[]): void => void heard.push(['second', ...args]);
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
    // none of its own
    socket.broadcast.emit('to others', 8);
    server.except('red').emit('not to red', 9);
    await client.settled();
    expect(heard.splice(0)).toEqual([
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
    expect(heard).toEqual([]);
  });

  it('40. what was asked of the client while it had gone is not outgoing', async () => {
    const { app, servers } = await serve([{}]);
    const { client, socket } = await meet(app, servers[0]!);
    const heard: unknown[] = [];
    socket.onAnyOutgoing((event) => heard.push(event));
    socket.disconnect();
    expect(socket.emit('late')).toBe(false);
    servers[0]!.emit('late');
    await client.ended();
    expect(heard).toEqual([]);
  });
});
