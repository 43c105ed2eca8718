import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { startNode } from './recovery-cases.js';
import { Returning } from './recovery-client.js';

const COUNT = 3_000;

describeWithRedis('a client that comes back to much in a Redis stream', () => {
  const redis = new RedisServer();
  const ends: (() => unknown)[] = [];
  beforeAll(() => redis.start());
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  const clients = {
    redis: async () => {
      const client = createClient({ url: redis.url });
      await client.on('error', () => undefined).connect();
      return Object.assign(client, { end: () => client.close() });
    },
    ioredis: async () => {
      const client = new Redis(redis.url).on('error', () => undefined);
      return Object.assign(client, { end: () => client.quit() });
    },
  };

  it.each(['redis', 'ioredis'] as const)(
    'has it read in pages, between which others have their turns: %s',
    async (library) => {
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
      const adapter = createAdapter(tolerant(counting as object), {
        streamName: library,
        channelPrefix: library,
        blockTimeInMs: 200,
      });
      const { app, server, lost } = await startNode({ adapter, recovery: true });
      const witness = await createClient({ url: redis.url }).connect();
      const list = (): Promise<string> => witness.sendCommand<string>(['CLIENT', 'LIST']);
      ends.push(
        () => app.close(),
        () => client.end(),
        // it would come back for ever to a broker that has ended
        () => until('the reader has gone', async () => !/cmd=xread/.test(await list())),
        () => witness.close(),
      );
      const ada = await new Returning().connect(app);
      const rooms = Array.from({ length: 990 }, (_, index) => `room ${index}`);
      server.in(ada.hello.id).socketsJoin(rooms);
      await ada.settled();
      await ada.cut();
      await lost(ada);
      const bob = await new Returning().connect(app);
      for (let i = 0; i < COUNT; i++) server.to([rooms[i % 990]!, bob.hello.id]).emit('m', i);
      await bob.client.until('the last one', () => bob.client.frames.length > COUNT);
      await ada.connect(app);
      expect(ada.hello.recovered).toBe(true);
      await ada.client.until('the last one', () => ada.client.frames.length > COUNT);
      const data = ada.client.frames.flatMap(({ event, data }) => (event === 'm' ? [data as number] : []));
      expect(data).toEqual(Array.from({ length: COUNT }, (_, index) => index));
      expect(pages.length).toBeGreaterThanOrEqual(COUNT / 250);
      expect(Math.max(...pages)).toBe(250);
    },
  );
});
