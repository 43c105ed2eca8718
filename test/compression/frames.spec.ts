import { randomBytes } from 'node:crypto';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import { COMPRESSED, deflated, textOf } from '../support/deflate.js';
import { closeBody, OP, RawClient, type RawFrame } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

/** Text of a length, whose second half repeats the first one from afar. */
function repeated(length: number): string {
  const half = randomBytes(length)
    .toString('hex')
    .slice(0, length / 2);
  return half + half;
}

@WebSocketGateway({ path: '/ws' })
class DeflateGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly connected: EnvelopeSocket[] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.connected.push(client);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('values')
  *values(@MessageBody() values: unknown[]): Generator<unknown> {
    yield* values;
  }
}

describe('messages that are compressed once for all clients', () => {
  expectNoUnhandledErrors();
  let app: TestApp;
  let gateway: DeflateGateway;
  let server: EnvelopeServer;
  beforeAll(async () => {
    const adapter = { perMessageDeflate: true, pingInterval: 0, limits: { maxBufferedBytes: 100_000_000 } };
    app = await startSharedApp({ providers: [DeflateGateway] }, { adapter });
    gateway = app.nest.get(DeflateGateway);
    ({ server } = gateway);
  });
  afterEach(() => server.sockets.forEach((socket) => socket.terminate()));
  afterAll(() => app.close());

  /** Connects a client that offers this; an empty string: no compression. */
  async function join(offer = 'permessage-deflate'): Promise<{ client: RawClient; socket: EnvelopeSocket }> {
    const { connected } = gateway;
    const { length } = connected;
    const headers: Record<string, string> = offer === '' ? {} : { 'Sec-WebSocket-Extensions': offer };
    const client = await RawClient.connect(app.port, '/ws', headers, 20_000);
    await until('handleConnection', () => connected.length > length);
    return { client, socket: connected.at(-1)! };
  }

  const read = async ({ client }: { client: RawClient }, windowBits?: number): Promise<unknown> =>
    JSON.parse(textOf(await client.frame(), windowBits));
  async function expectCompressed(frame: RawFrame, message: unknown): Promise<void> {
    expect(frame).toMatchObject({ fin: true, rsv: COMPRESSED, opcode: OP.text });
    expect(JSON.parse(textOf(frame))).toEqual(message);
  }

  it('are complete frames, each on its own, of broadcasts, emits, answers, streams and raw data', async () => {
    const { client, socket } = await join();
    const data = 'ü€😀 text '.repeat(200);
    server.emit('news', data);
    await expectCompressed(await client.frame(), { event: 'news', data });
    socket.emit('direct', data, 2);
    socket.emit('direct', data);
    await expectCompressed(await client.frame(), { event: 'direct', data: [data, 2] });
    await expectCompressed(await client.frame(), { event: 'direct', data });
    client.text({ event: 'echo', id: 1, data });
    await expectCompressed(await client.frame(), { event: 'echo', ack: 1, data });
    client.text({ event: 'values', id: 2, stream: true, data: [data, data] });
    for (let i = 0; i < 2; i++)
      await expectCompressed(await client.frame(), { event: 'values', ack: 2, more: true, data });
    expect(JSON.parse(textOf(await client.frame()))).toEqual({ event: 'values', ack: 2 });
    socket.send(JSON.stringify(data));
    await expectCompressed(await client.frame(), data);
    socket.send(Buffer.from(data));
    const binary = await client.frame();
    expect([binary.opcode, binary.rsv, textOf(binary)]).toEqual([OP.binary, COMPRESSED, data]);
    // the client's own messages are read, compressed and not
    client.send({
      opcode: OP.text,
      rsv: COMPRESSED,
      payload: deflated(JSON.stringify({ event: 'echo', data })),
    });
    await expectCompressed(await client.frame(), { event: 'echo', data });
  });

  it('have at least as many bytes as the threshold, and become smaller', async () => {
    const { client, socket } = await join();
    for (const [text, rsv] of [
      ['x'.repeat(1_023), 0],
      ['x'.repeat(1_024), COMPRESSED],
      ['ü'.repeat(511), 0],
      ['ü'.repeat(512), COMPRESSED],
    ] as const) {
      socket.send(text);
      const frame = await client.frame();
      expect([frame.rsv, textOf(frame)]).toEqual([rsv, text]);
    }
    for (const size of [5_000, 100_000]) {
      const noise = randomBytes(size);
      socket.send(noise);
      const { rsv, payload } = await client.frame();
      expect([rsv, payload.equals(noise)]).toEqual([0, true]);
    }
  });

  it('are left uncompressed on demand, and through `ws` itself', async () => {
    const { client, socket } = await join();
    const data = 'x'.repeat(50_000);
    server.compress(false).emit('plain', data);
    socket.compress(false).emit('plain', data);
    expect([(await client.frame()).rsv, (await client.frame()).rsv]).toEqual([0, 0]);
    // the large one is written first, although `ws` writes at once
    socket.emit('large', data);
    const sent = new Promise((resolve) => socket.send(`${data}1`, resolve));
    socket.emit('large', data);
    await new Promise(process.nextTick);
    socket.ws!.send(`${data}2`);
    socket.emit('large', data);
    socket.ping('3');
    socket.emit('large', data);
    socket.close(4000, 'bye');
    const texts = [];
    for (let i = 0; i < 7; i++) texts.push((await client.frame()).payload.toString().slice(-5));
    expect(texts).toEqual(['xxx"}', 'xxxx1', 'xxx"}', 'xxxx2', 'xxx"}', '3', 'xxx"}']);
    expect(await client.close()).toEqual({ code: 4000, reason: 'bye' });
    expect(await sent).toBeFalsy();
  });

  it('go as they are to clients without compression in the same room', async () => {
    const members = [await join(), await join(''), await join(), await join('')];
    for (const { socket } of members) await socket.join('room');
    const sizes = [10, 2_000, 10, 40_000, 3_000, 10, 200_000, 10];
    for (const size of sizes) server.to('room').emit('batch', 'ü'.repeat(size));
    const received: Buffer[][] = [];
    for (const [index, { client }] of members.entries()) {
      received.push([]);
      for (const size of sizes) {
        const frame = await client.frame();
        expect(frame.rsv).toBe(size > 10 && index % 2 === 0 ? COMPRESSED : 0);
        expect(JSON.parse(textOf(frame))).toEqual({ event: 'batch', data: 'ü'.repeat(size) });
        received[index]!.push(frame.bytes);
      }
    }
    const [a, b, c, d] = received.map((frames) => Buffer.concat(frames));
    expect([c!.equals(a!), d!.equals(b!)]).toEqual([true, true]);
  });

  it('fit into the window of each client', async () => {
    const [large, small] = [await join(), await join('permessage-deflate; server_max_window_bits=9')];
    // a text of up to 512 bytes fits into any window
    for (const size of [1_030, 20_000, 300_000]) {
      const data = repeated(size);
      server.emit('news', data);
      const frame = await large.client.frame();
      expect(JSON.parse(textOf(frame))).toEqual({ event: 'news', data });
      expect(() => textOf(frame, 9)).toThrow('invalid distance');
      expect(await read(small, 9)).toEqual({ event: 'news', data });
    }
  });

  it('keep their order while large ones are compressed off the event loop', async () => {
    const { client, socket } = await join();
    const expected: string[] = [];
    for (let i = 0; i < 60; i++) {
      const data = `${i} ${repeated([0, 300_000, 10, 35_000, 2_000, 150_000][i % 6]!)}`;
      expected.push(data);
      if (i % 2 === 0) server.emit('next', data);
      else socket.emit('next', data);
      if (i % 7 === 0) await new Promise(setImmediate);
    }
    for (const data of expected) {
      const frame = await client.frame();
      expect(frame.rsv).toBe(data.length > 1_100 ? COMPRESSED : 0);
      expect(JSON.parse(textOf(frame)).data === data).toBe(true);
    }
  });

  it('are sent uncompressed where too many would wait for their compression', async () => {
    const { client } = await join();
    const data = 'x'.repeat(1_000_000);
    for (let i = 0; i < 24; i++) server.emit('flood', `${i}${data}`);
    const bits = [];
    for (let i = 0; i < 24; i++) {
      const frame = await client.frame();
      bits.push(frame.rsv);
      expect(JSON.parse(textOf(frame)).data === `${i}${data}`).toBe(true);
    }
    expect(bits.slice(0, 16)).toEqual(Array(16).fill(COMPRESSED));
    expect(bits.slice(16)).toEqual(Array(8).fill(0));
    server.emit('flood', data);
    expect((await client.frame()).rsv).toBe(COMPRESSED);
  });

  it('end with the connection', async () => {
    const members = [await join(), await join(), await join()];
    const data = 'x'.repeat(3_000_000);
    server.emit('last', data);
    await new Promise(setImmediate);
    members[0]!.socket.terminate();
    members[1]!.client.tcp.resetAndDestroy();
    expect(await read(members[2]!)).toEqual({ event: 'last', data });
    await until('two clients to leave', () => server.sockets.size === 1);
    expect(await members[0]!.client.frameOrEnd()).toBeUndefined();
    server.emit('last', 1);
    expect(await read(members[2]!)).toEqual({ event: 'last', data: 1 });
    // `ws` answers a close frame by itself
    server.emit('last', data);
    members[2]!.client.send({ opcode: OP.close, payload: closeBody(4001) });
    expect(await read(members[2]!)).toEqual({ event: 'last', data });
    expect((await members[2]!.client.close()).code).toBe(4001);
  });
});
