import type { OnceStore } from '../nest/options/once-store.js';
import { assertOptions, refuse, refuseOption } from '../protocol/refuse.js';

/** A connected client of `redis` or `ioredis`. */
export type RedisClient =
  | { sendCommand(args: string[]): Promise<unknown>; call?: never }
  | { call(command: string, ...args: string[]): Promise<unknown> };

/** The options of {@link redisOnce}. */
export interface RedisOnceOptions {
  /** The beginning of all keys in Redis. Default: `envelope:once:`. */
  prefix?: string;
}

const CLAIM = `local found = redis.call('GET', KEYS[1])
if found then return found end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false`;

const REPLACE = `local found = redis.call('GET', KEYS[1])
if found and found ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`;

/**
 * Keeps the answers of `@Once()` in Redis, for all nodes of a cluster: two commands for each message. A node claims a key for 30
 * seconds, and again while the handler runs; if it ends before, another node runs the handler after that time.
 *
 * Redis must not evict keys (`maxmemory-policy noeviction`), and what it loses in a failover is forgotten.
 *
 * @example
 * ```ts
 * app.useWebSocketAdapter(new EnvelopeAdapter(app, { onceStore: redisOnce(new Redis(url)) }));
 * ```
 *
 * @param client a client of `redis` or `ioredis`, also the one that the application uses otherwise. It is not closed
 * @throws TypeError if `client` is none, or an option is unknown or malformed
 */
export function redisOnce(client: RedisClient, options: RedisOnceOptions = {}): OnceStore {
  const send = commandsOf(client);
  assertOptions('redisOnce', options, ['prefix'], "{ prefix: 'envelope:once:' }");
  const { prefix = 'envelope:once:' } = options;
  if (typeof prefix !== 'string')
    refuseOption('redisOnce', 'prefix', prefix, "a text, such as 'envelope:once:'");
  const run = (script: string, name: string, ...args: string[]): Promise<unknown> =>
    send('EVAL', script, '1', prefix + name, ...args);
  return {
    async claim(name, value, time) {
      const found = await run(CLAIM, name, value, String(time));
      return found === null || found === undefined ? undefined : String(found);
    },
    async replace(name, expected, value, time) {
      await run(REPLACE, name, expected, value ?? '', String(time));
    },
  };
}

/** ioredis has a `sendCommand`, too, which takes something else. */
function commandsOf(client: RedisClient): (command: string, ...args: string[]) => Promise<unknown> {
  // a function has a method `call`, too
  const given = (typeof client === 'object' && client !== null ? client : {}) as Partial<
    Record<'call' | 'sendCommand', (...args: unknown[]) => Promise<unknown>>
  >;
  if (typeof given.call === 'function') return (...args) => given.call!(...args);
  if (typeof given.sendCommand === 'function') return (...args) => given.sendCommand!(args);
  return refuse('redisOnce', 'client', client, 'a client of redis or ioredis');
}
