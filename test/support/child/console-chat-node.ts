import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { PROVIDERS, setUpConsole } from '../../console/console-app.js';
import { boot } from './boot.js';
import { serveCommands, settings } from './program.js';

// One node of a chat with a console.
const { url } = settings<{ url: string }>();
const [publisher, subscriber] = [0, 1].map(() => new Redis(url).on('error', () => undefined));
const adapter = createAdapter(publisher, subscriber);
const { port } = await boot({ providers: PROVIDERS }, { adapter }, '127.0.0.1', setUpConsole);
serveCommands({ port: () => port });
