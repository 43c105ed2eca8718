import { setImmediate } from 'node:timers/promises';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';

/** Sockets that are visited before other work of the process gets its turn. */
const AT_ONCE = 10_000;

/** The servers of this node's gateways, including those of RegExp namespaces; not that of the console. */
export interface NodeServers {
  all(): readonly EnvelopeServer[];
}

/** Returns the servers of a path or a route; all without one. */
export function serversOf(servers: NodeServers, namespace: string | undefined): readonly EnvelopeServer[] {
  const all = servers.all();
  return namespace === undefined
    ? all
    : all.filter(({ name, route }) => name === namespace || route === namespace);
}

/** Returns a connection of this node. */
export function findSocket(servers: NodeServers, id: string): EnvelopeSocket | undefined {
  for (const { sockets } of servers.all()) {
    const found = sockets.get(id);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Visits many connections, in portions between which other work of the process gets its turn. */
export async function visitAll<Item>(items: Iterable<Item>, visit: (item: Item) => void): Promise<void> {
  let rest = AT_ONCE;
  for (const item of items) {
    visit(item);
    if (--rest > 0) continue;
    rest = AT_ONCE;
    await setImmediate();
  }
}
