import type { Untyped } from '../../protocol/typed-events.js';
import { canonical, databaseId, isPlain } from '../util/canonical.js';
import { withCode } from '../../protocol/with-code.js';

/** The fields that name a user. The first one that has a value counts. */
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
/** Fields that separate users of the same name: another issuer or tenant has another user. */
const SCOPES = ['iss', 'tenant', 'tenantId', 'tenant_id', 'tid', 'realm'] as const;
/**
 * The prefix of a user's room. In many gateways clients choose the rooms that they join, so `join` and `leave` refuse
 * this prefix.
 */
const USER_ROOM = '$user:';
/** The maximum number of characters of a user's name, which is part of a room's name. */
const MAX_NAME = 1_000;
/** The maximum number of characters of the name of a user's room. */
export const MAX_USER_ROOM = USER_ROOM.length + MAX_NAME;

/** The name of a user. */
export interface UserName {
  /** The name in {@link user}, and the key of presence. */
  readonly text: string;
  /** Unique to the user: contains the field and the type of the name, and the issuer or tenant. */
  readonly key: string;
  /**
   * The fields that the name comes from, as JSON: the name's field, and those of the issuer or tenant with their
   * values.
   */
  readonly namedBy: string;
}

/**
 * Returns the room of all connections of one user, on every node: `server.to(user(42)).emit(…)`. A client joins the
 * room of its user automatically if a guard sets `client.user` (or `client.data.user`). `42` and `'42'` name the same
 * room.
 *
 * @param id the user's name: what the option `identify` returns. Without that option it is the first of `sub`, `id`,
 * `userId`, `user_id`, `_id`, `uid`, `uuid`, `username` and `email` that `client.user` has, or `client.user` itself if
 * that is a text or a number. An `ObjectId`, or an object that overrides `toString`, counts as its text.
 * @throws TypeError on a value that is not a name: `undefined`, `null`, an empty text, `NaN`, a list, a whole user
 * @example
 * server.to(user(42)).emit('paid', invoice);
 */
export function user(id: Untyped): string {
  return USER_ROOM + userText(id);
}

/** Returns the name of a user as a text. @throws TypeError on a value that is not a name, see {@link user} */
export function userText(id: Untyped): string {
  const text = identifierText(id);
  if (text !== undefined) return text;
  throw withCode(
    'ERR_ENVELOPE_INVALID_ARGUMENT',
    new TypeError(
      `user(${describe(id)}): takes the name of a user, a non-empty text of at most ${MAX_NAME} characters or a number: user(client.user.id)`,
    ),
  );
}

/** Returns whether a room is the room of a user, as {@link user} names it. */
export function isUserRoom(room: unknown): boolean {
  return typeof room === 'string' && room.startsWith(USER_ROOM);
}

/** Returns the user name for a result of the option `identify`; `undefined` if the result is not a valid name. */
export function nameFromIdentify(text: unknown): UserName | undefined {
  if (typeof text !== 'string' || identifierText(text) === undefined) return undefined;
  return { text, key: `user ${JSON.stringify(['identify', text])}`, namedBy: 'identify' };
}

/**
 * Returns the name of a user without the option `identify`; `undefined` if no field names the user.
 *
 * @param given the user, or its name
 */
export function userNameOf(given: unknown, fields: readonly string[] = USER_FIELDS): UserName | undefined {
  if (typeof given !== 'object' || given === null || databaseId(given) !== undefined)
    return nameBy('', given, undefined);
  if (Array.isArray(given)) return undefined;
  const field = fields.find((name) => hasValue(Reflect.get(given, name)));
  return field === undefined ? undefined : nameBy(field, Reflect.get(given, field), given);
}

/** Returns whether a field has a value: neither `undefined`, `null` nor an empty text. */
export function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function nameBy(field: string, value: unknown, owner: object | undefined): UserName | undefined {
  const text = identifierText(value);
  if (text === undefined) return undefined;
  const scopes: string[] = [];
  for (const name of owner === undefined ? [] : SCOPES) {
    const scope: unknown = Reflect.get(owner!, name);
    if (!hasValue(scope)) continue;
    const scopeText = canonical(scope);
    if (scopeText === undefined) return undefined;
    scopes.push(name, scopeText);
  }
  return {
    text,
    key: `user ${JSON.stringify([field, typeof value, text, ...scopes])}`,
    namedBy: JSON.stringify([field, ...scopes]),
  };
}

/**
 * Returns the text of an identifier; `undefined` if it is not a valid name, or another identifier could have the same
 * text.
 */
function identifierText(value: unknown): string | undefined {
  const text = toText(value);
  // bytes that are not UTF-8 decode to U+FFFD, so other bytes could have the same text
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
  // a whole user, or an identifier of two parts: one field alone would lose the other part
  if (USER_FIELDS.some((field) => hasValue(Reflect.get(value, field)))) return undefined;
  if (!isPlain(value)) return customText(value);
  return Object.keys(value).length > 0 ? canonical(value) : undefined;
}

/**
 * Returns the result of an identifier's `toString`, if its class overrides that. Texts of dates and errors are not
 * unique.
 */
function customText(value: object): string | undefined {
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
