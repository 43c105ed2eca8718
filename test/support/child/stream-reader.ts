import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { tolerant } from '../../../lib/index.js';
import { serveCommands, settings } from './program.js';

/** A process that reads a stream, with a client that buffers no commands while its broker is unreachable. */
const { url, library } = settings<{ url: string; library: 'redis' | 'ioredis' }>();
const client =
  library === 'redis'
    ? createClient({ url, disableOfflineQueue: true })
    : new Redis(url, { enableOfflineQueue: false, lazyConnect: true });
await client.on('error', () => undefined).connect();
createAdapter(tolerant(client as object), { blockTimeInMs: 200 });

let before = process.cpuUsage();
serveCommands({
  /** Returns the CPU time since the last call, in seconds. */
  cpu: () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    return (user + system) / 1e6;
  },
});
