import type { BroadcastOptions, Room } from 'socket.io-adapter';

/** Calls back with each socket of a target on this node: the method `apply` of Socket.IO's in-memory adapter. */
export type ForEachSocket = (options: BroadcastOptions, callback: (socket: unknown) => void) => void;

interface Broadcast {
  readonly packet?: { readonly data?: unknown } | null;
  readonly opts?: unknown;
}

/**
 * Checks the target of a message from another node. Adapters would send a message with a damaged target, one without
 * rooms, to all clients.
 *
 * @throws TypeError if the target has no lists of rooms
 */
export function checkTarget(target: unknown): void {
  const { rooms, except } = Object(target) as { rooms?: unknown; except?: unknown };
  if (!Array.isArray(rooms) || !Array.isArray(except)) throw new TypeError('a message has no target');
}

/**
 * Checks a broadcast in the format of Socket.IO's `ClusterAdapter`.
 *
 * @throws TypeError if it has no target or no event
 */
export function checkBroadcast(data: unknown): void {
  const { packet, opts } = Object(data) as Broadcast;
  checkTarget(opts);
  if (!Array.isArray(packet?.data) || typeof packet.data[0] !== 'string')
    throw new TypeError('a message has no event');
}

/**
 * The event name of a packet that revokes the sessions of disconnected clients in its target, because the server
 * disconnected them or made them leave a room. The packet is stored in the log like any other, and never sent to
 * clients.
 */
export const REVOKED = '$revoked';

/**
 * Returns whether a packet is stored for disconnected clients. Like Socket.IO, the log stores neither requests nor
 * volatile packets.
 */
export function isRecoverable(
  packet: object,
  flags: { readonly volatile?: boolean | undefined } | undefined,
): boolean {
  return !Object.hasOwn(packet, 'id') && flags?.volatile !== true;
}

/** Returns whether a target includes a client that is in these rooms. */
export function isInTarget(
  rooms: Iterable<Room>,
  target: { rooms: ReadonlySet<Room>; except: ReadonlySet<Room> },
): boolean {
  let isIncluded = target.rooms.size === 0;
  for (const room of rooms) {
    if (target.except.has(room)) return false;
    isIncluded ||= target.rooms.has(room);
  }
  return isIncluded;
}
