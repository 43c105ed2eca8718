import type { AllowRequest } from '../../lib/server/upgrade/upgrade-checks.js';
import { heapBytes } from '../support/heap.js';
import { got } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';
import { startNode } from './cases.js';
import { Returning } from './recovery-client.js';

describe('what is kept for those who are away', () => {
  it('is bounded in bytes: who missed more begins anew', async () => {
    const { app, server } = await startNode({ recovery: { maxStoredBytes: 10_000 } });
    const ada = await new Returning().connect(app);
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

  it('is not more than a client may have waiting', async () => {
    const { app, server } = await startNode({ recovery: true, limits: { maxBufferedBytes: 100_000 } });
    const ada = await new Returning().connect(app);
    await ada.settled();
    await ada.cut();
    for (let i = 0; i < 30; i++) server.emit('news', 'x'.repeat(10_000));
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
    expect(await ada.settled()).toEqual([]);
  });

  it('is there for as long as was said', async () => {
    const { app, server, lost } = await startNode({ recovery: { maxDisconnectionDuration: 50 } });
    const ada = await new Returning().connect(app);
    const bob = await new Returning().connect(app);
    await ada.cut();
    await lost(ada);
    server.emit('news');
    // bob's clock: by the time he has asked that often, ada is too late
    const late = performance.now() + 60;
    while (performance.now() < late) await bob.client.ask('echo', 1);
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
  });

  it('comes back although a client had heard nothing for longer than messages are kept', async () => {
    const { app, server, lost } = await startNode({ recovery: { maxStoredBytes: 10_000 } });
    const ada = await new Returning().connect(app);
    const bob = await new Returning().connect(app);
    // nothing of it is for ada, and ada's own position is forgotten
    for (let i = 0; i < 200; i++) server.to(bob.hello.id).emit('news', 'x'.repeat(100));
    await bob.client.next('news');
    await ada.cut();
    await lost(ada);
    server.emit('for ada');
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    expect(await ada.settled()).toEqual(['for ada']);
  });

  it('is of no concern to clients that did not ask for it', async () => {
    const { app, server } = await startNode({ recovery: true });
    const bare = await app.connect('/ws');
    await bare.settled();
    server.emit('one');
    bare.ws.terminate();
    await bare.ended();
    const again = await app.connect('/ws');
    server.emit('two');
    await again.next('two');
    expect((await got(again)).map(([event]) => event)).toEqual(['two']);
  });

  it('survives that a client comes back twice at once: one of them gets it', async () => {
    const { app, server, lost } = await startNode({ recovery: true });
    const ada = await new Returning().connect(app);
    await ada.cut();
    await lost(ada);
    server.emit('missed');
    const { session, offset } = ada;
    const both = [1, 2, 3].map(() => Object.assign(new Returning(), { session, offset }));
    await Promise.all(both.map((client) => client.connect(app)));
    // until it is known that one has its new token another one may take it over
    const recovered = both.filter(({ hello }) => hello.recovered);
    const isOpen = ({ client }: Returning): boolean => client.closed === undefined;
    await until('one is left', () => recovered.filter(isOpen).length === 1);
    expect(new Set(recovered.map(({ hello }) => hello.id))).toEqual(new Set([ada.hello.id]));
    expect(server.sockets.size).toBe(1 + both.length - recovered.length);
    for (const client of both.filter(isOpen))
      expect(await client.settled()).toEqual(client.hello.recovered ? ['missed'] : []);
  });

  it('holds its limit against the heap, however many rooms the clients were in that left', async () => {
    const { app, server } = await startNode({ recovery: { maxStoredBytes: 4_000_000 } });
    const leave = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        const client = await new Returning().connect(app);
        const rooms = Array.from({ length: 990 }, (_, n) => `${client.hello.id} ${n} ${'r'.repeat(225)}`);
        server.in(client.hello.id).socketsJoin(rooms);
        await client.cut();
      }
    };
    await leave(20);
    await until('the last one', () => server.sockets.size === 0);
    const before = heapBytes();
    // 28 MB
    await leave(100);
    await until('the last one', () => server.sockets.size === 0);
    expect(heapBytes() - before).toBeLessThan(4_000_000);
  });

  it('has nobody push out the session of somebody else', async () => {
    const { app, lost } = await startNode({ recovery: { maxStoredBytes: 100_000 } });
    const ada = await new Returning().connect(app);
    await ada.cut();
    await lost(ada);
    const flood: Returning[] = [];
    for (let i = 0; i < 100; i++) {
      const other = await new Returning().connect(app, {}, { localAddress: '127.0.0.2' });
      flood.push(other);
      await other.cut();
      await lost(other);
    }
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    await flood[0]!.connect(app);
    expect(flood[0]!.hello.recovered).toBe(false);
    await flood.at(-1)!.connect(app);
    expect(flood.at(-1)!.hello.recovered).toBe(true);
    expect(app.log.of('warn').join()).toMatch(/recovery\.maxStoredBytes \(100000.*is reached/);
  });

  it('does not keep a session whose data is too large, and says so', async () => {
    const { app, socketOf, lost } = await startNode({ recovery: { maxStoredBytes: 100_000 } });
    const ada = await new Returning().connect(app);
    socketOf(ada).data = { document: 'x'.repeat(20_000) };
    await ada.cut();
    await lost(ada);
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
    expect(app.log.of('warn').join()).toMatch(/recovery\.maxStoredBytes.*client\.data/);
  });
});

describe('a client that comes back', () => {
  const COUNT = 50_000;

  /** What came of "m". */
  async function messages({ client }: Returning, count: number): Promise<number[]> {
    await client.until('the last message', () => client.frames.length > count);
    return client.frames.filter(({ event }) => event === 'm').map((frame) => frame.data as number);
  }

  it('to much that it missed has it in order, and others have their turns meanwhile', async () => {
    let isBack = false;
    const allowRequest: AllowRequest = (_, allow) => {
      if (isBack) turn();
      allow(null, true);
    };
    const { app, server, lost } = await startNode({ recovery: true, allowRequest });
    const ada = await new Returning().connect(app);
    const rooms = Array.from({ length: 990 }, (_, index) => `room ${index}`);
    server.in(ada.hello.id).socketsJoin(rooms);
    await ada.settled();
    await ada.cut();
    await lost(ada);
    for (let i = 0; i < COUNT; i++) server.to(rooms[i % 990]!).emit('m', i);
    // what is sent while the server looks for the rest
    let turns = 0;
    let live = COUNT;
    const turn = (): void => {
      turns++;
      if (turns % 4 === 0) server.to(rooms[turns % 990]!).emit('m', live++);
      if (server.sockets.size === 0) setImmediate(turn);
    };
    isBack = true;
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    expect(turns).toBeGreaterThan(COUNT / 2_500);
    expect(await messages(ada, live)).toEqual(Array.from({ length: live }, (_, index) => index));
  });

  it('to much that it missed has it compressed, where that was negotiated', async () => {
    const { app, server, lost } = await startNode({ recovery: true, perMessageDeflate: { threshold: 0 } });
    const ada = await new Returning().connect(app);
    await ada.cut();
    await lost(ada);
    for (let i = 0; i < 3_000; i++) server.emit('m', i);
    await ada.connect(app);
    expect(ada.client.ws.extensions).toContain('permessage-deflate');
    expect(await messages(ada, 3_000)).toEqual(Array.from({ length: 3_000 }, (_, index) => index));
  });

  it('and gives up while the server looks for what it missed, comes back all the same', async () => {
    let isHasty = false;
    const allowRequest: AllowRequest = ({ socket }, allow) => {
      if (isHasty) setImmediate(() => socket.destroy());
      isHasty = false;
      allow(null, true);
    };
    const { app, server, lost } = await startNode({ recovery: true, allowRequest });
    const ada = await new Returning().connect(app);
    await ada.cut();
    await lost(ada);
    for (let i = 0; i < COUNT; i++) server.emit('m', i);
    const { session, offset } = ada;
    const hasty = Object.assign(new Returning(), { session, offset });
    isHasty = true;
    const [first] = await Promise.allSettled([hasty.connect(app), ada.connect(app)]);
    expect(first!.status).toBe('rejected');
    expect(ada.hello.recovered).toBe(true);
    expect(await messages(ada, COUNT)).toHaveLength(COUNT);
  });
});
