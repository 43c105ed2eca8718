import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import type { Namespace, Socket } from 'socket.io';
import type { TestClient } from '../support/client.js';
import { describeOurs, describeServers, Settling, startSharedIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type Any, type IoClient } from './io-client.js';

const BYTES = [0, 1, 127, 128, 255, 30, 98, 0];

/** Bytes of all types that Socket.IO carries, and values with bytes in them. `make` is called for each use. */
const VALUES: [name: string, make: () => Any][] = [
  ['a Buffer', () => Buffer.from(BYTES)],
  ['an empty Buffer', () => Buffer.alloc(0)],
  ['a Uint8Array', () => Uint8Array.from(BYTES)],
  [
    'a view of a part of a buffer',
    () => new Uint8Array(Uint8Array.from([9, ...BYTES, 9]).buffer, 1, BYTES.length),
  ],
  ['an ArrayBuffer', () => Uint8Array.from(BYTES).buffer],
  ['100 kB', () => Buffer.alloc(100_000, 'abc')],
  ['bytes deep within a value', () => ({ a: { b: [1, { c: Buffer.from(BYTES) }, null] }, text: 'x' })],
  [
    'several buffers',
    () => ({ one: Buffer.from([1]), more: [Buffer.from([2, 3]), Uint8Array.from([4])], n: 5 }),
  ],
  ['the same buffer twice', () => [Buffer.from(BYTES)].flatMap((buffer) => [{ buffer }, { buffer }])],
  ['five attachments', () => Array.from({ length: 5 }, (_, n) => Buffer.from([n]))],
  [
    'bytes beside what looks like a placeholder',
    () => ({ bytes: Buffer.from(BYTES), fake: { _placeholder: 'true', num: 7 } }),
  ],
];

const isBytes = (value: unknown): value is ArrayBuffer | ArrayBufferView =>
  ArrayBuffer.isView(value) || Object.prototype.toString.call(value) === '[object ArrayBuffer]';

/** Writes bytes of all types as `bytes:…`, so that values compare; the receiver gets bytes in its own type. */
function plain(value: Any): Any {
  if (isBytes(value)) {
    const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(value)
      ? value
      : { buffer: value, byteOffset: 0, byteLength: value.byteLength };
    return `bytes:${Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('hex')}`;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** What a bare client gets: bytes as base64 text. */
function asText(value: Any): Any {
  if (isBytes(value))
    return Buffer.from(plain(value).slice('bytes:'.length) as string, 'hex').toString('base64');
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asText(item)]));
}

@WebSocketGateway({ namespace: 'binary' })
class BinaryGateway extends Settling implements OnGatewayConnection {
  @WebSocketServer() server!: Namespace;
  readonly taken: unknown[] = [];

  handleConnection(client: Socket): void {
    void client.join('room');
    client.on('listen', (...args: unknown[]) => {
      const ack = args.pop() as (...values: unknown[]) => void;
      this.taken.push(args);
      ack(...args);
    });
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    this.taken.push(data);
    return data;
  }
  @SubscribeMessage('named')
  named(@MessageBody() data: unknown): unknown {
    return { event: 'named', data };
  }
  @SubscribeMessage('back')
  back(@ConnectedSocket() client: Socket, @MessageBody() args: unknown[]): void {
    client.emit('returned', ...args);
  }
  @SubscribeMessage('ask')
  async ask(@ConnectedSocket() client: Socket, @MessageBody() data: unknown): Promise<unknown> {
    const answer: unknown = await client.timeout(4_000).emitWithAck('question', data);
    this.taken.push(answer);
    return answer;
  }
}

