import type { Room } from 'socket.io-adapter';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Rooms } from './adapter-types.js';
import { isUserRoom, MAX_USER_ROOM } from '../handshake/user-name.js';

/** The reason why an operation on rooms is refused. */
export interface RoomRefusal {
  readonly why: string;
  /** The name of the exceeded limit; absent if the reason is not a limit. */
  readonly limit?: 'maxRooms' | 'maxRoomNameLength';
}

/** The part of a server that the names of its rooms depend on. */
interface RoomOwner {
  readonly _config: {
    readonly gateway: { readonly errors: { roomLimit(why: string): Error } };
    readonly limits: Pick<ConnectionLimits, 'maxRoomNameLength'>;
  };
}

/**
 * Names up to this length are allowed regardless of the limit, since clients do not choose the rooms of users and
 * sockets.
 */
const ALWAYS_ALLOWED_LENGTH = 256;

/**
 * Returns one or several rooms, each of them once; `undefined` if a name is neither a string nor a number. Names may come from
 * clients, so they may be of any type.
 */
export function roomList(rooms: Rooms): readonly Room[] | undefined {
  // no set for one room: 0.2 of the 1.6 kB of garbage that a join and a leave made
  if (!isList(rooms)) return isName(rooms) ? [rooms] : undefined;
  const set = new Set<Room>();
  for (const room of rooms) {
    if (!isName(room)) return undefined;
    set.add(room);
  }
  return [...set];
}

/**
 * Returns the rooms of a target with one or several more.
 *
 * @throws RoomLimitError on a name that is invalid or too long
 */
export function addRooms(before: ReadonlySet<Room>, rooms: Rooms, owner: RoomOwner): ReadonlySet<Room> {
  const set = new Set(before);
  for (const room of isList(rooms) ? rooms : [rooms]) {
    if (!isName(room)) throw owner._config.gateway.errors.roomLimit(INVALID_NAME.why);
    if (typeof room === 'string' && room.length > ALWAYS_ALLOWED_LENGTH) {
      const { gateway, limits } = owner._config;
      const longest = Math.max(limits.maxRoomNameLength, MAX_USER_ROOM);
      if (room.length > longest) throw gateway.errors.roomLimit(tooLong(longest));
    }
    set.add(room);
  }
  return set;
}

/**
 * Returns the rooms that the application makes sockets join or leave.
 *
 * @throws RoomLimitError like {@link addRooms}, and on the room of a user
 */
export function manageableRooms(rooms: Rooms, owner: RoomOwner): Room[] {
  const list = [...addRooms(NO_ROOMS, rooms, owner)];
  if (list.some(isUserRoom)) throw owner._config.gateway.errors.roomLimit(USER_ROOM);
  return list;
}

export const NO_ROOMS: ReadonlySet<Room> = new Set();

/**
 * Returns a key of presence as a string.
 *
 * @throws RoomLimitError on a key that is invalid or too long
 */
export function presenceKey(key: unknown, { _config: { gateway, limits } }: RoomOwner): string {
  if (!isName(key) || key === '')
    throw gateway.errors.roomLimit('the key of presence must be a text or a number');
  const text = String(key);
  if (text.length > limits.maxRoomNameLength)
    throw gateway.errors.roomLimit(
      `the key of presence must not exceed ${limits.maxRoomNameLength} characters`,
    );
  return text;
}

/** Returns why a client may not join rooms; `undefined` if it may. */
export function refuseJoin(
  rooms: readonly Room[],
  current: Pick<ReadonlySet<Room>, 'has' | 'size'> | undefined,
  { maxRooms, maxRoomNameLength }: ConnectionLimits,
): RoomRefusal | undefined {
  for (const room of rooms) {
    if (isUserRoom(room)) return { why: USER_ROOM };
    if (typeof room === 'string' && room.length > maxRoomNameLength)
      return { why: tooLong(maxRoomNameLength), limit: 'maxRoomNameLength' };
  }
  const size = current?.size ?? 0;
  // enough for most: not looked up
  if (size + rooms.length <= maxRooms) return undefined;
  const added = rooms.filter((room) => current?.has(room) !== true).length;
  if (size + added <= maxRooms) return undefined;
  return { why: `a client may be in ${maxRooms} rooms`, limit: 'maxRooms' };
}

/**
 * Returns why a client may not leave rooms; `undefined` if it may. It may leave neither the room of its id nor that of
 * its user.
 */
export function refuseLeave(
  rooms: readonly Room[],
  id: string,
  { maxRoomNameLength }: ConnectionLimits,
): RoomRefusal | undefined {
  for (const room of rooms) {
    if (isUserRoom(room)) return { why: USER_ROOM };
    if (typeof room === 'string' && room.length > Math.max(maxRoomNameLength, ALWAYS_ALLOWED_LENGTH))
      return { why: tooLong(maxRoomNameLength), limit: 'maxRoomNameLength' };
    if (room === id) return { why: "the room that has the client's id as its name belongs to the server" };
  }
  return undefined;
}

/** Refuses a value that is neither the name of a room nor a list of names. */
export const INVALID_NAME: RoomRefusal = {
  why: 'the name of a room must be a text or a number; several are a list of those',
};
const USER_ROOM = 'the rooms of users belong to the server: names that begin with "$user:"';

function tooLong(limit: number): string {
  return `the name of a room must not exceed ${limit} characters`;
}

function isList(rooms: Rooms): rooms is Iterable<Room> {
  return typeof rooms === 'object' && rooms !== null && typeof rooms[Symbol.iterator] === 'function';
}

/** Returns whether a value is the name of one room. */
export function isName(room: unknown): room is Room {
  return typeof room === 'string' || Number.isFinite(room);
}
