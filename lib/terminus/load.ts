import type { EnvelopeServer } from '../server/envelope.server.js';

/** How one route stands: those of a RegExp namespace are one, however many paths there are. */
export interface RouteReport {
  connections: number;
  /** `away`: the broker does not answer. The worst, where there are several servers. */
  cluster: 'alone' | 'connected' | 'away';
  /** Nodes that serve the route, this one included, as far as is known. */
  nodes: number;
}

/** What the servers of one adapter hold. */
export interface Load {
  connections: number;
  /** Bytes that wait for clients to read them: in all, and of the client that has most. */
  outbox: { total: number; fullest: number };
  routes: Record<string, RouteReport>;
}

const WORSE = { alone: 0, connected: 1, away: 2 } as const;

export function loadOf(servers: readonly EnvelopeServer[]): Load {
  const load: Load = { connections: 0, outbox: { total: 0, fullest: 0 }, routes: {} };
  for (const { route, sockets, cluster } of servers) {
    const known = (load.routes[route] ??= { connections: 0, cluster: 'alone', nodes: 0 });
    known.connections += sockets.size;
    known.nodes = Math.max(known.nodes, cluster.nodes);
    if (WORSE[cluster.state] > WORSE[known.cluster]) known.cluster = cluster.state;
    load.connections += sockets.size;
    for (const { bufferedAmount } of sockets.values()) {
      load.outbox.total += bufferedAmount;
      load.outbox.fullest = Math.max(load.outbox.fullest, bufferedAmount);
    }
  }
  return load;
}
