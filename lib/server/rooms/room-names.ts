import type { Room } from 'socket.io-adapter';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Rooms } from './adapter-types.js';
import { isUserRoom, MAX_USER_ROOM } from '../handshake/user-name.js';

/** Why an operation on rooms is refused. */
export interface RoomRefusal {
  readonly why: string;
  /** The limit's name, where it is one. */
  readonly limit?: 'maxRooms' | 'maxRoomNameLength';
}

/** What of a server the names of rooms depend on. */
interface Owner {
  readonly _mount: {
    readonly failures: { roomLimit(why: string): Error };
    readonly limits: Pick<ConnectionLimits, 'maxRoomNameLength'>;
  };
}

/** Names up to that length are all right whatever the limit: those of users and of sockets are not clients' choice. */
const ALWAYS_SHORT = 256;

/** @returns `undefined` where the rooms are no text, no number and no list of those; names come from clients, and may be anything */
export function roomSet(rooms: Rooms): ReadonlySet<Room> | undefined {
  const set = new Set<Room>();
  if (!isList(rooms)) return isName(rooms) ? set.add(rooms) : undefined;
  for (const room of rooms) {
    if (!isName(room)) return undefined;
    set.add(room);
  }
  return set;
}

/**
 * The rooms of a target, and more.
 *
 * @throws RoomLimitError on what is no name of a room, or too long for one
 */
export function withRooms(before: ReadonlySet<Room>, rooms: Rooms, owner: Owner): ReadonlySet<Room> {
  const set = new Set(before);
  for (const room of isList(rooms) ? rooms : [rooms]) {
    if (!isName(room)) throw owner._mount.failures.roomLimit(NO_NAME.why);
    if (typeof room === 'string' && room.length > ALWAYS_SHORT) {
      const { failures, limits } = owner._mount;
      const longest = Math.max(limits.maxRoomNameLength, MAX_USER_ROOM);
      if (room.length > longest) throw failures.roomLimit(tooLong(longest));
    }
    set.add(room);
  }
  return set;
}

/**
 * The same, of rooms that sockets are to join or to leave.
 *
 * @throws RoomLimitError also on the room of a user
 */
export function openRooms(rooms: Rooms, owner: Owner): Room[] {
  const list = [...withRooms(NO_ROOMS, rooms, owner)];
  if (list.some(isUserRoom)) throw owner._mount.failures.roomLimit(USERS);
  return list;
}

export const NO_ROOMS: ReadonlySet<Room> = new Set();

/**
 * The key of presence, as a text.
 *
 * @throws RoomLimitError on what is no key, or too long for one
 */
export function keyText(key: unknown, { _mount: { failures, limits } }: Owner): string {
  if (!isName(key) || key === '') throw failures.roomLimit('the key of presence must be a text or a number');
  const text = String(key);
  if (text.length > limits.maxRoomNameLength)
    throw failures.roomLimit(`the key of presence must not exceed ${limits.maxRoomNameLength} characters`);
  return text;
}

/** Tells why a client may not join, where it may not. */
export function checkJoin(
  rooms: ReadonlySet<Room>,
  current: ReadonlySet<Room> | undefined,
  { maxRooms, maxRoomNameLength }: ConnectionLimits,
): RoomRefusal | undefined {
  let added = 0;
  for (const room of rooms) {
    if (isUserRoom(room)) return { why: USERS };
    if (typeof room === 'string' && room.length > maxRoomNameLength)
      return { why: tooLong(maxRoomNameLength), limit: 'maxRoomNameLength' };
    if (current?.has(room) !== true) added++;
  }
  if ((current?.size ?? 0) + added <= maxRooms) return undefined;
  return { why: `a client may be in ${maxRooms} rooms`, limit: 'maxRooms' };
}

/** Tells why a client may not leave, where it may not: not its own room, nor that of its user. */
export function checkLeave(
  rooms: ReadonlySet<Room>,
  id: string,
  { maxRoomNameLength }: ConnectionLimits,
): RoomRefusal | undefined {
  for (const room of rooms) {
    if (isUserRoom(room)) return { why: USERS };
    if (typeof room === 'string' && room.length > Math.max(maxRoomNameLength, ALWAYS_SHORT))
      return { why: tooLong(maxRoomNameLength), limit: 'maxRoomNameLength' };
    if (room === id)
      return { why: "a client's own room, which has its id for a name, belongs to the server" };
  }
  return undefined;
}

/** Of what is no name of a room, and no list of names. */
export const NO_NAME: RoomRefusal = {
  why: 'the name of a room must be a text or a number; several are a list of those',
};
const USERS = 'the rooms of users belong to the server: names that begin with "$user:"';

function tooLong(limit: number): string {
  return `the name of a room must not exceed ${limit} characters`;
}

function isList(rooms: Rooms): rooms is Iterable<Room> {
  return typeof rooms === 'object' && rooms !== null && typeof rooms[Symbol.iterator] === 'function';
}

function isName(room: unknown): room is Room {
  return typeof room === 'string' || Number.isFinite(room);
}
