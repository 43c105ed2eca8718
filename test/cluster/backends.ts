import * as redisAdapter from '@socket.io/redis-adapter';
import * as streamsAdapter from '@socket.io/redis-streams-adapter';
import { createAdapter as createPostgresAdapter } from '@socket.io/postgres-adapter';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { createClient } from 'redis';
import { MessageType } from 'socket.io-adapter';
import { MemoryAdapter } from '../../lib/server/rooms/memory-adapter.js';
import type { AdapterFactory } from '../../lib/index.js';
import { PostgresServer, describeWithPostgres } from '../support/brokers/postgres.js';
import { RedisServer, describeWithRedis } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import type { Backend, Link } from '../support/cluster/backend.js';

/** Of a client of Redis, whoever made it, what tests need. */
interface RedisClient {
  readonly native: unknown;
  ping(): Promise<unknown>;
  /** Who is connected to the broker, a line each. */
  list(): Promise<unknown>;
  subscribe(channel: string, isSharded: boolean): Promise<unknown>;
  close(): Promise<unknown>;
}

type Library = 'redis' | 'ioredis';

const CLIENTS: Record<Library, (url: string) => Promise<RedisClient>> = {
  redis: async (url) => {
    const client = createClient({ url });
    client.on('error', () => undefined);
    await client.connect();
    return {
      native: client,
      ping: () => client.ping(),
      list: () => client.sendCommand(['CLIENT', 'LIST']),
      subscribe: (channel, isSharded) =>
        isSharded ? client.sSubscribe(channel, () => undefined) : client.subscribe(channel, () => undefined),
      close: () => client.close(),
    };
  },
  ioredis: async (url) => {
    const client = new Redis(url, { lazyConnect: true });
    client.on('error', () => undefined);
    await client.connect();
    return {
      native: client,
      ping: () => client.ping(),
      list: () => client.client('LIST'),
      subscribe: (channel, isSharded) => (isSharded ? client.ssubscribe(channel) : client.subscribe(channel)),
      close: () => client.quit(),
    };
  },
};

/** A link over several clients of Redis; the adapter subscribes through the last one, if not through its own. */
function linkOf(clients: readonly RedisClient[], adapter: AdapterFactory): Link {
  return {
    adapter,
    // in the order of what went out before on this line
    settled: async () => void (await clients.at(-1)!.ping()),
    use: async () => void (await Promise.all(clients.map((client) => client.ping()))),
    close: async () => void (await Promise.all(clients.map((client) => client.close()))),
  };
}

/** A subscriber who is counted as a node, and never answers. */
async function subscriber(library: Library, url: string, channel: string, isSharded = false) {
  const client = await CLIENTS[library](url);
  await client.subscribe(channel, isSharded);
  return async () => void (await client.close());
}

function redisBackend(
  name: string,
  library: Library,
  make: (publisher: unknown, subscriber: unknown) => unknown,
  counted: { channel: (path: string) => string; isSharded?: boolean },
): Backend {
  return {
    name: `${name} with ${library}`,
    describe: describeWithRedis,
    broker: () => new RedisServer(),
    link: async (url) => {
      const [publisher, sub] = await Promise.all([CLIENTS[library](url), CLIENTS[library](url)]);
      return linkOf([publisher, sub], make(publisher.native, sub.native) as AdapterFactory);
    },
    addSilentNode: (url, path) => subscriber(library, url, counted.channel(path), counted.isSharded),
  };
}

export function classic(library: Library): Backend {
  const backend = redisBackend(
    'redis-adapter, classic',
    library,
    (publisher, sub) => redisAdapter.createAdapter(publisher, sub, { requestsTimeout: 500 }),
    { channel: (path) => `socket.io-request#${path}#` },
  );
  return {
    ...backend,
    emitter: library,
    differs: { 'huge numbers': 'its msgpack takes all whole numbers for 64 bits' },
  };
}

/** `unsubscribe` of `redis` takes with it whoever subscribes before it is answered; the adapter does not wait. */
const LOST = 'a subscription is lost that is made while the same channel is being given up';

export function sharded(library: Library): Backend {
  const backend = redisBackend(
    'redis-adapter, sharded',
    library,
    (publisher, sub) => redisAdapter.createShardedAdapter(publisher, sub),
    { channel: (path) => `socket.io#${path}#`, isSharded: true },
  );
  return library === 'redis' ? { ...backend, differs: { rejoining: LOST, reopening: LOST } } : backend;
}

export function streams(library: Library): Backend {
  return {
    name: `redis-streams-adapter with ${library}`,
    describe: describeWithRedis,
    broker: () => new RedisServer(),
    link: async (url) => {
      const client = await CLIENTS[library](url);
      // its readers end when they have waited so long
      const adapter = streamsAdapter.createAdapter(client.native, { blockTimeInMs: 200 });
      const link = linkOf([client], adapter as AdapterFactory);
      const close = async (): Promise<void> => {
        // a broker that goes away from under a reader is waited for, long after the adapter was closed
        await until('the readers are gone', async () => !/cmd=xread/.test(String(await client.list())));
        await link.close();
      };
      return { ...link, close };
    },
    addSilentNode: (url, path) => subscriber(library, url, `socket.io#${path}#`),
    differs: { reopening: 'an adapter that was closed goes on answering the other nodes' },
  };
}

export const POSTGRES: Backend = {
  name: 'postgres-adapter with pg',
  describe: describeWithPostgres,
  broker: () => new PostgresServer(),
  link: async (url) => {
    // one line listens, the other carries all that is sent, in order
    const pool = new Pool({ connectionString: url, max: 2 });
    pool.on('error', () => undefined);
    const adapter = createPostgresAdapter(pool, { heartbeatInterval: 500 });
    return {
      adapter: adapter as AdapterFactory,
      settled: () => Promise.resolve(),
      use: async () => void (await pool.query('SELECT 1')),
      close: () => pool.end(),
    };
  },
  addSilentNode: async (url, nsp) => {
    const pool = new Pool({ connectionString: url, max: 1 });
    const say = (type: MessageType): Promise<unknown> =>
      pool.query('SELECT pg_notify($1, $2)', [
        `socket.io#${nsp}`,
        JSON.stringify({ uid: 'silent', nsp, type }),
      ]);
    await say(MessageType.HEARTBEAT);
    return async () => {
      await say(MessageType.ADAPTER_CLOSE);
      await pool.end();
    };
  },
  differs: { 'order of sizes': 'more than 8,000 bytes take a way of their own, through a table' },
};

/** Its workers are test/support/child/cluster-node.ts. */
export const NODE_CLUSTER: Backend = { name: 'cluster-adapter', describe };

export const MEMORY: Backend = {
  name: 'in memory',
  describe,
  alone: true,
  link: () =>
    Promise.resolve({
      adapter: MemoryAdapter,
      settled: () => Promise.resolve(),
      use: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }),
};
