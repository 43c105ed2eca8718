import type { BroadcastOptions, Room } from 'socket.io-adapter';
import { withFlag } from '../recovery/missed-packets.js';
import type { SharedLog } from '../recovery/shared-log.js';
import { isRecoverable } from '../rooms/target.js';
import { override, type Internals } from './adapter-internals.js';

interface Packet {
  data: unknown[];
}

interface Encoder {
  encode(packet: object): unknown[];
}

/** A message of `ClusterAdapter`'s that waits for its place in the log. */
interface Marked {
  readonly data?: { readonly opts?: { readonly flags?: { readonly mark?: number } } };
}

const NOBODY: ReadonlySet<Room> = new Set();

/** What an adapter does to all sockets of a target, on every node. */
const COMMANDS = ['addSockets', 'delSockets', 'disconnectSockets'] as const;

/**
 * Serves this node's sockets before the cluster is told. Adapters that stand on `ClusterAdapter` wait for their broker
 * first: a slow one would make this node's clients wait, and put a room's message behind a later one to a single
 * client. The adapter's own pass over this node's sockets, when the broker has answered, is left out.
 */
export function serveLocallyFirst(adapter: Internals, base: Internals, feed?: SharedLog): void {
  /** Targets whose sockets of this node were served. */
  const served = new WeakSet<object>();
  /** Packets for the other nodes: this node's sockets have had theirs. */
  const posted = new WeakSet<object>();
  override(adapter, 'apply', (apply) => (options, callback) => {
    if (!served.has(options as object)) apply(options, callback);
  });
  const { encoder } = adapter as unknown as { encoder: Encoder };
  const encode: Encoder['encode'] = (packet) => (posted.has(packet) ? [] : encoder.encode(packet));
  Reflect.set(adapter, 'encoder', { encode });
  // an adapter may still have to encode it
  override(adapter, 'addOffsetIfNecessary', (add) => (packet, ...rest) => {
    if (!posted.has(packet as object)) add(packet, ...rest);
  });
  if (feed !== undefined) {
    override(adapter, 'doPublish', (publish) => async (message) => {
      try {
        return await publish(message);
      } catch (error) {
        const mark = (message as Marked).data?.opts?.flags?.mark;
        // it will never be read back
        if (mark !== undefined) feed.settle(mark, undefined);
        throw error;
      }
    });
  }
  override(adapter, 'broadcast', (publish) => (given, options) => {
    const packet = given as Packet;
    if (isLocal(options)) return base.broadcast.call(adapter, packet, options);
    const target = options as BroadcastOptions;
    const { flags } = target;
    const expected = isRecoverable(packet, flags) ? feed?.register({ except: NOBODY, ...target }) : undefined;
    const local = expected === undefined ? packet : { ...packet, place: expected.placement };
    const copy = feed === undefined ? { ...packet } : marked(packet, flags);
    posted.add(copy);
    try {
      base.broadcast.call(adapter, local, options);
    } catch (error) {
      if (expected !== undefined) feed?.settle(expected.id, undefined);
      throw error;
    }
    return publish(copy, markServed(options, expected?.id));
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
    data: withFlag(packet.data, flags?.volatile === true, Object.hasOwn(packet, 'bare')),
  };
}

function isLocal(options: unknown): boolean {
  return (options as BroadcastOptions).flags?.local === true;
}
