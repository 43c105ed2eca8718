import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { pathOf } from './path.js';
import { refusal, refuseUpgrade } from './refusal.js';

/** Takes an upgrade over: from here on the socket is its own. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Finds who takes the upgrades of a path. */
export type FindHandler = (path: string) => UpgradeHandler | undefined;

/**
 * First stop of a connection: listens for upgrades on one HTTP server and hands each to the path's owner. Those
 * that nobody here owns are left to other listeners, and answered with 404 where there are none.
 */
export class UpgradeRouter {
  constructor(
    private readonly http: Server,
    private readonly find: FindHandler,
  ) {
    http.on('upgrade', this.onUpgrade);
  }

  dispose(): void {
    this.http.off('upgrade', this.onUpgrade);
  }

  private readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = pathOf(request.url);
    const handler = path === undefined ? undefined : this.find(path);
    if (handler !== undefined) return handler(request, socket, head);
    if (this.http.listenerCount('upgrade') > 1) return;
    if (path === undefined) refuseUpgrade(socket, refusal(400, 'The request target is not a path'));
    else refuseUpgrade(socket, refusal(404, 'No gateway is mounted on this path'));
  };
}
