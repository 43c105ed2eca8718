import type { MountedServer } from './types.js';

/**
 * The totals of all servers of one route. The servers of a RegExp namespace are one route, regardless of the number of
 * paths.
 */
export class RouteTotals {
  connections = 0;
  /** Bytes that wait to be sent to clients. */
  outbox = 0;
  /** Bytes that wait to be sent to one client; the maximum of all clients. */
  fullest = 0;
  /** Known nodes that serve the route, this one included. */
  nodes = 0;
  /** The number of servers by the state of their cluster. */
  readonly states = { alone: 0, connected: 0, away: 0 };

  /** Adds the figures of one server. */
  add({ sockets, cluster }: MountedServer): void {
    this.connections += sockets.size;
    this.nodes = Math.max(this.nodes, cluster.nodes);
    this.states[cluster.state]++;
    for (const { bufferedAmount } of sockets.values()) {
      this.outbox += bufferedAmount;
      this.fullest = Math.max(this.fullest, bufferedAmount);
    }
  }
}

/**
 * Returns the totals of servers, by route.
 *
 * @param routes routes to include even if they have no server
 */
export function sumByRoute(
  servers: Iterable<MountedServer>,
  routes: Iterable<string> = [],
): Map<string, RouteTotals> {
  const totals = new Map<string, RouteTotals>();
  for (const route of routes) totals.set(route, new RouteTotals());
  for (const server of servers) {
    const { route } = server;
    if (!totals.has(route)) totals.set(route, new RouteTotals());
    totals.get(route)!.add(server);
  }
  return totals;
}
