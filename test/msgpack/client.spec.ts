import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebSocketServer } from 'ws';
import { EnvelopeSocket } from '../../lib/index.js';
import { messagePack } from '../../lib/msgpack/index.js';
import { messagePack as codec } from '../../lib/client/msgpack.js';
import { connect, RequestError, type ClientSocket, type ClientOptions } from '../../lib/client/node.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import { deferred } from '../support/wait.js';

@WebSocketGateway({ path: '/packed' })
class PackedGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('count')
  *count(@MessageBody() bytes: Buffer): Generator<Buffer> {
    for (const byte of bytes) yield Buffer.from([byte]);
  }
  @SubscribeMessage('kind')
  kind(@MessageBody() data: unknown): string {
    return Buffer.isBuffer(data) ? 'Buffer' : typeof data;
  }
  @SubscribeMessage('ask')
  ask(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: unknown): Promise<unknown> {
    return client.timeout(4_000).emitWithAck('question', data);
  }
  @SubscribeMessage('cut')
  cut(@ConnectedSocket() client: EnvelopeSocket): void {
    client.ws.terminate();
  }
}

describe('the client with codec: messagePack()', () => {
  let app: TestApp;
  const sockets: ClientSocket[] = [];
  beforeAll(async () => {
    app = await startSharedApp(
      { providers: [PackedGateway] },
      { adapter: { encodings: [messagePack()], recovery: true } },
    );
  });
  afterEach(() => sockets.splice(0).forEach((socket) => socket.disconnect()));
  afterAll(() => app.close());

  const open = (url = app.url('/packed'), options: ClientOptions = {}): ClientSocket => {
    const socket = connect(url, { codec: codec(), reconnectionDelay: 10, ...options });
    sockets.push(socket);
    return socket;
  };

  it.each<[string, unknown, string]>([
    ['Uint8Array', new Uint8Array([1, 2]), 'Buffer'],
    ['Buffer', Buffer.from([1, 2]), 'Buffer'],
    ['ArrayBuffer', new Uint8Array([1, 2]).buffer, 'Buffer'],
    ['DataView', new DataView(new Uint8Array([0, 1, 2]).buffer, 1), 'Buffer'],
    ['Uint16Array', new Uint16Array([0x0201]), 'Buffer'],
    ['text', 'ü€𝄞', 'string'],
    ['a date', new Date(0), 'string'],
  ])('sends %s', async (_, data, kind) => {
    const socket = open();
    expect(await socket.emitWithAck('kind', data)).toBe(kind);
    const back = (await socket.emitWithAck('echo', [data])) as unknown[];
    if (kind === 'Buffer') expect(back[0]).toEqual(new Uint8Array([1, 2]));
    else expect(back[0]).toBe(data instanceof Date ? data.toJSON() : data);
  });

  it('queues messages until it is connected, streams, and answers the server', async () => {
    const socket = open();
    const values: unknown[] = [];
    socket.on('question', (data: Uint8Array) => ({ length: data.length, data }));
    const answer = socket.emitWithAck('ask', new Uint8Array([1, 2, 3]));
    for await (const value of socket.stream('count', new Uint8Array([5, 6]))) values.push(value);
    expect(values).toEqual([new Uint8Array([5]), new Uint8Array([6])]);
    expect(await answer).toEqual({ length: 3, data: new Uint8Array([1, 2, 3]) });
  });

  it('recovers its session after a cut', async () => {
    const socket = open();
    await socket.emitWithAck('echo', 1);
    const { id } = socket;
    const connected = new Promise((resolve) => socket.once('connect', resolve));
    socket.emit('cut');
    await connected;
    expect(socket.id).toBe(id);
    expect(await socket.emitWithAck('echo', new Uint8Array([9]))).toEqual(new Uint8Array([9]));
  });

  it('throws on what neither JSON nor MessagePack can carry, and names the place', async () => {
    const socket = open();
    expect(() => socket.emit('x', { list: [new Map()] })).toThrow(
      '"x" cannot be sent: data.list[0] is a Map',
    );
    expect(() => socket.emit('x', { blob: new Blob([]) })).toThrow('data.blob is a Blob');
    expect(() => socket.emit('x', '\ud800')).toThrow('half of a surrogate pair');
    await expect(socket.emitWithAck('nothing')).rejects.toThrow(RequestError);
  });

  it('sends no bytes as JSON without the codec', () => {
    const socket = connect(app.url('/packed'));
    sockets.push(socket);
    expect(() => socket.emit('x', new Uint8Array(1))).toThrow('is a Uint8Array, which JSON cannot carry');
  });

  it('does not connect to a server that selects another subprotocol, or none', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => false });
    await new Promise((resolve) => server.once('listening', resolve));
    const failed = deferred<Error>();
    const socket = open(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
    socket.on('connect_error', (error: Error) => failed.resolve(error));
    expect((await failed.promise).message).toContain('subprotocol');
    socket.disconnect();
    await new Promise((resolve) => server.close(resolve));
  });

  it('ignores what a hostile server sends', async () => {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: () => 'envelope.v1+msgpack',
    });
    await new Promise((resolve) => server.once('listening', resolve));
    const nested = Buffer.alloc(100_000, 0xdd);
    server.on('connection', (ws) => {
      for (const bytes of [
        Buffer.alloc(0),
        Buffer.from([0xc1]),
        Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]),
        nested,
        Buffer.from([0x81, 0xa9, ...Buffer.from('__proto__'), 0x80]),
      ])
        ws.send(bytes);
      ws.send('{"event":"text"}');
      ws.send(
        Buffer.from([
          0x82,
          0xa5,
          ...Buffer.from('event'),
          0xa8,
          ...Buffer.from('$session'),
          0xa4,
          ...Buffer.from('data'),
          0x80,
        ]),
      );
      ws.send(Buffer.from([0x81, 0xa5, ...Buffer.from('event'), 0xa4, ...Buffer.from('last')]));
    });
    const seen: unknown[] = [];
    const last = deferred<void>();
    const socket = open(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
    socket.onAny((event) => seen.push(event));
    socket.on('last', () => last.resolve());
    await last.promise;
    expect(seen).toEqual(['last']);
    socket.disconnect();
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
    await sleep(0);
  });
});
