import type { EnvelopeOptions, EnvelopeSocket } from '../../lib/index.js';
import { startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';
import { clientFrame, OP, RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

const LIMIT = 200_000;
const TOO_SLOW = { code: 1013, reason: 'the client reads too slowly' };

interface SlowClient {
  raw: RawClient;
  socket: EnvelopeSocket;
}

/** Connects a client that never reads, and fills its share of the kernel's buffers. */
async function stopReading(
  { app, gateway }: BareApp,
  headers: Record<string, string> = {},
): Promise<SlowClient> {
  const raw = await RawClient.connect(app.port, '/ws', headers);
  raw.tcp.pause();
  const socket = gateway.connected.at(-1)!;
  do {
    socket.emit('bulk', 'x'.repeat(60_000));
    // What the kernel accepts has left the buffer by the next turn.
    await new Promise((resolve) => setImmediate(resolve));
  } while (socket.bufferedAmount === 0);
  return { raw, socket };
}

const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Fills the buffer just beyond the limit. The server checks the limit at the next tick of the client. */
async function fillBuffer(socket: EnvelopeSocket): Promise<void> {
  while (socket.bufferedAmount <= LIMIT) {
    socket.emit('bulk', 'x'.repeat(60_000));
    await tick();
  }
}

/** Returns all text messages up to the close frame, and its code and reason. */
async function readToClose({ raw }: SlowClient): Promise<{ events: [string, unknown][]; close: unknown }> {
  raw.tcp.resume();
  const events: [string, unknown][] = [];
  for (;;) {
    const { opcode, payload } = await raw.frame();
    if (opcode === OP.close)
      return { events, close: { code: payload.readUInt16BE(), reason: payload.subarray(2).toString() } };
    const { event, data } = JSON.parse(payload.toString()) as { event: string; data: unknown };
    if (event !== 'bulk') events.push([event, data]);
  }
}

const start = (options: EnvelopeOptions = {}): Promise<BareApp> =>
  startBareApp({ ...options, limits: { maxBufferedBytes: LIMIT, ...options.limits } });

describe('a client that reads too slowly', () => {
  expectNoUnhandledErrors();

  it('is closed with 1013 when more bytes than the limit wait, after every earlier message', async () => {
    const plain = await start();
    const slow = await stopReading(plain);
    const { socket } = slow;
    let sent = 0;
    while (socket.connected) {
      socket.emit('numbered', sent++);
      socket.emit('bulk', 'x'.repeat(1_000));
      if (sent % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(socket.closed).toEqual({ ...TOO_SLOW, wasClean: true, initiator: 'server' });
    expect(plain.gateway.disconnected).toEqual([[socket, 'server namespace disconnect']]);
    expect(socket.emit('late', 1)).toBe(false);
    plain.server.emit('late', 2);
    expect(plain.server.sockets.size).toBe(0);

    const { events, close } = await readToClose(slow);
    expect(close).toEqual(TOO_SLOW);
    expect(events).toEqual(events.map((_, index) => ['numbered', index]));
    expect(sent - events.length).toBeLessThan(30);
  });

  it('shows the waiting bytes in bufferedAmount and emits "drain" when the client reads on', async () => {
    const plain = await start();
    const { raw, socket } = await stopReading(plain);
    let drained = 0;
    socket.on('drain', () => drained++);
    const before = socket.bufferedAmount;
    socket.emit('more', 'x'.repeat(10_000));
    expect(socket.bufferedAmount).toBeGreaterThanOrEqual(before + 10_000);
    expect(drained).toBe(0);
    raw.tcp.resume();
    await until('the connection has drained', () => socket.bufferedAmount === 0);
    await until('the drain event', () => drained === 1);
    expect(socket.connected).toBe(true);
  });

  it('misses every kind of volatile message and no other message', async () => {
    const plain = await start();
    const slow = await stopReading(plain);
    const { server } = plain;
    const { socket } = slow;
    for (let round = 0; round < 100; round++) {
      socket.volatile.emit('dropped', round);
      server.volatile.emit('dropped', round);
      server.to(socket.id).volatile.emit('dropped', round);
    }
    socket.emit('kept', 1);
    server.emit('kept', 2);
    socket.disconnect();
    const { events, close } = await readToClose(slow);
    expect(events).toEqual([
      ['kept', 1],
      ['kept', 2],
    ]);
    expect(close).toEqual({ code: 1000, reason: '' });
  });

  it.each([
    ['the server closes it in the same turn', (socket: EnvelopeSocket) => socket.disconnect()],
    ['the server pings it in the same turn', (socket: EnvelopeSocket) => socket.ping()],
    [
      'the server sends raw text in the same turn',
      (socket: EnvelopeSocket) => socket.send('{"event":"raw"}', {}),
    ],
  ])('disconnects once, also if %s', async (_when, act) => {
    const plain = await start();
    const slow = await stopReading(plain);
    const { socket } = slow;
    const ends: unknown[] = [];
    socket.on('disconnect', (_reason, closed) => ends.push(closed.code));
    await fillBuffer(socket);
    socket.emit('too much', 1);
    act(socket);
    await until('the disconnect', () => socket.disconnected);
    expect(socket.closed).toMatchObject({ code: 1013 });
    expect(ends).toEqual([1013]);
    expect(plain.gateway.disconnected).toHaveLength(1);
    expect((await readToClose(slow)).close).toEqual(TOO_SLOW);
  });

  it('does not let a message of its disconnect listener overtake earlier broadcasts', async () => {
    const plain = await start();
    const { socket } = await stopReading(plain);
    const [other] = await plain.join(1);
    let sent = 0;
    socket.on('disconnect', () => plain.server.emit('left', sent));
    while (socket.connected) {
      plain.server.emit('bulk', `${++sent}:${'x'.repeat(70_000)}`);
      await tick();
    }
    await other!.client.settled();
    const { frames } = other!.client;
    const index = frames.findIndex(({ event }) => event === 'left');
    expect(frames[index]!.data).toBe(sent);
    expect(String(frames[index - 1]!.data).split(':')[0]).toBe(String(sent));
  });

  it('passes an error to the callback of send', async () => {
    const plain = await start();
    const { socket } = await stopReading(plain);
    await fillBuffer(socket);
    const failed = await new Promise<Error | undefined>((resolve) => socket.send('too much', resolve));
    expect(failed).toBeInstanceOf(Error);
    expect(socket.closed).toMatchObject({ code: 1013 });
  });
});

describe('a client that reads', () => {
  expectNoUnhandledErrors();
  /** More characters than the kernel accepts at once. */
  const HUGE = 'ü'.repeat(4_000_000);

  it.each<[string, (pair: Pair, plain: BareApp) => void]>([
    ['an event', ({ socket }) => socket.emit('huge', HUGE)],
    ['a broadcast', (_pair, { server }) => server.emit('huge', HUGE)],
    ['a request', ({ socket }) => void socket.emit('huge', HUGE, () => undefined)],
    ['a text', ({ socket }) => socket.send(JSON.stringify({ event: 'huge', data: HUGE }))],
    [
      'a text with a callback',
      ({ socket }) => socket.send(JSON.stringify({ event: 'huge', data: HUGE }), () => undefined),
    ],
    [
      'a text of bytes with options',
      ({ socket }) =>
        socket.send(Buffer.from(JSON.stringify({ event: 'huge', data: HUGE })), { binary: false }),
    ],
  ])('receives %s larger than maxBufferedBytes and everything sent right after it', async (_name, emit) => {
    for (const perMessageDeflate of [false, true]) {
      const plain = await start({ perMessageDeflate });
      const [pair] = await plain.join(1);
      const { client, socket } = pair!;
      emit(pair!, plain);
      for (let after = 0; after < 200; after++) {
        socket.emit('after', after);
        if (after % 50 === 0) socket.send(JSON.stringify({ event: 'raw' }), () => undefined);
      }
      expect((await client.next('huge')).data === HUGE).toBe(true);
      await client.settled();
      const after = client.frames.filter(({ event }) => event === 'after').map(({ data }) => data);
      expect(after).toEqual([...Array(200).keys()]);
      expect(client.frames.filter(({ event }) => event === 'raw')).toHaveLength(4);
      expect(socket.connected).toBe(true);
      await plain.app.close();
    }
  });
});

describe('a client that sends requests and does not read', () => {
  expectNoUnhandledErrors();
  const limits = { messagesPerSecond: false, maxBufferedBytes: LIMIT } as const;

  it.each([
    ['pongs', { opcode: OP.ping, payload: 'p'.repeat(125) }],
    ['answers', { opcode: OP.text, payload: JSON.stringify({ event: '$ping', id: 'i'.repeat(64) }) }],
  ])('is closed when too many %s wait', async (_name, frame) => {
    const plain = await start({ limits });
    const { raw, socket } = await stopReading(plain);
    const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => clientFrame(frame)));
    while (socket.connected) {
      raw.tcp.write(thousand);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(socket.closed).toEqual({ ...TOO_SLOW, wasClean: true, initiator: 'server' });
    // One read of `ws` may hold some hundred more.
    expect(socket.ws.bufferedAmount).toBeLessThan(3 * LIMIT);
    expect(plain.gateway.disconnected).toEqual([[socket, 'server namespace disconnect']]);
  });

  it('is paused at half the limit, and closed if that does not drain', async () => {
    const plain = await start({ limits, connectTimeout: 200 });
    const { raw, socket } = await stopReading(plain);
    const frame = { opcode: OP.text, payload: JSON.stringify({ event: 'not handled' }) };
    const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => clientFrame(frame)));
    raw.tcp.write(thousand);
    await until('the connection is paused', () => socket.isPaused);
    expect(socket.bufferedAmount).toBeLessThan(LIMIT);
    raw.tcp.write(thousand);
    await until('the disconnect', () => !socket.connected);
    expect(socket.closed).toMatchObject({ code: 1013, reason: 'no message in flight comes to an end' });
  });

  it('receives every answer if it reads in time', async () => {
    const plain = await start({ limits });
    const { raw, socket } = await stopReading(plain);
    const count = 5_000;
    const events = Array.from({ length: count }, (_, id) =>
      clientFrame({ opcode: OP.text, payload: JSON.stringify({ event: 'not handled', id }) }),
    );
    raw.tcp.write(Buffer.concat(events));
    await until('the connection is paused', () => socket.isPaused);
    expect(socket.bufferedAmount).toBeLessThan(LIMIT);
    raw.tcp.resume();
    for (let next = 0; next < count;) {
      const { event, ack } = JSON.parse(await raw.message()) as { event: string; ack?: number };
      if (event === 'bulk') continue;
      expect([event, ack]).toEqual(['exception', next++]);
    }
    expect(socket.connected).toBe(true);
  });
});

describe('a burst in one turn', () => {
  expectNoUnhandledErrors();

  it.each([
    ['many small messages', 3_000, 1_000],
    ['some large ones', 3, 1_000_000],
  ])(
    'reaches every client that reads if it is smaller than maxBufferedBytes: %s',
    async (_name, count, size) => {
      const plain = await startBareApp();
      const pairs = await plain.join(3);
      const text = 'x'.repeat(size);
      for (let sent = 0; sent < count; sent++) plain.server.emit('burst', text);
      for (const { socket } of pairs) for (let sent = 0; sent < 100; sent++) socket.emit('after', sent);
      for (const { client, socket } of pairs) {
        await client.settled();
        expect(client.frames.filter(({ event }) => event === 'burst')).toHaveLength(count);
        expect(client.frames.filter(({ event }) => event === 'after')).toHaveLength(100);
        expect(socket.connected).toBe(true);
      }
    },
  );
});
