import type { AllowRequest } from '../../lib/server/upgrade/upgrade-checks.js';
import { leastGrowth } from '../support/heap.js';
import { got } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';
import { startNode } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

describe('the store for disconnected clients', () => {
  it('is limited in bytes: a client that missed more gets a new session', async () => {
    const { app, server } = await startNode({ recovery: { maxStoredBytes: 10_000 } });
    const ada = await new RecoveringClient().connect(app);
    await ada.settled();
    await ada.cut();
    for (let i = 0; i < 100; i++) server.emit('news', 'x'.repeat(100));
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
    await ada.settled();
    await ada.cut();
    server.emit('few');
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    expect(await ada.settled()).toEqual(['few']);
  });

  it('holds no more than maxBufferedBytes for one client', async () => {
    const { app, server } = await startNode({ recovery: true, limits: { maxBufferedBytes: 100_000 } });
    const ada = await new RecoveringClient().connect(app);
    await ada.settled();
    await ada.cut();
    for (let i = 0; i < 30; i++) server.emit('news', 'x'.repeat(10_000));
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
    expect(await ada.settled()).toEqual([]);
  });

  it('expires after maxDisconnectionDuration', async () => {
    const { app, server, lost } = await startNode({ recovery: { maxDisconnectionDuration: 50 } });
    const ada = await new RecoveringClient().connect(app);
    const bob = await new RecoveringClient().connect(app);
    await ada.cut();
    await lost(ada);
    server.emit('news');
    // The time that Bob's requests take makes Ada too late.
    const deadline = performance.now() + 60;
    while (performance.now() < deadline) await bob.client.ask('echo', 1);
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
  });

  it('recovers a client that received nothing for longer than messages are stored', async () => {
    const { app, server, lost } = await startNode({ recovery: { maxStoredBytes: 10_000 } });
    const ada = await new RecoveringClient().connect(app);
    const bob = await new RecoveringClient().connect(app);
    // None of these messages is for Ada, and Ada's own offset is dropped.
    for (let i = 0; i < 200; i++) server.to(bob.hello.id).emit('news', 'x'.repeat(100));
    await bob.client.next('news');
    await ada.cut();
    await lost(ada);
    server.emit('for ada');
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    expect(await ada.settled()).toEqual(['for ada']);
  });

  it('does not affect clients without recovery', async () => {
    const { app, server } = await startNode({ recovery: true });
    const plain = await app.connect('/ws');
    await plain.settled();
    server.emit('one');
    plain.ws.terminate();
    await plain.ended();
    const reconnected = await app.connect('/ws');
    server.emit('two');
    await reconnected.next('two');
    expect((await got(reconnected)).map(([event]) => event)).toEqual(['two']);
  });

  it('recovers one connection when a client reconnects several times at once', async () => {
    const { app, server, lost } = await startNode({ recovery: true });
    const ada = await new RecoveringClient().connect(app);
    await ada.cut();
    await lost(ada);
    server.emit('missed');
    const { session, offset } = ada;
    const both = [1, 2, 3].map(() => Object.assign(new RecoveringClient(), { session, offset }));
    await Promise.all(both.map((client) => client.connect(app)));
    // Until the server knows that one connection has its new token, another one may take the session over.
    const recovered = both.filter(({ hello }) => hello.recovered);
    const isOpen = ({ client }: RecoveringClient): boolean => client.closed === undefined;
    await until('one open connection', () => recovered.filter(isOpen).length === 1);
    expect(new Set(recovered.map(({ hello }) => hello.id))).toEqual(new Set([ada.hello.id]));
    expect(server.sockets.size).toBe(1 + both.length - recovered.length);
    for (const client of both.filter(isOpen))
      expect(await client.settled()).toEqual(client.hello.recovered ? ['missed'] : []);
  });

  it('bounds the heap, however many rooms the disconnected clients were in', async () => {
    const { app, server } = await startNode({ recovery: { maxStoredBytes: 4_000_000 } });
    const growth = await leastGrowth(async () => {
      for (let i = 0; i < 25; i++) {
        const client = await new RecoveringClient().connect(app);
        const rooms = Array.from({ length: 990 }, (_, n) => `${client.hello.id} ${n} ${'r'.repeat(225)}`);
        server.in(client.hello.id).socketsJoin(rooms);
        await client.cut();
      }
      await until('the last disconnect', () => server.sockets.size === 0);
    });
    // Each turn has 7 MB of room names, and the first one fills the store.
    expect(growth).toBeLessThan(2_000_000);
  });

  it('does not drop the session of one address for clients of another', async () => {
    const { app, lost } = await startNode({ recovery: { maxStoredBytes: 100_000 } });
    const ada = await new RecoveringClient().connect(app);
    await ada.cut();
    await lost(ada);
    const others: RecoveringClient[] = [];
    for (let i = 0; i < 100; i++) {
      const other = await new RecoveringClient().connect(app, {}, { localAddress: '127.0.0.2' });
      others.push(other);
      await other.cut();
      await lost(other);
    }
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    await others[0]!.connect(app);
    expect(others[0]!.hello.recovered).toBe(false);
    await others.at(-1)!.connect(app);
    expect(others.at(-1)!.hello.recovered).toBe(true);
    expect(app.log.of('warn').join()).toMatch(/recovery\.maxStoredBytes \(100000.*is reached/);
  });

  it('does not store a session whose data is too large, and logs a warning', async () => {
    const { app, socketOf, lost } = await startNode({ recovery: { maxStoredBytes: 100_000 } });
    const ada = await new RecoveringClient().connect(app);
    socketOf(ada).data = { document: 'x'.repeat(20_000) };
    await ada.cut();
    await lost(ada);
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
    expect(app.log.of('warn').join()).toMatch(/recovery\.maxStoredBytes.*client\.data/);
  });
});

describe('a client that reconnects', () => {
  const COUNT = 50_000;

  /** Returns the data of the "m" events. */
  async function messages({ client }: RecoveringClient, count: number): Promise<number[]> {
    await client.until('the last message', () => client.frames.length > count);
    return client.frames.filter(({ event }) => event === 'm').map((frame) => frame.data as number);
  }

  it('receives many missed messages in order, while other clients are served', async () => {
    let isReconnecting = false;
    const allowRequest: AllowRequest = (_, allow) => {
      if (isReconnecting) turn();
      allow(null, true);
    };
    const { app, server, lost } = await startNode({ recovery: true, allowRequest });
    const ada = await new RecoveringClient().connect(app);
    const rooms = Array.from({ length: 990 }, (_, index) => `room ${index}`);
    server.in(ada.hello.id).socketsJoin(rooms);
    await ada.settled();
    await ada.cut();
    await lost(ada);
    for (let i = 0; i < COUNT; i++) server.to(rooms[i % 990]!).emit('m', i);
    // Sends messages while the server looks for the missed ones.
    let turns = 0;
    let live = COUNT;
    const turn = (): void => {
      turns++;
      if (turns % 4 === 0) server.to(rooms[turns % 990]!).emit('m', live++);
      if (server.sockets.size === 0) setImmediate(turn);
    };
    isReconnecting = true;
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    expect(turns).toBeGreaterThan(COUNT / 2_500);
    expect(await messages(ada, live)).toEqual(Array.from({ length: live }, (_, index) => index));
  });

  it('receives many missed messages compressed, if that was negotiated', async () => {
    const { app, server, lost } = await startNode({ recovery: true, perMessageDeflate: { threshold: 0 } });
    const ada = await new RecoveringClient().connect(app);
    await ada.cut();
    await lost(ada);
    for (let i = 0; i < 3_000; i++) server.emit('m', i);
    await ada.connect(app);
    expect(ada.client.ws.extensions).toContain('permessage-deflate');
    expect(await messages(ada, 3_000)).toEqual(Array.from({ length: 3_000 }, (_, index) => index));
  });

  it('recovers after an attempt that it aborted while the server looked for missed messages', async () => {
    let destroysNext = false;
    const allowRequest: AllowRequest = ({ socket }, allow) => {
      if (destroysNext) setImmediate(() => socket.destroy());
      destroysNext = false;
      allow(null, true);
    };
    const { app, server, lost } = await startNode({ recovery: true, allowRequest });
    const ada = await new RecoveringClient().connect(app);
    await ada.cut();
    await lost(ada);
    for (let i = 0; i < COUNT; i++) server.emit('m', i);
    const { session, offset } = ada;
    const aborting = Object.assign(new RecoveringClient(), { session, offset });
    destroysNext = true;
    const [first] = await Promise.allSettled([aborting.connect(app), ada.connect(app)]);
    expect(first!.status).toBe('rejected');
    expect(ada.hello.recovered).toBe(true);
    expect(await messages(ada, COUNT)).toHaveLength(COUNT);
  });
});
