import { createAdapter as createClusterAdapter } from '@socket.io/cluster-adapter';
import { createAdapter as createPostgresAdapter } from '@socket.io/postgres-adapter';
import { createAdapter as createClassicAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { createClient } from 'redis';
import { tolerant, type EnvelopeOptions } from '../../../lib/index.js';

const ALL = {
  redis: [
    'classic, redis',
    'classic, ioredis',
    'sharded, redis',
    'sharded, ioredis',
    'streams, redis',
    'streams, ioredis',
    'streams with recovery, redis',
    'streams with recovery, ioredis',
  ],
  postgres: ['postgres'],
  cluster: ['cluster'],
} as const;

export type Backend = (typeof ALL)[keyof typeof ALL][number];

/**
 * All backends with both Redis clients, and longer outages:
 * FAULTS=1 npm test -- test/cluster/faults/ --selectProjects nest-12-express
 */
export const IS_LONG = process.env['FAULTS'] === '1';
const ONE_CLIENT_EACH: readonly Backend[] = [
  'classic, ioredis',
  'sharded, redis',
  'streams, redis',
  'streams with recovery, ioredis',
];

/** The backends under test, by their broker. Without FAULTS=1, each Redis adapter runs with one of its clients. */
export const BACKENDS = { ...ALL, redis: IS_LONG ? ALL.redis : ONE_CLIENT_EACH };

/** Milliseconds. The defaults of the adapters are several seconds. */
export const REQUESTS_TIMEOUT = 1_000;
/** For adapters that count nodes by their heartbeats, in milliseconds. */
export const HEARTBEAT = { heartbeatInterval: 500, heartbeatTimeout: 2_000 };

/** Returns the prefix of the channels, streams and tables of a backend, because several backends share a broker. */
export function prefixOf(backend: Backend): string {
  return backend.replaceAll(/\W+/g, '-');
}

/** Adapter options that connect a node to the others, and a function that closes the broker's clients. */
export interface Link {
  options: EnvelopeOptions;
  close(): Promise<void>;
}

interface Clients {
  pub: object;
  sub: object;
  close(): Promise<void>;
}

async function nodeRedis(url: string): Promise<Clients> {
  const pub = createClient({ url });
  const sub = pub.duplicate();
  for (const client of [pub, sub]) await client.on('error', () => undefined).connect();
  return { pub, sub, close: async () => void (await Promise.all([pub.close(), sub.close()])) };
}

function ioRedis(url: string): Clients {
  const make = (): Redis => new Redis(url).on('error', () => undefined);
  const [pub, sub] = [make(), make()];
  return { pub, sub, close: async () => void (await Promise.all([pub.quit(), sub.quit()])) };
}

/** @param url the URL of the broker; Node's cluster needs none */
export async function connect(
  backend: Backend,
  url = '',
  heartbeatTimeout = HEARTBEAT.heartbeatTimeout,
): Promise<Link> {
  const heartbeat = { ...HEARTBEAT, heartbeatTimeout };
  const [kind, library] = backend.split(', ');
  const prefix = prefixOf(backend);
  if (kind === 'cluster')
    return { options: { adapter: createClusterAdapter(heartbeat) }, close: async () => {} };
  if (kind === 'postgres') {
    const pool = new Pool({ connectionString: url });
    pool.on('error', () => undefined);
    return { options: { adapter: createPostgresAdapter(pool, heartbeat) }, close: () => pool.end() };
  }
  const { pub, sub, close } = library === 'redis' ? await nodeRedis(url) : ioRedis(url);
  if (kind === 'classic') {
    const options = { key: prefix, requestsTimeout: REQUESTS_TIMEOUT };
    return { options: { adapter: createClassicAdapter(pub, sub, options) }, close };
  }
  if (kind === 'sharded')
    return { options: { adapter: createShardedAdapter(pub, sub, { channelPrefix: prefix }) }, close };
  const streams = {
    ...heartbeat,
    streamName: prefix,
    channelPrefix: prefix,
    sessionKeyPrefix: `${prefix}:`,
    maxLen: 100_000,
  };
  const recovery = kind === 'streams with recovery';
  return { options: { adapter: createStreamsAdapter(tolerant(pub), streams), recovery }, close };
}
