import { fieldsOf, numberOf, recordsOf, textOf, type Fields } from './checked-values.js';
import { NamedCounts } from './named-counts.js';
import { MAX_NAMESPACES } from './node-summary.js';
import { compareText } from './top-list.js';
import type { Answers, Peers } from './peers.js';
import type { Count, Counts, NamespaceView, NodeView, Overview, Rates } from './views.js';

/** Characters of a route or a name in an overview. */
const MAX_TEXT = 1_000;

/** Makes the overview of the summaries of all nodes. What other nodes sent is checked: any client of the broker can send it. */
export class OverviewMaker {
  /** The last summaries of nodes that may become silent. */
  private readonly last = new Map<string, NodeView>();

  constructor(private readonly peers: Peers) {}

  make({ values, nodes }: Answers): Overview {
    const at = Date.now();
    const summaries = [...values].map(([id, value]) => ({ id, fields: fieldsOf(value) }));
    for (const { id, fields } of summaries)
      this.last.set(id, this.viewNode(id, fieldsOf(fields['node']), at));
    const known = new Set([...values.keys(), ...this.peers.known().map(({ id }) => id)]);
    for (const id of this.last.keys()) if (!known.has(id)) this.last.delete(id);
    const namespaces = mergeNamespaces(
      summaries.flatMap(({ fields }) => recordsOf(fields['namespaces'], MAX_NAMESPACES)),
    );
    const more = summaries.reduce((most, { fields }) => Math.max(most, numberOf(fields['more'])), 0);
    return {
      at,
      nodes: [...this.last.values(), ...this.unmeasured()]
        .map((node) => (values.has(node.id) ? node : { ...node, state: 'silent' as const }))
        .sort((a, b) => compareText(a.name, b.name) || compareText(a.id, b.id)),
      unknown: nodes.unknown,
      namespaces: namespaces.slice(0, MAX_NAMESPACES),
      moreNamespaces: more + Math.max(0, namespaces.length - MAX_NAMESPACES),
      counts: mergeCounts(summaries.map(({ fields }) => fieldsOf(fields['counts']))),
    };
  }

  /** Nodes that have answered another question, and are silent since. */
  private unmeasured(): NodeView[] {
    return this.peers
      .known()
      .filter(({ id }) => !this.last.has(id))
      .map(({ id, name, seenAt }) => ({ ...this.viewNode(id, { name }, seenAt) }));
  }

  private viewNode(id: string, node: Fields, seenAt: number): NodeView {
    const broker = fieldsOf(node['broker']);
    const { state } = broker;
    return {
      id,
      name: textOf(node['name'], MAX_TEXT),
      isThis: id === this.peers.id,
      state: 'live',
      seenAt,
      startedAt: numberOf(node['startedAt']),
      connections: numberOf(node['connections']),
      broker: {
        state: state === 'away' || state === 'alone' ? state : 'connected',
        nodes: numberOf(broker['nodes']),
        since: numberOf(broker['since']),
      },
      rss: numberOf(node['rss']),
      heap: numberOf(node['heap']),
      load: numberOf(node['load']),
      admins: numberOf(node['admins']),
      readOnly: node['readOnly'] === true,
      isDraining: node['isDraining'] === true,
      blocks: numberOf(node['blocks']),
    };
  }
}

type Merged = { -readonly [Name in keyof NamespaceView]: NamespaceView[Name] };

function mergeNamespaces(parts: readonly Fields[]): NamespaceView[] {
  const byRoute = new Map<string, Merged>();
  for (const part of parts) {
    const route = textOf(part['route'], MAX_TEXT);
    let sum = byRoute.get(route);
    if (sum === undefined)
      byRoute.set(route, (sum = { route, nodes: 0, paths: 0, connections: 0, buffered: 0, slow: 0 }));
    sum.nodes++;
    sum.paths = Math.max(sum.paths, numberOf(part['paths']));
    sum.connections += numberOf(part['connections']);
    sum.buffered += numberOf(part['buffered']);
    sum.slow += numberOf(part['slow']);
    const rates = addRates(sum.rates, part['rates']);
    if (rates !== undefined) sum.rates = rates;
  }
  return [...byRoute.values()].sort((a, b) => compareText(a.route, b.route));
}

function addRates(before: Rates | undefined, part: unknown): Rates | undefined {
  if (typeof part !== 'object' || part === null) return before;
  const added = fieldsOf(part);
  return {
    received: (before?.received ?? 0) + numberOf(added['received']),
    receivedBytes: (before?.receivedBytes ?? 0) + numberOf(added['receivedBytes']),
    emitted: (before?.emitted ?? 0) + numberOf(added['emitted']),
    broadcasts: (before?.broadcasts ?? 0) + numberOf(added['broadcasts']),
  };
}

function mergeCounts(parts: readonly Fields[]): Counts {
  const earliest = (name: string): number =>
    Math.min(...parts.map((part) => numberOf(part[name])).filter((time) => time > 0), Date.now());
  const sum = (name: string): number => parts.reduce((total, part) => total + numberOf(part[name]), 0);
  const merge = (name: string): readonly Count[] => {
    const counts = new NamedCounts();
    for (const part of parts)
      for (const count of recordsOf(part[name], 101))
        counts.add(textOf(count['name'], 100), numberOf(count['count']));
    return counts.all;
  };
  return {
    since: earliest('since'),
    opened: sum('opened'),
    closed: sum('closed'),
    disconnects: merge('disconnects'),
    closeCodes: merge('closeCodes'),
    refusedUpgrades: merge('refusedUpgrades'),
    watchedSince: earliest('watchedSince'),
    refusedMessages: merge('refusedMessages'),
    limits: merge('limits'),
    drops: merge('drops'),
  };
}
