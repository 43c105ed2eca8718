import { performance } from 'node:perf_hooks';
import type { KnownOperations } from '../../nest/gateways/find-adapter.js';
import type { ClusterStatus } from '../../server/diagnostics/types.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import type { ConnectionCounts } from './connection-counts.js';
import type { MessageCounts } from './message-counts.js';
import { visitAll, type NodeServers } from './node-servers.js';
import type { BrokerView, Counts, NamespaceView, NodeView } from './views.js';

/** Bytes that wait for a connection which counts as slow. */
const SLOW = 64 * 1024;
/** The least number of milliseconds over which the load is measured. */
const LEAST_WINDOW = 1_000;
/** Namespaces of one node in an overview. */
export const MAX_NAMESPACES = 200;

/** What one node contributes to an overview. */
export interface NodeSummary {
  readonly node: Omit<NodeView, 'id' | 'isThis' | 'state' | 'seenAt'>;
  readonly namespaces: readonly NamespaceView[];
  /** Namespaces beyond those. */
  readonly more: number;
  readonly counts: Counts;
}

/** What a summary is made of. */
export interface SummarySources {
  readonly name: string;
  readonly servers: NodeServers;
  readonly connections: ConnectionCounts;
  readonly messages: MessageCounts;
  /** The server of the console. */
  readonly own: EnvelopeServer;
  readonly operations: KnownOperations;
  readonly readOnly: boolean;
}

/** Measures this node. Each measurement makes it count messages for some more seconds. */
export class NodeMeter {
  private utilisation = performance.eventLoopUtilization();
  private measuredAt = performance.now();
  private load = 0;

  constructor(private readonly sources: SummarySources) {}

  async summarise(): Promise<NodeSummary> {
    const { name, servers, connections, messages, own, operations, readOnly } = this.sources;
    messages.watch();
    const all = servers.all();
    const namespaces = await sumNamespaces(all, messages);
    const { rss, heapUsed } = process.memoryUsage();
    return {
      node: {
        name,
        startedAt: Math.round(performance.timeOrigin),
        connections: all.reduce((sum, { sockets }) => sum + sockets.size, 0),
        broker: worst([...all.map(({ cluster }) => cluster), own.cluster]),
        rss,
        heap: heapUsed,
        load: this.measureLoad(),
        admins: own.sockets.size,
        readOnly,
        isDraining: operations.isDraining,
        blocks: operations._blocks.length,
      },
      namespaces: namespaces.slice(0, MAX_NAMESPACES),
      more: Math.max(0, namespaces.length - MAX_NAMESPACES),
      counts: {
        since: connections.since,
        opened: connections.opened,
        closed: connections.closed,
        disconnects: connections.disconnects.all,
        closeCodes: connections.closeCodes.all,
        refusedUpgrades: connections.refusedUpgrades.all,
        watchedSince: messages.since,
        refusedMessages: messages.refused.all,
        limits: messages.limits.all,
        drops: messages.drops.all,
      },
    };
  }

  private measureLoad(): number {
    const now = performance.now();
    if (now - this.measuredAt < LEAST_WINDOW) return this.load;
    const before = this.utilisation;
    this.utilisation = performance.eventLoopUtilization();
    this.measuredAt = now;
    return (this.load = performance.eventLoopUtilization(this.utilisation, before).utilization);
  }
}

async function sumNamespaces(
  all: readonly EnvelopeServer[],
  messages: MessageCounts,
): Promise<NamespaceView[]> {
  const byRoute = new Map<string, { paths: number; connections: number; buffered: number; slow: number }>();
  for (const { route, name, sockets } of all) {
    let sums = byRoute.get(route);
    if (sums === undefined) byRoute.set(route, (sums = { paths: 0, connections: 0, buffered: 0, slow: 0 }));
    const each = sums;
    // the server of a RegExp has no clients of its own
    if (name !== route || sockets.size > 0 || !route.includes('<')) each.paths++;
    each.connections += sockets.size;
    await visitAll(sockets.values(), ({ bufferedAmount }) => {
      each.buffered += bufferedAmount;
      if (bufferedAmount > SLOW) each.slow++;
    });
  }
  return [...byRoute]
    .map(([route, sums]) => ({ route, nodes: 1, ...sums, ...withRates(messages, route) }))
    .sort((a, b) => b.connections - a.connections || (a.route < b.route ? -1 : 1));
}

function withRates(messages: MessageCounts, route: string): Pick<NamespaceView, 'rates'> {
  const rates = messages.ratesOf(route);
  return rates === undefined ? {} : { rates };
}

const STATES = ['away', 'connected', 'alone'] as const;

/** Returns the worst state of several. */
function worst(states: readonly ClusterStatus[]): BrokerView {
  const [first] = [...states].sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
  const { state, nodes, since } = first!;
  return { state, nodes, since };
}
