import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { tolerant } from '../../../lib/index.js';
import { serveCommands, settings } from './program.js';

/** A process that reads a stream, with a client that keeps nothing for later when its broker is away. */
const { url, library } = settings<{ url: string; library: 'redis' | 'ioredis' }>();
const client =
  library === 'redis'
    ? createClient({ url, disableOfflineQueue: true })
    : new Redis(url, { enableOfflineQueue: false, lazyConnect: true });
await client.on('error', () => undefined).connect();
createAdapter(tolerant(client as object), { blockTimeInMs: 200 });

let before = process.cpuUsage();
serveCommands({
  /** Seconds of processor time since the last call. */
  cpu: () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    return (user + system) / 1e6;
  },
});
