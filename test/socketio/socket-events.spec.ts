import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { deferred, until } from '../support/wait.js';
import { bareGateway, connectPair, startPair, received, startServers } from './fixture.js';

const MULTIBYTE = [
  'Я Б Ю - И',
  'utf8 — string',
  'ä',
  '💩 𝒳',
  'tschüß\u0000\u2028',
  'x'.repeat(125) + '€',
  '€'.repeat(30_000),
];

describe('socket events', () => {
  it('passes events of the client to listeners with their data', async () => {
    const { client, socket } = await startPair();
    const calls: unknown[][] = [];
    socket.on('greet', (...args: unknown[]) => calls.push(args));
    const payloads = ['text', '', 0, -1.5, true, false, null, [], [1, [2]], {}, { a: { b: [null] } }];
    for (const data of payloads) client.send({ event: 'greet', data });
    client.send({ event: 'greet' });
    await client.settled();
    expect(calls).toEqual([...payloads.map((data) => [data]), []]);
  });

  it('delivers events of the server to the client with multibyte text intact', async () => {
    const { client, server, socket } = await startPair();
    socket.emit('alone', MULTIBYTE[0]);
    expect((await client.next('alone')).data).toBe(MULTIBYTE[0]);
    // Many messages of one tick leave in one write; each broadcast has a frame that is encoded once.
    for (const text of MULTIBYTE) socket.emit(text.slice(0, 5), text);
    for (const text of MULTIBYTE) server.emit('to all', { [text]: text });
    for (const text of MULTIBYTE) expect((await client.next(text.slice(0, 5))).data).toBe(text);
    for (const text of MULTIBYTE) expect((await client.next('to all')).data).toEqual({ [text]: text });
  });

  it('sends frames correctly at the lengths where RFC 6455 changes the header', async () => {
    const { client, server, socket } = await startPair();
    const overhead = '{"event":"n","data":""}'.length;
    const texts = [125, 126, 127, 65_535, 65_536, 65_537].map((length) => 'x'.repeat(length - overhead));
    for (const text of texts) socket.emit('n', text);
    for (const text of texts) server.emit('n', text);
    for (const text of [...texts, ...texts]) expect((await client.next('n')).data).toBe(text);
  });

  it('sends several arguments in order, as an array', async () => {
    const { client, server, socket } = await startPair();
    const mixed = [1, '2', [3], { four: 5 }, true, null];
    socket.emit('direct', ...mixed);
    server.emit('to all', ...mixed);
    socket.emit('one', [1]);
    expect(await client.next('direct')).toEqual({ event: 'direct', data: mixed });
    expect(await client.next('to all')).toEqual({ event: 'to all', data: mixed });
    expect(await client.next('one')).toEqual({ event: 'one', data: [1] });
  });

  it('passes one argument for an incoming event, also for an array', async () => {
    const { client, socket } = await startPair();
    const calls: unknown[][] = [];
    socket.on('list', (...args: unknown[]) => calls.push(args));
    client.send({ event: 'list', data: [1, '2', { three: 4 }] });
    await client.settled();
    expect(calls).toEqual([[[1, '2', { three: 4 }]]]);
  });

  it('handles a burst that arrives while the client connects in order and completely', async () => {
    const gate = deferred();
    const calls: number[] = [];
    let socket: EnvelopeSocket | undefined;
    @WebSocketGateway()
    class SlowGateway {
      async handleConnection(client: EnvelopeSocket): Promise<void> {
        socket = client;
        await gate.promise;
      }
      @SubscribeMessage('n')
      take(@MessageBody() n: number): void {
        calls.push(n);
      }
    }
    const app = await startApp({ providers: [SlowGateway] });
    const client = await app.connect();
    const burst = Array.from({ length: 1_000 }, (_, n) => n);
    for (const data of burst) client.send({ event: 'n', data });
    // Enough messages wait for the connection to be paused; the rest stays in the buffers below.
    await until('the connection is paused', () => socket?.isPaused === true);
    expect(calls).toEqual([]);
    gate.resolve();
    await client.settled();
    expect(calls).toEqual(burst);
  });

  it('sends raw text in send(), as `ws` does, in the order of the emits', async () => {
    const { client, socket } = await startPair();
    socket.emit('before');
    socket.send('{"event":"by hand","data":1}');
    socket.emit('after');
    await client.next('after');
    expect(client.frames).toEqual([{ event: 'before' }, { event: 'by hand', data: 1 }, { event: 'after' }]);

    // "message" is an event like any other.
    const calls: unknown[] = [];
    socket.on('message', (data: unknown) => calls.push(data));
    client.send({ event: 'message', data: 'hello' });
    expect((await received(client, 'exception')).length).toBe(0);
    expect(calls).toEqual(['hello']);
  });

  it('accepts null and undefined as data', async () => {
    const { client, server, socket } = await startPair();
    const calls: unknown[][] = [];
    socket.on('null', (...args: unknown[]) => calls.push(args));
    client.send({ event: 'null', data: null });
    client.send({ event: 'null' });
    socket.emit('x', null);
    socket.emit('x', undefined);
    socket.emit('x', null, undefined);
    socket.emit('x', { a: undefined, b: null });
    server.emit('x', null);
    server.emit('x', undefined);
    await client.settled();
    expect(calls).toEqual([[null], []]);
    expect(client.frames.filter(({ event }) => event === 'x')).toEqual([
      { event: 'x', data: null },
      { event: 'x' },
      { event: 'x', data: [null, null] },
      { event: 'x', data: { b: null } },
      { event: 'x', data: null },
      { event: 'x' },
    ]);
  });

  it('transfers very large JSON in both directions', async () => {
    const { client, socket } = await startPair();
    const large = Array.from({ length: 18_000 }, (_, id) => ({ id, text: 'ünïcödé', nested: [[id]] }));
    expect(Buffer.byteLength(JSON.stringify(large))).toBeGreaterThan(900_000);
    socket.on('large', (data: unknown, ack: (answer: unknown) => void) => ack(data));
    expect((await client.ask('large', large)).data).toEqual(large);
  });

  it('accepts messages up to maxPayload and refuses one more byte', async () => {
    const { app, servers } = await startServers([{ maxPayload: 5_000 }]);
    const { client, socket } = await connectPair(app, servers[0]!);
    const reasons: string[] = [];
    socket.on('disconnect', (reason: string) => reasons.push(reason));
    socket.on('size', (text: string, ack: (length: number) => void) => ack(text.length));
    const frame = (size: number): string => {
      const empty = '{"event":"size","id":1,"data":""}';
      return empty.replace('""', `"${'x'.repeat(size - empty.length)}"`);
    };
    client.send(frame(5_000));
    expect((await client.answer(1)).data).toBeGreaterThan(4_900);
    // maxPayload does not limit outgoing messages.
    socket.emit('large', 'y'.repeat(10_000));
    expect((await client.next('large')).data).toHaveLength(10_000);
    client.send(frame(5_001));
    expect((await client.ended()).code).toBe(1009);
    await until('the socket leaves', () => reasons.length > 0);
    expect(reasons).toEqual(['parse error']);
  });

  it('runs each hook once for each connection of a client that reconnects', async () => {
    const calls: string[] = [];
    @WebSocketGateway()
    class CountingGateway {
      handleConnection(): void {
        calls.push('connection');
      }
      handleDisconnect(): void {
        calls.push('disconnect');
      }
      @SubscribeMessage('hello')
      hello(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: number): void {
        calls.push(`hello ${data}`);
        client.emit('welcome', data);
      }
    }
    const app = await startApp({ providers: [CountingGateway, bareGateway()] });
    for (const round of [1, 2, 3]) {
      const client = await app.connect();
      client.send({ event: 'hello', data: round });
      expect(await received(client, 'welcome')).toEqual([{ event: 'welcome', data: round }]);
      client.close();
      await until('the client has disconnected', () => calls.at(-1) === 'disconnect');
    }
    expect(calls).toEqual([1, 2, 3].flatMap((round) => ['connection', `hello ${round}`, 'disconnect']));
  });

  // Another process could take over a port between the two rounds. It cannot take over a socket in a private directory.
  it('emits again after the server closed and restarted at the same address', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'envelope-'));
    try {
      const path = join(directory, 'app.sock');
      const address = process.platform === 'win32' ? `\\\\.\\pipe\\${path}` : path;
      for (const round of ['first', 'second']) {
        const provider = bareGateway();
        const app = await startApp({ providers: [provider] }, { listen: { path: address } });
        const { server } = app.nest.get(provider);
        server.on('connection', (socket) => socket.emit('welcome', round));
        const client = new TestClient(`ws+unix:${address}:/`);
        expect(await client.next('welcome')).toEqual({ event: 'welcome', data: round });
        server.emit('to all', round);
        expect(await client.next('to all')).toEqual({ event: 'to all', data: round });
        await app.close();
        expect((await client.ended()).code).toBe(1001);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
