import { observe } from '../../server/diagnostics/channels.js';
import type { ObservedServer } from '../../server/diagnostics/types.js';
import { NamedCounts } from './named-counts.js';

/** Whether a server is one of this application's gateways: the channels have the events of all applications in the process. */
export type IsCounted = (server: ObservedServer) => boolean;

/**
 * Counts connects, disconnects and refused upgrades of this node from its start on, so that an admin who comes later sees what
 * happened. No message costs anything for it.
 */
export class ConnectionCounts {
  readonly since = Date.now();
  opened = 0;
  closed = 0;
  readonly disconnects = new NamedCounts();
  readonly closeCodes = new NamedCounts();
  readonly refusedUpgrades = new NamedCounts();
  private readonly stops: readonly (() => void)[];

  constructor(isCounted: IsCounted) {
    this.stops = [
      observe('connect', ({ socket }) => {
        if (isCounted(socket.nsp)) this.opened++;
      }),
      observe('disconnect', ({ socket, reason, closed }) => {
        if (!isCounted(socket.nsp)) return;
        this.closed++;
        this.disconnects.add(reason);
        this.closeCodes.add(String(closed.code));
      }),
      // of the whole process: a refused request belongs to no server yet
      observe('upgrade.refuse', ({ status, why }) =>
        this.refusedUpgrades.add(why === undefined ? String(status) : `${status} ${why}`),
      ),
    ];
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }
}
