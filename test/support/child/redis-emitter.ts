import { Emitter } from '@socket.io/redis-emitter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { perform, type Step } from '../cluster/chain.js';
import { serveCommands, settings } from './program.js';

/** A process without sockets that emits to the clients of a cluster through its broker. */
const { url, library } = settings<{ url: string; library: 'redis' | 'ioredis' }>();
const client = library === 'redis' ? await createClient({ url }).connect() : new Redis(url);
const emitter = new Emitter(client);

serveCommands({ perform: (path: string, steps: Step[]) => perform(() => emitter.of(path), steps) });
