import * as redisAdapter from '@socket.io/redis-adapter';
import * as streamsAdapter from '@socket.io/redis-streams-adapter';
import { createAdapter as createPostgresAdapter } from '@socket.io/postgres-adapter';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { createClient } from 'redis';
import { MessageType } from 'socket.io-adapter';
import { MemoryAdapter } from '../../lib/server/rooms/memory-adapter.js';
import { tolerant, type AdapterFactory } from '../../lib/index.js';
import { PostgresServer, describeWithPostgres } from '../support/brokers/postgres.js';
import { RedisServer, describeWithRedis } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import type { Backend, Link } from '../support/cluster/backend.js';

/** The methods of a Redis client that the tests use, for both libraries. */
interface RedisClient {
  readonly native: unknown;
  ping(): Promise<unknown>;
  /** The clients that are connected to the broker, one per line. */
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

/** Builds a link over several Redis clients. The adapter subscribes through the last one, unless it makes its own. */
function linkOf(clients: readonly RedisClient[], adapter: AdapterFactory): Link {
  return {
    adapter,
    // The answer arrives after everything that was sent on this connection before.
    settled: async () => void (await clients.at(-1)!.ping()),
    use: async () => void (await Promise.all(clients.map((client) => client.ping()))),
    close: async () => void (await Promise.all(clients.map((client) => client.close()))),
  };
}

/** Subscribes a client that counts as a node and never answers. */
async function silentSubscriber(library: Library, url: string, channel: string, isSharded = false) {
  const client = await CLIENTS[library](url);
  await client.subscribe(channel, isSharded);
  return async () => void (await client.close());
}

function redisBackend(
  name: string,
  library: Library,
  createAdapter: (publisher: unknown, subscriber: unknown) => unknown,
  nodeChannel: { channel: (path: string) => string; isSharded?: boolean },
): Backend {
  return {
    name: `${name} with ${library}`,
    describe: describeWithRedis,
    broker: () => new RedisServer(),
    link: async (url) => {
      const [publisher, sub] = await Promise.all([CLIENTS[library](url), CLIENTS[library](url)]);
      return linkOf([publisher, sub], createAdapter(publisher.native, sub.native) as AdapterFactory);
    },
    addSilentNode: (url, path) =>
      silentSubscriber(library, url, nodeChannel.channel(path), nodeChannel.isSharded),
  };
}

export function classic(library: Library): Backend {
  const backend = redisBackend(
    'redis-adapter, classic',
    library,
    (publisher, sub) => redisAdapter.createAdapter(publisher, sub, { requestsTimeout: 1_500 }),
    { channel: (path) => `socket.io-request#${path}#` },
  );
  return {
    ...backend,
    emitter: library,
    differs: { 'huge numbers': 'its msgpack encodes every integer in 64 bits' },
  };
}

/** In `redis`, `unsubscribe` also removes subscriptions made before its answer. The adapter does not wait for it. */
const LOST_SUBSCRIPTION = 'a subscription made while the same channel is unsubscribed is lost';

export function sharded(library: Library): Backend {
  const backend = redisBackend(
    'redis-adapter, sharded',
    library,
    (publisher, sub) => redisAdapter.createShardedAdapter(publisher, sub),
    { channel: (path) => `socket.io#${path}#`, isSharded: true },
  );
  return library === 'redis'
    ? { ...backend, differs: { rejoining: LOST_SUBSCRIPTION, reopening: LOST_SUBSCRIPTION } }
    : backend;
}

export function streams(library: Library): Backend {
  return {
    name: `redis-streams-adapter with ${library}`,
    describe: describeWithRedis,
    broker: () => new RedisServer(),
    link: async (url) => {
      const client = await CLIENTS[library](url);
      // The readers end after this time.
      const adapter = streamsAdapter.createAdapter(tolerant(client.native as object), { blockTimeInMs: 200 });
      const link = linkOf([client], adapter as AdapterFactory);
      const close = async (): Promise<void> => {
        // If the broker disappears, a reader waits for it long after the adapter was closed.
        await until('the end of the readers', async () => !/cmd=xread/.test(String(await client.list())));
        await link.close();
      };
      return { ...link, close };
    },
    addSilentNode: (url, path) => silentSubscriber(library, url, `socket.io#${path}#`),
  };
}

export const POSTGRES: Backend = {
  name: 'postgres-adapter with pg',
  describe: describeWithPostgres,
  broker: () => new PostgresServer(),
  link: async (url) => {
    // One connection listens. The other one sends everything, in order.
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
    const pool = new Pool({ connectionString: url, max: 1 }).on('error', () => undefined);
    const notify = (type: MessageType): Promise<unknown> =>
      pool.query('SELECT pg_notify($1, $2)', [
        `socket.io#${nsp}`,
        JSON.stringify({ uid: 'silent', nsp, type }),
      ]);
    await notify(MessageType.HEARTBEAT);
    return async () => {
      await notify(MessageType.ADAPTER_CLOSE);
      await pool.end();
    };
  },
  differs: { 'order of sizes': 'more than 8,000 bytes go through a table' },
};

/** Its workers run test/support/child/cluster-node.ts. */
export const NODE_CLUSTER: Backend = { name: 'cluster-adapter', describe };

export const MEMORY: Backend = {
  name: 'in memory',
  describe,
  isSingleNode: true,
  link: () =>
    Promise.resolve({
      adapter: MemoryAdapter,
      settled: () => Promise.resolve(),
      use: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }),
};
