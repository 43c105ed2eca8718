import type { MountedServer } from './types.js';

/** What the servers of one route have together: those of a RegExp namespace are one route, however many paths there are. */
export class RouteTotals {
  connections = 0;
  /** Bytes that wait for clients to read them. */
  outbox = 0;
  /** The same, of the client that has most. */
  fullest = 0;
  /** Nodes that serve the route, this one included, as far as is known. */
  nodes = 0;
  /** Servers by how they stand with the other nodes. */
  readonly states = { alone: 0, connected: 0, away: 0 };

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

/** @param routes those that are told of also where they have no server */
export function sumByRoute(
  servers: Iterable<MountedServer>,
  routes: Iterable<string> = [],
): Map<string, RouteTotals> {
  const sums = new Map<string, RouteTotals>();
  for (const route of routes) sums.set(route, new RouteTotals());
  for (const server of servers) {
    const { route } = server;
    if (!sums.has(route)) sums.set(route, new RouteTotals());
    sums.get(route)!.add(server);
  }
  return sums;
}
