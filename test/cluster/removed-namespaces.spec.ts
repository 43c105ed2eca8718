import { WebSocketGateway } from '@nestjs/websockets';
import { EventEmitter } from 'node:events';
import * as redisAdapter from '@socket.io/redis-adapter';
import * as streamsAdapter from '@socket.io/redis-streams-adapter';
import { createAdapter as createPostgresAdapter } from '@socket.io/postgres-adapter';
import { Redis } from 'ioredis';
import type { PoolClient } from 'pg';
import { createClient } from 'redis';
import { tolerant, type AdapterFactory } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { describeWithPostgres, PostgresServer } from '../support/brokers/postgres.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/rooms', namespace: /^\/[\w-]+-\d+$/ })
class Gateway {}

/** The commands that both libraries have in the same form, and their connections. */
interface Connection extends EventEmitter {
  duplicate(): Connection;
}

type Adapters = (client: Connection, own: () => Promise<Connection>) => Promise<AdapterFactory>;

const ADAPTERS: Record<string, Adapters> = {
  streams: async (client) =>
    streamsAdapter.createAdapter(tolerant(client), { blockTimeInMs: 200 }) as AdapterFactory,
  'streams, sharded': async (client) =>
    streamsAdapter.createAdapter(tolerant(client), {
      blockTimeInMs: 200,
      useShardedPubSub: true,
    }) as AdapterFactory,
  classic: async (client, own) => redisAdapter.createAdapter(client, await own()) as AdapterFactory,
  sharded: async (client, own) => redisAdapter.createShardedAdapter(client, await own()) as AdapterFactory,
};

describeWithRedis('the namespaces of a RegExp that are removed', () => {
  let observer: Redis;
  const closing: (() => unknown)[] = [];
  beforeAll(async () => {
    await redis.start();
    observer = new Redis(redis.url);
  });
  afterAll(async () => {
    observer.disconnect();
    for (const close of closing) await close();
    await redis.stop();
  });
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  const LIBRARIES = {
    ioredis: async (): Promise<Connection> => {
      const client = new Redis(redis.url);
      closing.push(() => client.disconnect());
      return client as never;
    },
    redis: async (): Promise<Connection> => {
      const client = createClient({ url: redis.url });
      client.on('error', () => undefined);
      closing.push(() => client.isOpen && client.destroy());
      await client.connect();
      return client as never;
    },
  };

  const channels = async (): Promise<number> => {
    const names = [
      ...((await observer.pubsub('CHANNELS')) as string[]),
      ...((await observer.pubsub('SHARDCHANNELS')) as string[]),
    ];
    return names.filter((name) => /room-\d+#/.test(name)).length;
  };

  describe.each(Object.entries(LIBRARIES))('with %s', (_, open) => {
    it.each(Object.entries(ADAPTERS))('leave no subscription and no listener: %s', async (_name, create) => {
      const duplicates: Connection[] = [];
      const client = await open();
      const duplicate = client.duplicate.bind(client);
      client.duplicate = () => {
        const made = duplicate();
        duplicates.push(made);
        return made;
      };
      const own = async (): Promise<Connection> => {
        const made = await open();
        duplicates.push(made);
        return made;
      };
      const app = await startApp(
        { providers: [Gateway] },
        { adapter: { adapter: await create(client, own) } },
      );
      const listeners = (): number =>
        duplicates.reduce(
          (sum, each) => sum + each.listenerCount('messageBuffer') + each.listenerCount('smessageBuffer'),
          0,
        );
      const before = listeners();
      const members = await Promise.all(
        Array.from({ length: 20 }, (_value, index) => app.connect(`/rooms/room-${index}`)),
      );
      await until('the subscriptions', async () => (await channels()) >= 20);
      for (const member of members) member.close();
      await until('the end of the subscriptions', async () => (await channels()) === 0);
      expect(listeners()).toBeLessThanOrEqual(before + 1);
      await app.close();
    });
  });
});

describeWithPostgres('the namespaces of a RegExp that are removed, with PostgreSQL', () => {
  const postgres = new PostgresServer();
  beforeAll(() => postgres.start());
  afterAll(() => postgres.stop());

  it.each(['room', `a-name-that-is-longer-than-an-identifier-of-postgres-${'x'.repeat(40)}`])(
    'leave no channel: %s',
    async (name) => {
      const pool = postgres.pool();
      const connections: PoolClient[] = [];
      pool.on('connect', (client) => connections.push(client));
      const channels = async (): Promise<string[]> => {
        const results = await Promise.all(
          connections.map((each) =>
            each.query<{ channel: string }>('SELECT pg_listening_channels() AS channel'),
          ),
        );
        return results.flatMap(({ rows }) => rows.map(({ channel }) => channel)).sort();
      };
      const app = await startApp(
        { providers: [Gateway] },
        { adapter: { adapter: createPostgresAdapter(pool) as AdapterFactory } },
      );
      await until('the channel of the path', async () => (await channels()).length > 0);
      const before = await channels();
      for (let round = 0; round < 2; round++) {
        const members = await Promise.all(
          Array.from({ length: 5 }, (_, index) => app.connect(`/rooms/${name}-${index}`)),
        );
        await until('the channels', async () => (await channels()).length === before.length + 5);
        for (const member of members) member.close();
        await until('the end of the channels', async () => (await channels()).length === before.length);
        expect(await channels()).toEqual(before);
      }
      await app.close();
      await pool.end();
    },
  );

  // pg refuses a statement during another one from version 9 on.
  it('are listened to and left with one statement after the other', async () => {
    const pool = postgres.pool();
    let active = 0;
    let mostActive = 0;
    const ended: string[] = [];
    pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
      const counted = async (...args: unknown[]): Promise<unknown> => {
        const statement = String(args[0]);
        if (!statement.includes('LISTEN')) return query(...args);
        mostActive = Math.max(mostActive, ++active);
        return query(...args).finally(() => {
          active--;
          ended.push(statement);
        });
      };
      Object.assign(client, { query: counted });
    });
    const count = (pattern: RegExp): number => ended.filter((each) => pattern.test(each)).length;
    const app = await startApp(
      { providers: [Gateway] },
      { adapter: { adapter: createPostgresAdapter(pool) as AdapterFactory } },
    );
    await until('the channel of the path', () => ended.length > 0);
    const members = await Promise.all(
      Array.from({ length: 5 }, (_, index) => app.connect(`/rooms/at-once-${index}`)),
    );
    await until('the channels', () => count(/^LISTEN.+at-once/) === 5);
    for (const member of members) member.close();
    await until('the end of the channels', () => count(/^UNLISTEN.+at-once/) === 5);
    expect(mostActive).toBe(1);
    await app.close();
    await pool.end();
  });
});
