import type { MountedServer } from '../server/diagnostics/types.js';
import { sumByRoute, type RouteTotals } from '../server/diagnostics/route-totals.js';

/** How one route stands. */
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

export function loadOf(servers: readonly MountedServer[]): Load {
  const load: Load = { connections: 0, outbox: { total: 0, fullest: 0 }, routes: {} };
  for (const [route, { connections, outbox, fullest, nodes, states }] of sumByRoute(servers)) {
    load.connections += connections;
    load.outbox.total += outbox;
    load.outbox.fullest = Math.max(load.outbox.fullest, fullest);
    load.routes[route] = { connections, cluster: worstOf(states), nodes };
  }
  return load;
}

function worstOf({ away, connected }: RouteTotals['states']): RouteReport['cluster'] {
  if (away > 0) return 'away';
  return connected > 0 ? 'connected' : 'alone';
}
