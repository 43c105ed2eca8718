import type { EnvelopeOptions, EnvelopeSocket } from '../../lib/index.js';
import { startPlain, type Pair, type Plain } from '../support/bare-gateway.js';
import { clientFrame, OP, RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

const LIMIT = 200_000;
const TOO_SLOW = { code: 1013, reason: 'the client reads too slowly' };

interface Slow {
  raw: RawClient;
  socket: EnvelopeSocket;
}

/** A client that reads nothing, from the first byte on, and whose share of the kernel's buffers is full. */
async function stop({ app, gateway }: Plain, headers: Record<string, string> = {}): Promise<Slow> {
  const raw = await RawClient.connect(app.port, '/ws', headers);
  raw.tcp.pause();
  const socket = gateway.connected.at(-1)!;
  do {
    socket.emit('bulk', 'x'.repeat(60_000));
    // what the kernel takes it takes by the next turn
    await new Promise((resolve) => setImmediate(resolve));
  } while (socket.bufferedAmount === 0);
  return { raw, socket };
}

const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** As much waits as may, and nothing has come of it yet. */
async function fill(socket: EnvelopeSocket): Promise<void> {
  while (socket.bufferedAmount <= LIMIT) {
    socket.emit('bulk', 'x'.repeat(60_000));
    await tick();
  }
}

/** All text messages until the close frame, and that. */
async function readOn({ raw }: Slow): Promise<{ events: [string, unknown][]; close: unknown }> {
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

const start = (options: EnvelopeOptions = {}): Promise<Plain> =>
  startPlain({ ...options, limits: { maxBufferedBytes: LIMIT, ...options.limits } });

describe('a client that reads too slowly', () => {
  expectNoUnhandledErrors();

  it('is let go with 1013 when more waits than may, after all that was emitted before', async () => {
    const plain = await start();
    const slow = await stop(plain);
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

    const { events, close } = await readOn(slow);
    expect(close).toEqual(TOO_SLOW);
    expect(events).toEqual(events.map((_, index) => ['numbered', index]));
    expect(sent - events.length).toBeLessThan(30);
  });

  it('tells bufferedAmount, and drain when it reads on', async () => {
    const plain = await start();
    const { raw, socket } = await stop(plain);
    let drained = 0;
    socket.on('drain', () => drained++);
    const before = socket.bufferedAmount;
    socket.emit('more', 'x'.repeat(10_000));
    expect(socket.bufferedAmount).toBeGreaterThanOrEqual(before + 10_000);
    expect(drained).toBe(0);
    raw.tcp.resume();
    await until('the line has drained', () => socket.bufferedAmount === 0);
    await until('the event', () => drained === 1);
    expect(socket.connected).toBe(true);
  });

  it('misses volatile messages, in whichever way they were sent, and nothing else', async () => {
    const plain = await start();
    const slow = await stop(plain);
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
    const { events, close } = await readOn(slow);
    expect(events).toEqual([
      ['kept', 1],
      ['kept', 2],
    ]);
    expect(close).toEqual({ code: 1000, reason: '' });
  });

  it.each([
    ['its close comes with what is too much', (socket: EnvelopeSocket) => socket.disconnect()],
    ['it is pinged', (socket: EnvelopeSocket) => socket.ping()],
    ['something is sent as it is', (socket: EnvelopeSocket) => socket.send('{"event":"raw"}', {})],
  ])('has one end, also where %s', async (_when, act) => {
    const plain = await start();
    const slow = await stop(plain);
    const { socket } = slow;
    const ends: unknown[] = [];
    socket.on('disconnect', (_reason, closed) => ends.push(closed.code));
    await fill(socket);
    socket.emit('too much', 1);
    act(socket);
    await until('the end', () => socket.disconnected);
    expect(socket.closed).toMatchObject({ code: 1013 });
    expect(ends).toEqual([1013]);
    expect(plain.gateway.disconnected).toHaveLength(1);
    expect((await readOn(slow)).close).toEqual(TOO_SLOW);
  });

  it('lets what its end emits to others overtake nothing', async () => {
    const plain = await start();
    const { socket } = await stop(plain);
    const [other] = await plain.join(1);
    let sent = 0;
    socket.on('disconnect', () => plain.server.emit('left', sent));
    while (socket.connected) {
      plain.server.emit('bulk', `${++sent}:${'x'.repeat(70_000)}`);
      await tick();
    }
    await other!.client.settled();
    const { frames } = other!.client;
    const place = frames.findIndex(({ event }) => event === 'left');
    expect(frames[place]!.data).toBe(sent);
    expect(String(frames[place - 1]!.data).split(':')[0]).toBe(String(sent));
  });

  it('tells who sends with a callback, too', async () => {
    const plain = await start();
    const { socket } = await stop(plain);
    await fill(socket);
    const failed = await new Promise<Error | undefined>((resolve) => socket.send('too much', resolve));
    expect(failed).toBeInstanceOf(Error);
    expect(socket.closed).toMatchObject({ code: 1013 });
  });
});

describe('a client that reads', () => {
  expectNoUnhandledErrors();
  /** More than the kernel takes at once. */
  const HUGE = 'ü'.repeat(4_000_000);

  it.each<[string, (pair: Pair, plain: Plain) => void]>([
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
  ])('gets %s that is larger than maxBufferedBytes, and what follows at once', async (_name, emit) => {
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

describe('a client that asks and does not read', () => {
  expectNoUnhandledErrors();
  const limits = { messagesPerSecond: false, maxBufferedBytes: LIMIT } as const;

  it.each([
    ['pongs', { opcode: OP.ping, payload: 'p'.repeat(125) }],
    ['answers', { opcode: OP.text, payload: JSON.stringify({ event: '$ping', id: 'i'.repeat(64) }) }],
  ])('is let go when too many %s wait', async (_name, frame) => {
    const plain = await start({ limits });
    const { raw, socket } = await stop(plain);
    const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => clientFrame(frame)));
    while (socket.connected) {
      raw.tcp.write(thousand);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(socket.closed).toEqual({ ...TOO_SLOW, wasClean: true, initiator: 'server' });
    // one read of ws may hold some hundred more
    expect(socket.ws.bufferedAmount).toBeLessThan(3 * LIMIT);
    expect(plain.gateway.disconnected).toEqual([[socket, 'server namespace disconnect']]);
  });

  it('is not read any more when half as much waits, and let go when that comes to no end', async () => {
    const plain = await start({ limits, connectTimeout: 200 });
    const { raw, socket } = await stop(plain);
    const frame = { opcode: OP.text, payload: JSON.stringify({ event: 'nobody takes this' }) };
    const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => clientFrame(frame)));
    raw.tcp.write(thousand);
    await until('the line is paused', () => socket.isPaused);
    expect(socket.bufferedAmount).toBeLessThan(LIMIT);
    raw.tcp.write(thousand);
    await until('the end', () => !socket.connected);
    expect(socket.closed).toMatchObject({ code: 1013, reason: 'no message in flight comes to an end' });
  });

  it('gets all that its events come to, when it reads in time', async () => {
    const plain = await start({ limits });
    const { raw, socket } = await stop(plain);
    const count = 5_000;
    const events = Array.from({ length: count }, (_, id) =>
      clientFrame({ opcode: OP.text, payload: JSON.stringify({ event: 'nobody takes this', id }) }),
    );
    raw.tcp.write(Buffer.concat(events));
    await until('the line being held', () => socket.isPaused);
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
  ])('of less than maxBufferedBytes reaches every client that reads: %s', async (_name, count, size) => {
    const plain = await startPlain();
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
  });
});
