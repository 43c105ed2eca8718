import { Redis } from 'ioredis';
import { createClient } from 'redis';

/** Connects a client of a library to Redis. It says nothing of lost connections, which the tests cause. */
export async function connectToRedis(url: string, library: 'ioredis' | 'redis'): Promise<object> {
  if (library === 'ioredis') return new Redis(url).on('error', () => undefined);
  return createClient({ url })
    .on('error', () => undefined)
    .connect();
}
