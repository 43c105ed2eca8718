import { encode } from '@msgpack/msgpack';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { joinOne, startBareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';

/** Message types of the classic Redis adapter: join, leave, disconnect. */
const COMMANDS = [2, 3, 4];
const DAMAGED = [
  {},
  { rooms: [] },
  { except: [] },
  { rooms: '', except: [] },
  { rooms: {}, except: [] },
  null,
  7,
];

describeWithRedis('a request of the classic Redis adapter whose target is damaged', () => {
  const redis = new RedisServer();
  beforeAll(() => redis.start());

  const cleanups: (() => unknown)[] = [];
  afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()));

  const libraries = {
    redis: async () => {
      const clients = [createClient({ url: redis.url }), createClient({ url: redis.url })] as const;
      for (const client of clients) await client.on('error', () => undefined).connect();
      cleanups.push(() => clients.map((client) => client.destroy()));
      return clients;
    },
    ioredis: async () => {
      const clients = [new Redis(redis.url), new Redis(redis.url)] as const;
      cleanups.push(() => clients.map((client) => client.disconnect()));
      return clients;
    },
  };

  it.each(['redis', 'ioredis'] as const)('reaches no client, in JSON and in msgpack: %s', async (library) => {
    const clients = await libraries[library]();
    const { app, server } = await startBareApp({
      adapter: createAdapter(clients[0], clients[1], { key: library }),
    });
    const { client } = await joinOne(app, server);
    const sender = await createClient({ url: redis.url }).connect();
    cleanups.push(() => sender.destroy());
    const send = async (request: object): Promise<void> => {
      for (const bytes of [encode(request), JSON.stringify(request)])
        await sender.publish(`${library}-request#/ws#`, Buffer.from(bytes));
    };
    for (const type of COMMANDS)
      for (const opts of DAMAGED) await send({ uid: 'x', type, opts, rooms: ['red'], close: true });
    // The adapter itself skips requests that its parser refuses.
    const expected = COMMANDS.length * DAMAGED.length;
    await until('all requests', () => server.counters.droppedClusterMessages >= expected);
    await client.settled();
    expect([client.closed, [...server.adapter.rooms.keys()].includes('red')]).toEqual([undefined, false]);
    await app.close();
  });
});
