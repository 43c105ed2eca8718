// node:cluster: all cores of one machine, on one port, without a broker.
//
//   node cluster.mjs dist/main.js
//
// The program creates its adapter with `createAdapter()` of @socket.io/cluster-adapter. SIGTERM ends all workers, and then this
// process. SIGHUP replaces the workers one after the other, which is a deploy. @socket.io/sticky is not needed: a WebSocket stays
// with the worker that accepted it. Only long polling of Socket.IO clients needs it.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { setupPrimary } from '@socket.io/cluster-adapter';

/** shutdownTimeout (5 s), sending clients away (5 s), closing handshakes, handleDisconnect, broadcasts (2 s each), and some more. */
const KILL_TIMEOUT = 25_000;
/** Before a worker that ended is replaced, so that one that cannot start does not take a whole core. Milliseconds. */
const RESTART_DELAY = 1_000;

const [exec, ...args] = process.argv.slice(2);
if (exec === undefined) throw new Error('node cluster.mjs <program> [arguments]');
const count = Number(process.env.WORKERS ?? availableParallelism());
/** Workers that end on purpose. */
const ending = new WeakSet();
let isStopping = false;

cluster.setupPrimary({ exec, args });
// passes the messages between the adapters of the workers
setupPrimary();

/** Starts a worker. Resolves when it accepts clients, or has ended. */
async function start() {
  const worker = cluster.fork();
  await Promise.race([once(worker, 'listening'), once(worker, 'exit')]);
}

/** Ends a worker, after at most KILL_TIMEOUT. */
async function end(worker) {
  ending.add(worker);
  const timer = setTimeout(() => worker.process.kill('SIGKILL'), KILL_TIMEOUT);
  worker.process.kill('SIGTERM');
  if (!worker.isDead()) await once(worker, 'exit');
  clearTimeout(timer);
}

async function replace(worker, code, signal) {
  if (isStopping || ending.has(worker)) return;
  console.error(`Worker ${worker.process.pid} ended with ${signal ?? code}`);
  await pause(RESTART_DELAY);
  if (!isStopping) await start();
}
cluster.on('exit', (worker, code, signal) => void replace(worker, code, signal));

async function stop() {
  if (isStopping) return;
  isStopping = true;
  await Promise.all(Object.values(cluster.workers).map(end));
  process.exit();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void stop());

let replacing = Promise.resolve();
process.on('SIGHUP', () => {
  replacing = replacing.then(async () => {
    for (const worker of Object.values(cluster.workers)) {
      if (isStopping) return;
      await start();
      await end(worker);
    }
  });
});

for (let worker = 0; worker < count; worker++) void start();
