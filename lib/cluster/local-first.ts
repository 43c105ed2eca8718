import type { BroadcastOptions, Room } from 'socket.io-adapter';
import { markPacket } from '../recovery/cluster-recovery.js';
import type { Feed } from '../recovery/feed.js';
import { isKept } from '../server/recovery.js';
import { override, type Internals } from './internals.js';

interface Packet {
  data: unknown[];
}

const NOBODY: ReadonlySet<Room> = new Set();

/** What an adapter does to all sockets of a target, on every node. */
const COMMANDS = ['addSockets', 'delSockets', 'disconnectSockets'] as const;

/**
 * Serves this node's sockets before the cluster is told. Adapters that stand on `ClusterAdapter` wait for their broker
 * first: a slow one would make this node's clients wait, and put a room's message behind a later one to a single
 * client. The adapter's own pass over this node's sockets, when the broker has answered, is left out.
 */
export function serveLocallyFirst(adapter: Internals, base: Internals, feed?: Feed): void {
  /** Targets whose sockets of this node were served. */
  const served = new WeakSet<object>();
  override(adapter, 'apply', (apply) => (options, callback) => {
    if (!served.has(options as object)) apply(options, callback);
  });
  override(adapter, 'broadcast', (publish) => (given, options) => {
    const packet = given as Packet;
    if (isLocal(options)) return base.broadcast.call(adapter, packet, options);
    const target = options as BroadcastOptions;
    const { flags } = target;
    const expected = isKept(packet, flags) ? feed?.expect({ except: NOBODY, ...target }) : undefined;
    const local = expected === undefined ? packet : { ...packet, place: expected.placement };
    const posted = feed === undefined ? { ...packet } : marked(packet, flags);
    try {
      base.broadcast.call(adapter, local, options);
    } catch (error) {
      if (expected !== undefined) feed?.place(expected.mark, undefined);
      throw error;
    }
    const sent = publish(posted, markServed(options, expected?.mark));
    // published by now; what the adapter encodes once more when the broker has answered goes nowhere
    posted.data = [''];
    if (expected === undefined || !(sent instanceof Promise)) return sent;
    // an offset was added, or else the publication has failed
    return sent.then(() => posted.data.length > 1 || feed?.place(expected.mark, undefined));
  });
  for (const command of COMMANDS) {
    override(adapter, command, (publish) => (options, what) => {
      Reflect.apply(base[command], adapter, [options, what]);
      return isLocal(options) ? undefined : publish(markServed(options), what);
    });
  }

  function markServed(options: unknown, mark?: number): object {
    const { flags, ...target } = options as BroadcastOptions;
    const copy = { ...target, flags: mark === undefined ? flags : { ...flags, mark } };
    served.add(copy);
    return copy;
  }
}

function marked(packet: Packet, flags: BroadcastOptions['flags']): Packet {
  return {
    ...packet,
    data: markPacket(packet.data, flags?.volatile === true, Object.hasOwn(packet, 'bare')),
  };
}

function isLocal(options: unknown): boolean {
  return (options as BroadcastOptions).flags?.local === true;
}
