import cluster from 'node:cluster';
import { once } from 'node:events';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';

/**
 * Leaves the cluster before the process ends, so that the primary gives new connections to another worker. Node keeps a
 * connection open that it was handing to a worker that ended, and no worker would ever answer it.
 */
@Injectable()
export class ClusterExit implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    if (!cluster.worker?.isConnected()) return;
    const disconnected = once(process, 'disconnect');
    cluster.worker.disconnect();
    await disconnected;
  }
}
