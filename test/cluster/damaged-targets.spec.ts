import { encode } from '@msgpack/msgpack';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { joinOne, startBareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';

/** Of the classic Redis adapter: joins, leaves, disconnects. */
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

  const ends: (() => unknown)[] = [];
  afterEach(() => ends.splice(0).forEach((end) => end()));

  const libraries = {
    redis: async () => {
      const clients = [createClient({ url: redis.url }), createClient({ url: redis.url })] as const;
      for (const client of clients) await client.on('error', () => undefined).connect();
      ends.push(() => clients.map((client) => client.destroy()));
      return clients;
    },
    ioredis: async () => {
      const clients = [new Redis(redis.url), new Redis(redis.url)] as const;
      ends.push(() => clients.map((client) => client.disconnect()));
      return clients;
    },
  };

  it.each(['redis', 'ioredis'] as const)('is for nobody, in JSON and in msgpack: %s', async (library) => {
    const clients = await libraries[library]();
    const { app, server } = await startBareApp({
      adapter: createAdapter(clients[0], clients[1], { key: library }),
    });
    const { client } = await joinOne(app, server);
    const mouth = await createClient({ url: redis.url }).connect();
    ends.push(() => mouth.destroy());
    const send = async (request: object): Promise<void> => {
      for (const bytes of [encode(request), JSON.stringify(request)])
        await mouth.publish(`${library}-request#/ws#`, Buffer.from(bytes));
    };
    for (const type of COMMANDS)
      for (const opts of DAMAGED) await send({ uid: 'x', type, opts, rooms: ['red'], close: true });
    // the adapter itself passes over those that its parser refuses
    const expected = COMMANDS.length * DAMAGED.length;
    await until('all of them', () => server.counters.droppedClusterMessages >= expected);
    await client.settled();
    expect([client.closed, [...server.adapter.rooms.keys()].includes('red')]).toEqual([undefined, false]);
    await app.close();
  });
});
