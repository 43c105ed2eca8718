import type { Server } from 'node:http';
import type { AdapterServices } from './adapter-services.js';
import type { MountedServers } from './mounted-servers.js';
import { explainLostUpgrade } from '../../server/upgrade/lost-upgrade.js';
import { explainUnknownPath } from '../../server/upgrade/unknown-path.js';
import { UpgradeRouter } from '../../server/upgrade/upgrade-router.js';

/** Passes the upgrades of HTTP servers to the servers that an adapter has mounted: one {@link UpgradeRouter} each. */
export class UpgradeRouters {
  private readonly routers: UpgradeRouter[] = [];

  constructor(
    private readonly mounted: MountedServers,
    private readonly services: Pick<AdapterServices, 'reports' | 'clientAddress'>,
  ) {}

  /** Passes the upgrades of an HTTP server to the gateways on this port. */
  add(port: number, http: Server): void {
    const { reports, clientAddress } = this.services;
    const router = new UpgradeRouter(
      http,
      (path) => this.mounted.handlerFor(port, path),
      (path, request) => this.mounted.requestHandlerFor(port, path, request),
      {
        unknownPath: (target) =>
          reports.warn('unknown paths', explainUnknownPath(target, this.mounted.paths(port))),
        lostUpgrade: (path) => reports.warn('lost upgrades', explainLostUpgrade(path)),
      },
      (request) => clientAddress.rateIdentityOf(request),
    );
    this.routers.push(router);
  }

  /** Restores the HTTP servers: now, or if they are about to close, once they have closed. */
  dispose(isServerClosing: boolean): void {
    for (const router of this.routers.splice(0)) {
      if (isServerClosing) router.disposeWithServer();
      else router.dispose();
    }
  }
}
