import type { Untyped } from '../../protocol/typed-events.js';
import { canonical, databaseId, isPlain } from '../util/canonical.js';

/** The fields that name a user, the first one that has a value wins. */
export const USER_FIELDS = [
  'sub',
  'id',
  'userId',
  'user_id',
  '_id',
  'uid',
  'uuid',
  'username',
  'email',
] as const;
/** Where a user of the same name is another user. */
const SCOPES = ['iss', 'tenant', 'tenantId', 'tenant_id', 'tid', 'realm'] as const;
/** Clients choose names of rooms in many gateways: no client joins or leaves a room by a name with this prefix. */
const USER_ROOM = '$user:';
/** Characters of a user's name: it becomes the name of a room. */
const MAX_NAME = 1_000;
/** Characters of the longest name of a user's room. */
export const MAX_USER_ROOM = USER_ROOM.length + MAX_NAME;

/** What a user is called. */
export interface UserName {
  /** The name in {@link user}, and the key of presence. */
  readonly text: string;
  /** What tells the user from every other one: the field and the type of the name count, and the issuer or tenant. */
  readonly key: string;
  /** By what users are told apart: the field, and the issuer or tenant. */
  readonly style: string;
}

/**
 * The room of all connections of one user, on every node: `server.to(user(42)).emit(…)`. A client joins the room of its
 * user by itself when a guard has set `client.user` (or `client.data.user`). `42` and `'42'` name the same room.
 *
 * @param id the user's name: what the option `identify` returns. Without that option it is the first of `sub`, `id`,
 * `userId`, `user_id`, `_id`, `uid`, `uuid`, `username` and `email` that `client.user` has, or `client.user` itself if
 * that is a text or a number. An `ObjectId`, or an object with a `toString` of its own, counts as its text.
 * @throws TypeError on a value that names nobody: `undefined`, `null`, an empty text, `NaN`, a list, a whole user
 */
export function user(id: Untyped): string {
  const text = identifierText(id);
  if (text !== undefined) return USER_ROOM + text;
  throw new TypeError(
    `user(${describe(id)}): takes what names the user, a non-empty text of at most ${MAX_NAME} characters or a number: user(client.user.id)`,
  );
}

/** Whether the room is one that {@link user} names. */
export function isUserRoom(room: unknown): boolean {
  return typeof room === 'string' && room.startsWith(USER_ROOM);
}

/** The name that the option `identify` gave. @returns `undefined` where it is none */
export function givenName(text: unknown): UserName | undefined {
  if (typeof text !== 'string' || identifierText(text) === undefined) return undefined;
  return { text, key: `user ${JSON.stringify(['identify', text])}`, style: 'identify' };
}

/** What a user is called who has no option `identify`. @returns `undefined` where nobody can tell */
export function nameOf(given: unknown, fields: readonly string[] = USER_FIELDS): UserName | undefined {
  if (typeof given !== 'object' || given === null || databaseId(given) !== undefined)
    return nameBy('', given, undefined);
  if (Array.isArray(given)) return undefined;
  const field = fields.find((name) => isGiven(Reflect.get(given, name)));
  return field === undefined ? undefined : nameBy(field, Reflect.get(given, field), given);
}

/** Whether a field says anything. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function nameBy(field: string, value: unknown, owner: object | undefined): UserName | undefined {
  const text = identifierText(value);
  if (text === undefined) return undefined;
  const scopes: string[] = [];
  for (const name of owner === undefined ? [] : SCOPES) {
    const scope: unknown = Reflect.get(owner!, name);
    if (!isGiven(scope)) continue;
    const scopeText = canonical(scope);
    if (scopeText === undefined) return undefined;
    scopes.push(name, scopeText);
  }
  return {
    text,
    key: `user ${JSON.stringify([field, typeof value, text, ...scopes])}`,
    style: JSON.stringify([field, ...scopes]),
  };
}

/** @returns `undefined` where two different identifiers could get the same text, or where the text is no name */
function identifierText(value: unknown): string | undefined {
  const text = toText(value);
  // a lossy text, of bytes that are no UTF-8, would be that of other bytes, too
  if (text === undefined || text === '' || text.length > MAX_NAME || text.includes('\ufffd'))
    return undefined;
  return text;
}

function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const id = databaseId(value);
  if (id !== undefined) return id;
  // a whole user, or an identifier in two parts: the field alone would drop the other part
  if (USER_FIELDS.some((field) => isGiven(Reflect.get(value, field)))) return undefined;
  if (!isPlain(value)) return ownText(value);
  return Object.keys(value).length > 0 ? canonical(value) : undefined;
}

/** What an identifier's own `toString` says; dates and errors say less than they are. */
function ownText(value: object): string | undefined {
  const { toString } = value as { toString?: unknown };
  if (typeof toString !== 'function' || value instanceof Date || value instanceof Error) return undefined;
  if (toString === Object.prototype.toString) return undefined;
  const text: unknown = Reflect.apply(toString, value, []);
  return typeof text === 'string' && !text.startsWith('[object ') ? text : undefined;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value)
    ? 'a list'
    : `an object with ${Object.keys(value).slice(0, 8).join(', ') || 'no fields'}`;
}
