import type { MountedServer } from '../server/diagnostics/types.js';
import { sumByRoute, type RouteTotals } from '../server/diagnostics/route-totals.js';

/** The load of one route. */
interface RouteReport {
  connections: number;
  /** `away`: the broker does not answer. The worst state, if the route has several servers. */
  cluster: 'alone' | 'connected' | 'away';
  /** Known nodes that serve the route, including this one. */
  nodes: number;
}

/** The load of all servers of one adapter. */
export interface Load {
  connections: number;
  /** Bytes waiting to be sent to clients: in total, and for the client with the most. */
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
