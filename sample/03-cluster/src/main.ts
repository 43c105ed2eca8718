import cluster from 'node:cluster';
import { NestFactory } from '@nestjs/core';
import { createAdapter } from '@socket.io/cluster-adapter';
import { createAdapter as createRedisAdapter } from '@socket.io/redis-adapter';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { AppModule } from './app.module.js';
import { RedisClients } from './redis-clients.js';
import { readSettings } from './settings.js';

/** Milliseconds. A worker that died without a word is waited for and counted in until it was silent for so long. */
const HEARTBEAT = { heartbeatInterval: 1_000, heartbeatTimeout: 3_000 };

const { port, redis } = readSettings();
// of many workers, cluster.ts tells where they listen
const app = await NestFactory.create(
  AppModule,
  cluster.isWorker ? { logger: ['warn', 'error', 'fatal'] } : {},
);
if (redis === undefined) {
  // the workers of one machine, by way of cluster.ts
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { adapter: createAdapter(HEARTBEAT) }));
} else {
  // any number of machines
  const [pub, sub] = await app.get(RedisClients).connect(redis);
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { adapter: createRedisAdapter(pub, sub) }));
}
app.enableShutdownHooks();
await app.listen(port, '0.0.0.0');