describeServers('binary data', (server) => {
  let app: IoApp;
  let gateway: BinaryGateway;
  beforeAll(async () => {
    app = await startSharedIoApp(server, { providers: [BinaryGateway] });
    gateway = app.nest.get(BinaryGateway);
  });
  afterAll(() => app.close());
  beforeEach(() => void gateway.taken.splice(0));

  describe.each(TRANSPORTS)('over %s', (transport) => {
    let client: IoClient;
    beforeEach(async () => {
      client = await app.connect('/binary', { transport });
    });
    afterEach(() => client.destroy());

    it.each(VALUES)('takes %s as an event, and sends it in an acknowledgement', async (_name, make) => {
      const [answer] = await client.ask('echo', make());
      expect(plain(gateway.taken)).toEqual([plain(make())]);
      expect(plain(answer)).toEqual(plain(make()));
    });

    it.each(VALUES)('takes %s among arguments, and sends several values', async (_name, make) => {
      const args = [1, make(), 'two', make()];
      expect(plain(await client.ask('listen', ...args))).toEqual(plain(args));
      expect(plain(gateway.taken)).toEqual([plain(args)]);
    });

    it.each(VALUES)('emits %s, and takes it as an answer', async (_name, make) => {
      client.socket.on('question', (data: Any, ack: (value: unknown) => void) => ack({ data, more: make() }));
      const [answer] = await client.ask('ask', make());
      expect(plain(await client.next('question'))).toEqual([plain(make()), expect.any(Function)]);
      expect(plain(gateway.taken)).toEqual([plain({ data: make(), more: make() })]);
      expect(plain(answer)).toEqual(plain({ data: make(), more: make() }));
    });

    it.each(VALUES)('emits %s by an event, and by several arguments', async (_name, make) => {
      client.emit('named', make());
      expect(plain(await client.next('named'))).toEqual([plain(make())]);
      client.emit('back', ['a', make(), make()]);
      expect(plain(await client.next('returned'))).toEqual(['a', plain(make()), plain(make())]);
    });

    it('gives bytes to handlers as Buffers', async () => {
      await client.ask('echo', { data: Uint8Array.from(BYTES) });
      expect(Buffer.isBuffer((gateway.taken[0] as Any).data)).toBe(true);
    });

    it('takes ten attachments, and closes the connection on more', async () => {
      const ten = Array.from({ length: 10 }, (_, n) => Buffer.from([n]));
      expect(plain(await client.ask('echo', ten))).toEqual([plain(ten)]);
      client.emit('echo', [...ten, Buffer.from([10])]);
      expect(await client.ended()).toBe('transport close');
    });

    it('keeps the order of messages with and without bytes', async () => {
      const numbers = Array.from({ length: 60 }, (_, n) => n);
      for (const n of numbers) client.emit('back', n % 3 === 0 ? [n, Buffer.from([n])] : [n, 'text']);
      await client.settled();
      expect(client.of('returned').map(([n]) => n as number)).toEqual(numbers);
      expect(plain(client.of('returned')[57])).toEqual([57, `bytes:${Buffer.from([57]).toString('hex')}`]);
    });
  });

  describe('of broadcasts', () => {
    let clients: IoClient[];
    beforeEach(async () => {
      clients = await Promise.all(TRANSPORTS.map((transport) => app.connect('/binary', { transport })));
    });
    afterEach(() => clients.forEach((client) => client.destroy()));

    it.each(VALUES)('sends %s to all', async (_name, make) => {
      gateway.server.emit('all', make());
      gateway.server.to('room').emit('room', 1, make(), [make()]);
      for (const client of clients) {
        expect(plain(await client.next('all'))).toEqual([plain(make())]);
        expect(plain(await client.next('room'))).toEqual([1, plain(make()), [plain(make())]]);
      }
    });

    it('collects answers with bytes', async () => {
      for (const client of clients)
        client.socket.on('question', (data: Any, ack: (value: unknown) => void) => ack([data]));
      const room = gateway.server.to(clients.map((client) => client.socket.id!));
      const answers = await room.timeout(4_000).emitWithAck('question', Buffer.from(BYTES));
      expect(plain(answers)).toEqual(clients.map(() => [plain(Buffer.from(BYTES))]));
    });
  });
});

describeOurs('binary data in a room with bare clients', () => {
  let app: IoApp;
  let gateway: BinaryGateway;
  let bare: TestClient;
  let client: IoClient;
  beforeAll(async () => {
    app = await startSharedIoApp('ours', { providers: [BinaryGateway] });
    gateway = app.nest.get(BinaryGateway);
    bare = await app.bare('/binary');
    client = await app.connect('/binary');
  });
  afterAll(() => app.close());

  it.each(VALUES)('gives %s to them as base64 text', async (_name, make) => {
    gateway.server.to('room').emit('mixed', make());
    expect((await bare.next('mixed')).data).toEqual(asText(make()));
    expect(plain(await client.next('mixed'))).toEqual([plain(make())]);
  });

  it.each(VALUES)('gives them the list of several arguments with %s', async (_name, make) => {
    gateway.server.emit('mixed', 1, make());
    expect((await bare.next('mixed')).data).toEqual([1, asText(make())]);
    expect(plain(await client.next('mixed'))).toEqual([1, plain(make())]);
  });

  it.each(VALUES)('asks both kinds with %s', async (_name, make) => {
    client.socket.on('question', (data: Any, ack: (value: unknown) => void) => ack(data));
    const answers = gateway.server.timeout(4_000).emitWithAck('question', make());
    const { id, data } = await bare.next('question');
    bare.send({ ack: id, data: 'from the bare client' });
    expect(data).toEqual(asText(make()));
    expect(plain(await answers)).toHaveLength(2);
    expect(plain(await answers)).toEqual(expect.arrayContaining(['from the bare client', plain(make())]));
    client.socket.off('question');
  });

  it.each(VALUES)('sends %s from one kind to the other', async (_name, make) => {
    expect(plain(await client.ask('echo', make()))).toEqual([plain(make())]);
    const socket = [...gateway.server.sockets.values()].find(({ id }) => id !== client.socket.id)!;
    socket.emit('direct', make());
    expect((await bare.next('direct')).data).toEqual(asText(make()));
  });
});
