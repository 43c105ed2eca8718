import { Redis } from 'ioredis';
import { createClient } from 'redis';
import type { RedisServer } from './redis.js';

/** Connects a client of either library to a Redis server. `end()` closes it. */
export const redisClients = (server: Pick<RedisServer, 'url'>) => ({
  redis: async () => {
    const client = createClient({ url: server.url });
    await client.on('error', () => undefined).connect();
    return Object.assign(client, { end: () => client.close() });
  },
  ioredis: async () => {
    const client = new Redis(server.url).on('error', () => undefined);
    return Object.assign(client, { end: () => client.quit() });
  },
});
