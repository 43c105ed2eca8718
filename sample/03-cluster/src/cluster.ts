import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { setupPrimary } from '@socket.io/cluster-adapter';
import { RedisClients } from './redis-clients.js';
import { readSettings } from './settings.js';

/**
 * The primary process. Starts a worker (main.ts) for each core, all on one port, and replaces each worker that ends.
 */
const logger = new Logger('Cluster');
const { workers, redis } = readSettings();
const started = new WeakSet<Worker>();
let starts = 0;
let isStopping = false;

/** Sends SIGTERM to all workers, which close like any Nest application. The primary ends after the last worker. */
function stop(): void {
  isStopping = true;
  for (const worker of Object.values(cluster.workers!)) worker!.process.kill('SIGTERM');
}

cluster.setupPrimary({ exec: fileURLToPath(import.meta.resolve('./main.js')) });
// forwards the messages between the adapters of the workers
setupPrimary();

cluster.on('listening', (worker, { port }) => {
  started.add(worker);
  logger.log(`Worker ${worker.process.pid} listens on http://localhost:${port}/`);
  if (++starts === workers) logger.log(`Open http://localhost:${port}/`);
});
cluster.on('exit', (worker, code, signal) => {
  if (isStopping) return;
  logger.warn(`Worker ${worker.process.pid} ended with ${signal ?? code}`);
  if (started.has(worker)) {
    cluster.fork();
  } else {
    logger.error('The worker ended before it listened. A new worker would fail as well: stopping');
    process.exitCode = 1;
    stop();
  }
});

if (redis !== undefined) {
  // one process waits for Redis and says so, and not each worker
  const clients = new RedisClients();
  await clients.connect(redis);
  await clients.onApplicationShutdown();
}
process.once('SIGINT', stop).once('SIGTERM', stop);
for (let worker = 0; worker < workers; worker++) cluster.fork();
