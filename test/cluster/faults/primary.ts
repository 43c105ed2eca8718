import cluster from 'node:cluster';
import { join } from 'node:path';
import { setupPrimary } from '@socket.io/cluster-adapter';
import { settings } from '../../support/child/program.js';
import type { NodeSettings } from './node-process.js';

// The primary of Node's cluster, which acts as the broker of its workers.
const { name, backends } = settings<NodeSettings>();

setupPrimary();
cluster.setupPrimary({ exec: join(import.meta.dirname, 'node.ts') });
cluster.on('message', (_worker, message: { event?: string }) => {
  if (message?.event !== undefined) process.send!(message);
});
cluster.on('exit', (worker, code, signal) => {
  process.send?.({ event: 'exit', value: { pid: worker.process.pid, code, signal } });
});
process.on('disconnect', () => process.exit(1));
for (const each of name.split(',')) cluster.fork({ SETTINGS: JSON.stringify({ name: each, backends }) });
