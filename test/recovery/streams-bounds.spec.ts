import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant, type EnvelopeOptions } from '../../lib/index.js';
import { redisClients } from '../support/brokers/redis-clients.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { startNode } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

declare const IS_SLOW_MACHINE: boolean;

/** Entries of the stream. All must be found within the time that a client waits for its session. */
const COUNT = IS_SLOW_MACHINE ? 750 : 3_000;
const ROOMS = IS_SLOW_MACHINE ? 200 : 990;

describeWithRedis('a Redis stream for recovery', () => {
  const redis = new RedisServer();
  const cleanups: (() => unknown)[] = [];
  let streams = 0;
  beforeAll(() => redis.start());
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  const clients = redisClients(redis);

  /** Starts a node, and records how many entries each command read that restores a session. */
  async function start(library: keyof typeof clients, recovery: EnvelopeOptions['recovery'] = true) {
    const client = await clients[library]();
    const pages: number[] = [];
    const counting = new Proxy(client, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name !== 'xRange' && name !== 'xrange') return value.bind(target) as unknown;
        return async (...args: unknown[]): Promise<unknown> => {
          const entries = (await Reflect.apply(value, target, args)) as unknown[];
          if (args[2] === '+') pages.push(entries.length);
          return entries;
        };
      },
    });
    const name = `${library} ${streams++}`;
    const adapter = createAdapter(tolerant(counting as object), {
      streamName: name,
      channelPrefix: name,
      sessionKeyPrefix: `${name}:`,
      blockTimeInMs: 200,
    });
    const node = await startNode({ adapter, recovery });
    const witness = await createClient({ url: redis.url }).connect();
    const list = (): Promise<string> => witness.sendCommand<string>(['CLIENT', 'LIST']);
    cleanups.push(
      () => node.app.close(),
      () => client.end(),
      // The reader would retry forever after the broker has ended.
      () => until('the end of the reader', async () => !/cmd=xread/.test(await list())),
      () => witness.close(),
    );
    const sessions = async (): Promise<number> => (await witness.keys(`${name}:*`)).length;
    return { ...node, pages, sessions };
  }

  it.each(['redis', 'ioredis'] as const)(
    'is read in pages for a client that reconnects, and other clients are served in between: %s',
    async (library) => {
      const { app, server, lost, pages } = await start(library);
      const ada = await new RecoveringClient().connect(app);
      const rooms = Array.from({ length: ROOMS }, (_, index) => `room ${index}`);
      server.in(ada.hello.id).socketsJoin(rooms);
      await ada.settled();
      await ada.cut();
      await lost(ada);
      const bob = await new RecoveringClient().connect(app);
      for (let i = 0; i < COUNT; i++) server.to([rooms[i % ROOMS]!, bob.hello.id]).emit('m', i);
      await bob.client.until('the last message', () => bob.client.frames.length > COUNT);
      await ada.connect(app);
      expect(ada.hello.recovered).toBe(true);
      await ada.client.until('the last message', () => ada.client.frames.length > COUNT);
      const data = ada.client.frames.flatMap(({ event, data }) => (event === 'm' ? [data as number] : []));
      expect(data).toEqual(Array.from({ length: COUNT }, (_, index) => index));
      expect(pages.length).toBeGreaterThanOrEqual(COUNT / 250);
      expect(Math.max(...pages)).toBe(250);
    },
  );

  it('stores no more sessions of one address than its share, and those of others', async () => {
    const { app, lost, sessions } = await start('redis', { maxStoredBytes: 100_000 });
    for (let i = 0; i < 100; i++) {
      const other = await new RecoveringClient().connect(app, {}, { localAddress: '127.0.0.2' });
      await other.cut();
      await lost(other);
    }
    const ada = await new RecoveringClient().connect(app);
    await ada.cut();
    await lost(ada);
    const stored = await sessions();
    expect(stored).toBeGreaterThan(20);
    expect(stored).toBeLessThan(70);
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    expect(app.log.of('warn').join()).toMatch(/recovery\.maxStoredBytes \(100000.* is reached/);
  });

  it('stores no session whose data is too large', async () => {
    const { app, lost, socketOf, sessions } = await start('redis', { maxStoredBytes: 100_000 });
    const ada = await new RecoveringClient().connect(app);
    socketOf(ada).data = { document: 'x'.repeat(20_000) };
    await ada.cut();
    await lost(ada);
    expect(await sessions()).toBe(0);
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
    expect(app.log.of('warn').join()).toMatch(/recovery\.maxStoredBytes.*client\.data/);
  });

  it('restores no session whose rooms changed if the client is not tolerant, and logs a warning', async () => {
    const client = await clients.redis();
    const name = `bare ${streams++}`;
    const adapter = createAdapter(client, {
      streamName: name,
      channelPrefix: name,
      sessionKeyPrefix: `${name}:`,
      blockTimeInMs: 200,
    });
    const node = await startNode({ adapter, recovery: true });
    const list = (): Promise<string> => client.sendCommand<string>(['CLIENT', 'LIST']);
    cleanups.push(
      () => node.app.close(),
      // The reader would retry forever after the broker has ended.
      () => until('the end of the reader', async () => !/cmd=xread/.test(await list())),
      () => client.end(),
    );
    const ada = await new RecoveringClient().connect(node.app);
    await ada.settled();
    ada.client.ws.pause();
    ada.collect();
    const bob = await new RecoveringClient().connect(node.app);
    await node.socketOf(bob).join('blue');
    // The change of rooms comes after Ada's last message.
    for (const event of ['before', 'after']) {
      node.server.to('blue').emit(event);
      await bob.client.next(event);
      await node.socketOf(ada).join(event);
    }
    await ada.connect(node.app);
    expect(ada.hello.recovered).toBe(false);
    expect(node.app.log.of('warn')).toEqual([expect.stringContaining('createAdapter(tolerant(client))')]);
  });
});
