import type { Room } from 'socket.io-adapter';
import { isUserRoom } from './user-name.js';
import type { ConnectionLimits } from './limits.js';

/** Why a client may not join. */
export interface JoinRefusal {
  readonly why: string;
  /** The limit's name, where it is one. */
  readonly limit?: 'maxRooms' | 'maxRoomNameLength';
}

/** Tells why a client may not join, where it may not. */
export function checkJoin(
  rooms: ReadonlySet<Room>,
  current: ReadonlySet<Room> | undefined,
  { maxRooms, maxRoomNameLength }: ConnectionLimits,
): JoinRefusal | undefined {
  let added = 0;
  for (const room of rooms) {
    if (isUserRoom(room)) return { why: `the rooms of users are the server's: ${String(room).slice(0, 40)}` };
    // names come from clients, and may be anything
    if (typeof room === 'string' && room.length > maxRoomNameLength)
      return {
        why: `the name of a room must not exceed ${maxRoomNameLength} characters`,
        limit: 'maxRoomNameLength',
      };
    if (current?.has(room) !== true) added++;
  }
  if ((current?.size ?? 0) + added <= maxRooms) return undefined;
  return { why: `a client may be in ${maxRooms} rooms`, limit: 'maxRooms' };
}
