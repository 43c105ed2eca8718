import type { Room } from 'socket.io-adapter';

interface Broadcast {
  readonly packet?: { readonly data?: unknown } | null;
  readonly opts?: unknown;
}

/**
 * Adapters would take a damaged target, one without rooms, for everybody.
 *
 * @throws TypeError
 */
export function checkTarget(target: unknown): void {
  const { rooms, except } = Object(target) as { rooms?: unknown; except?: unknown };
  if (!Array.isArray(rooms) || !Array.isArray(except)) throw new TypeError('a message has no target');
}

/**
 * What `ClusterAdapter` has of a broadcast.
 *
 * @throws TypeError
 */
export function checkBroadcast(data: unknown): void {
  const { packet, opts } = Object(data) as Broadcast;
  checkTarget(opts);
  if (!Array.isArray(packet?.data) || typeof packet.data[0] !== 'string')
    throw new TypeError('a message has no event');
}

/**
 * The name of a packet that ends the sessions of those who are away, among what they missed: they were disconnected,
 * or put out of a room. It goes through the log as every other does, and never over the wire.
 */
export const REVOKED = '$revoked';

/** Whether a packet is kept for those who are away: Socket.IO keeps neither requests nor volatile ones. */
export function isKept(
  packet: object,
  flags: { readonly volatile?: boolean | undefined } | undefined,
): boolean {
  return !Object.hasOwn(packet, 'id') && flags?.volatile !== true;
}

/** Whether a packet was meant for a client that was in these rooms. */
export function isMeantFor(
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
