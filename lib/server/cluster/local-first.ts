import type { BroadcastOptions, Room } from 'socket.io-adapter';
import type { SharedLog } from '../recovery/shared-log.js';
import { LOG_OFFSET, type LoggedPacket } from '../rooms/outgoing-message.js';
import { isRecoverable } from '../rooms/target.js';
import { PendingOffset } from '../transport/frame.js';
import { override, type Internals } from './adapter-internals.js';

interface Encoder {
  encode(packet: object): unknown[];
}

/**
 * A message of `ClusterAdapter` that waits for its offset in the log. `mark` is the id of {@link SharedLog.register}.
 */
interface MarkedMessage {
  readonly data?: { readonly opts?: { readonly flags?: { readonly mark?: number } } };
}

const NO_ROOMS: ReadonlySet<Room> = new Set();

/** The operations of an adapter on all sockets of a target, on every node. */
const COMMANDS = ['addSockets', 'delSockets', 'disconnectSockets'] as const;

/**
 * Makes an adapter serve this node's sockets before it publishes to the cluster. Adapters that extend `ClusterAdapter`
 * wait for their broker first. A slow broker would then delay this node's clients, and reorder messages: a broadcast to
 * a room would arrive after a later message to a single client. After the broker has responded, the adapter's own
 * delivery to this node is skipped.
 */
export function serveLocallyFirst(adapter: Internals, base: Internals, log?: SharedLog): void {
  /** Targets whose sockets on this node were served. */
  const served = new WeakSet<object>();
  /** Packets for the other nodes, which this node's sockets have received already. */
  const remotePackets = new WeakSet<object>();
  override(adapter, 'apply', (apply) => (options, callback) => {
    if (!served.has(options as object)) apply(options, callback);
  });
  const { encoder } = adapter as unknown as { encoder: Encoder };
  const encode: Encoder['encode'] = (packet) => (remotePackets.has(packet) ? [] : encoder.encode(packet));
  Reflect.set(adapter, 'encoder', { encode });
  // the adapter would append the offset to the arguments, also of packets that it may encode only later
  override(adapter, 'addOffsetIfNecessary', () => (packet, options, offset) => {
    if (log === undefined || typeof offset !== 'string' || remotePackets.has(packet as object)) return;
    const { flags } = options as BroadcastOptions;
    if (isRecoverable(packet as object, flags)) (packet as LoggedPacket)[LOG_OFFSET] = offset;
  });
  if (log !== undefined) {
    override(adapter, 'doPublish', (publish) => async (message) => {
      try {
        return await publish(message);
      } catch (error) {
        const mark = (message as MarkedMessage).data?.opts?.flags?.mark;
        // the message was not written, so the log will never return it
        if (mark !== undefined) log.settle(mark, undefined);
        throw error;
      }
    });
  }
  override(adapter, 'broadcast', (publish) => (original, options) => {
    const packet = original as LoggedPacket;
    if (isLocal(options)) return base.broadcast.call(adapter, packet, options);
    const target = options as BroadcastOptions;
    const { flags } = target;
    const isLogged = log !== undefined && isRecoverable(packet, flags);
    const pending = isLogged ? log.register({ except: NO_ROOMS, ...target }) : undefined;
    const local = isLogged
      ? { ...packet, [LOG_OFFSET]: pending?.pendingOffset ?? PendingOffset.none() }
      : packet;
    const copy = { ...packet };
    remotePackets.add(copy);
    try {
      base.broadcast.call(adapter, local, options);
    } catch (error) {
      if (pending !== undefined) log?.settle(pending.id, undefined);
      throw error;
    }
    return publish(copy, markServed(options, pending?.id ?? (isLogged ? log.nextMark() : undefined)));
  });
  for (const command of COMMANDS) {
    override(adapter, command, (publish) => (options, argument) => {
      Reflect.apply(base[command], adapter, [options, argument]);
      return isLocal(options) ? undefined : publish(markServed(options), argument);
    });
  }

  /** Returns a copy of a target for the other nodes, for which {@link Internals.apply} does nothing on this node. */
  function markServed(options: unknown, mark?: number): object {
    const { flags, ...target } = options as BroadcastOptions;
    const copy = { ...target, flags: mark === undefined ? flags : { ...flags, mark } };
    served.add(copy);
    return copy;
  }
}

function isLocal(options: unknown): boolean {
  return (options as BroadcastOptions).flags?.local === true;
}
