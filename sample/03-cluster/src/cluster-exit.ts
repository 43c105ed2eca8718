import cluster from 'node:cluster';
import { once } from 'node:events';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';

/**
 * Leaves the cluster before the process ends: what the primary was about to hand over goes to another worker. Node
 * keeps a connection that was under way to a worker which ended, and nobody would ever answer it.
 */
@Injectable()
export class ClusterExit implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    if (!cluster.worker?.isConnected()) return;
    const left = once(process, 'disconnect');
    cluster.worker.disconnect();
    await left;
  }
}
