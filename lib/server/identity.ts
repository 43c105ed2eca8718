import type { Untyped } from '../protocol/typed-events.js';

const IDENTIFIERS = ['sub', 'id', 'userId', '_id', 'username', 'email'];
/** Rooms that nobody joins by name: clients choose names of rooms in many gateways. */
const USER_ROOM = '$user:';

/** Who a client is, where its guards said it. */
export interface Known {
  readonly user: unknown;
  readonly data: unknown;
}

/** `data` is the application's own field of a socket, under the class that says `user`. */
export function knownOf(client: { readonly user: Untyped }): Known {
  return { user: client.user, data: Reflect.get(client, 'data') };
}

/**
 * The room of all connections of one user, on every node: `server.to(user(42)).emit(…)`. Clients are in it by
 * themselves, as soon as a guard has established `client.user` (or `client.data.user`).
 *
 * @param id the user's: the first of `sub`, `id`, `userId`, `_id`, `username` and `email` that `client.user` has, or
 * `client.user` itself where that is a text or a number
 */
export function user(id: Untyped): string {
  return USER_ROOM + textOf(id);
}

/** Whether the room is one that {@link user} names. */
export function isUserRoom(room: unknown): boolean {
  return typeof room === 'string' && room.startsWith(USER_ROOM);
}

/** What a client's user is called; `undefined`: it is nobody in particular. */
export function userNameOf(client: Known): string | undefined {
  return (nameOf(client.user) ?? nameOf(userIn(client.data)))?.text;
}

/** What tells one user from another; `undefined`: nobody in particular. */
export function identify(given: unknown): string | undefined {
  const named = nameOf(given);
  return named === undefined ? undefined : `${named.field} ${named.text}`;
}

/** The same of a client. */
export function identityOf(client: Known): string | undefined {
  return identify(client.user) ?? identify(userIn(client.data));
}

function userIn(data: unknown): unknown {
  return typeof data === 'object' && data !== null ? Reflect.get(data, 'user') : undefined;
}

/** A text or a number names itself, of an object the first field that does. */
function nameOf(given: unknown): { field: string; text: string } | undefined {
  if (typeof given === 'string' || typeof given === 'number') return { field: '', text: String(given) };
  if (typeof given !== 'object' || given === null) return undefined;
  const field = IDENTIFIERS.find((name) => isKnown(Reflect.get(given, name)));
  return field === undefined ? undefined : { field, text: textOf(Reflect.get(given, field)) };
}

/** Databases have identifiers that are objects; String() would make the same of all that say nothing of their own. */
function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isKnown(value: unknown): boolean {
  return value !== undefined && value !== null;
}
