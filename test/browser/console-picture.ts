import type { Count, Hello, NamespaceView, NodeView, Overview } from '../../lib/explorer/admin/views.js';
import { CLOSE_CODES } from '../../lib/protocol/close-codes.js';

/** Invented figures for docs/console.png, which scripts/console-picture.js draws. The types keep them like those of a server. */

/** Overviews until the picture is taken: as many as a chart has values. */
export const STEPS = 90;
/** Milliseconds between two of them. */
const INTERVAL = 2_000;
/** The time of the picture. */
export const NOW = Date.UTC(2026, 10, 30, 3, 12, 40);
const START = NOW - 4 * 86_400_000 - 7 * 3_600_000;
const MIB = 1024 * 1024;

export const SETTINGS = { hasExplorer: true, closeCodes: Object.values(CLOSE_CODES) };

/** @param interval milliseconds between two requests of the page: less than a server says, so that nobody waits three minutes */
export function hello(interval: number): Hello {
  return { node: 'one', user: 'ada', readOnly: false, payloads: false, interval, maxRows: 100 };
}

/** The overview of a step, from 1 to {@link STEPS}: three nodes, of which one drains and one does not answer; an attack begins. */
export function overviewAt(step: number): Overview {
  const at = NOW - (STEPS - step) * INTERVAL;
  // the attack of one address, which an operator blocks: handshakes that a guard refuses, then the block
  const attack = Math.max(0, step - 45);
  const blocked = Math.max(0, step - 70);
  const connections = 61_250 + 40 * step;
  const closed = 2_338_850 + 64 * step + wave(step, 9);
  return {
    at,
    nodes: [
      newNode('one', 'web-1:4711', { isThis: true, connections: 31_120 + 20 * step, load: 0.34, admins: 2 }),
      newNode('two', 'web-2:1830', {
        connections: connections - 31_120 - 20 * step,
        load: 0.61,
        isDraining: true,
        startedAt: START + 86_400_000,
      }),
      newNode('three', 'web-3:990', {
        connections: 30_944,
        state: 'silent',
        seenAt: NOW - 73_000,
        startedAt: START,
      }),
    ],
    unknown: 0,
    namespaces: [
      newNamespace('/chat', 38_400 + 25 * step, 4_100 + wave(step, 420), 3),
      newNamespace('/orders', 17_610 + 10 * step, 310 + wave(step, 60), 0),
      newNamespace('/rooms/:room', 5_240 + 5 * step, 31 + wave(step, 9), 0),
    ],
    moreNamespaces: 0,
    counts: {
      since: START,
      opened: closed + connections + wave(step + 20, 6),
      closed,
      disconnects: counted({
        'transport close': 2_310_400 + 31 * step,
        'client namespace disconnect': 24_310 + 3 * step,
        'ping timeout': 3_122 + step,
      }),
      closeCodes: counted({ 1001: 1_902_819 + 21 * step, 1006: 409_990 + 11 * step, 1013: 41 }),
      refusedUpgrades: counted({
        '403 guard': 18_204 + 44 * Math.min(attack, 25),
        '429 blocked': 51 * blocked,
        '503 draining': 9 * Math.max(0, step - 30),
        '403 origin': 310,
      }),
      watchedSince: NOW - STEPS * INTERVAL,
      refusedMessages: counted({ rate_limited: 12 * step, unknown_event: 3 }),
      limits: counted({ messagesPerSecond: 12 * step }),
      drops: counted({ volatile: 210 + step }),
    },
  };
}

function newNode(id: string, name: string, given: Partial<NodeView>): NodeView {
  return {
    id,
    name,
    isThis: false,
    state: 'live',
    seenAt: NOW,
    startedAt: START,
    connections: 0,
    broker: { state: 'connected', nodes: 3, since: START },
    rss: 402 * MIB,
    heap: 188 * MIB,
    load: 0,
    admins: 0,
    readOnly: false,
    isDraining: false,
    blocks: 2,
    ...given,
  };
}

function newNamespace(route: string, connections: number, received: number, slow: number): NamespaceView {
  const rates = {
    received,
    receivedBytes: 118 * received,
    emitted: received / 20,
    broadcasts: received / 55,
  };
  const paths = route.includes(':') ? 31 : 1;
  return { route, nodes: 2, paths, connections, buffered: 4 * received + slow * 90_000, slow, rates };
}

function counted(counts: Readonly<Record<string, number>>): Count[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count);
}

/** A value that moves like one that was measured, the same in every picture. */
function wave(step: number, height: number): number {
  return Math.round(height * (Math.sin(step / 9) + 0.35 * Math.sin(2.3 * step) + 0.2 * Math.sin(5.1 * step)));
}
