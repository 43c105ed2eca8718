import type { BroadcastOptions } from 'socket.io-adapter';
import { override, type Internals } from './internals.js';

interface Packet {
  data: unknown[];
}

/** What an adapter does to all sockets of a target, on every node. */
const COMMANDS = ['addSockets', 'delSockets', 'disconnectSockets'] as const;

/**
 * Serves this node's sockets before the cluster is told. Adapters that stand on `ClusterAdapter` wait for their broker
 * first: a slow one would make this node's clients wait, and put a room's message behind a later one to a single
 * client. The adapter's own pass over this node's sockets, when the broker has answered, is left out.
 */
export function serveLocallyFirst(adapter: Internals, base: Internals): void {
  /** Targets whose sockets of this node were served. */
  const served = new WeakSet<object>();
  override(adapter, 'apply', (apply) => (options, callback) => {
    if (!served.has(options as object)) apply(options, callback);
  });
  override(adapter, 'broadcast', (publish) => (packet, options) => {
    base.broadcast.call(adapter, packet, options);
    if (isLocal(options)) return undefined;
    const posted = { ...(packet as Packet) };
    const sent = publish(posted, markServed(options));
    // published by now; what the adapter encodes once more when the broker has answered goes nowhere
    posted.data = [''];
    return sent;
  });
  for (const command of COMMANDS) {
    override(adapter, command, (publish) => (options, what) => {
      Reflect.apply(base[command], adapter, [options, what]);
      return isLocal(options) ? undefined : publish(markServed(options), what);
    });
  }

  function markServed(options: unknown): object {
    const copy = { ...(options as object) };
    served.add(copy);
    return copy;
  }
}

function isLocal(options: unknown): boolean {
  return (options as BroadcastOptions).flags?.local === true;
}
