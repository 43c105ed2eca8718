import cluster from 'node:cluster';
import { NestFactory } from '@nestjs/core';
import { createAdapter } from '@socket.io/cluster-adapter';
import { createAdapter as createRedisAdapter } from '@socket.io/redis-adapter';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { AppModule } from './app.module.js';
import { RedisClients } from './redis-clients.js';
import { readSettings } from './settings.js';

/** Milliseconds. The other workers count a killed worker, and wait for it, until `heartbeatTimeout` has passed. */
const HEARTBEAT = { heartbeatInterval: 1_000, heartbeatTimeout: 3_000 };

const { port, redis } = readSettings();
// in a cluster, cluster.ts logs where the workers listen
const app = await NestFactory.create(
  AppModule,
  cluster.isWorker ? { logger: ['warn', 'error', 'fatal'] } : {},
);
if (redis === undefined) {
  // connects the workers of one machine, through cluster.ts
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { adapter: createAdapter(HEARTBEAT) }));
} else {
  // connects any number of machines
  const [pub, sub] = await app.get(RedisClients).connect(redis);
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { adapter: createRedisAdapter(pub, sub) }));
}
app.enableShutdownHooks();
await app.listen(port, '0.0.0.0');
