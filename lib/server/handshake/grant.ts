import { createHash } from 'node:crypto';
import { canonical } from '../util/canonical.js';
import { HANDSHAKE_FIELDS } from './handshake.js';
import { ANONYMOUS, dataOf, IDENTIFY_HINT, identityOf, UNNAMED, warn } from './user-identity.js';
import type { ClientWithUser, Identity } from './user-identity.js';
import { userNameOf } from './user-name.js';

/** What guards granted a client. A session can be resumed only with the same grant. */
export interface Grant {
  /** Identifies the owner of the session; `undefined` if the owner is not known: then no client can resume it. */
  readonly key: string | undefined;
  /** The key of the user alone; `undefined` without a user. */
  readonly user: string | undefined;
  /** The keys of `data` that guards wrote; `undefined` if that is all of `data`. */
  readonly keys: ReadonlySet<PropertyKey> | undefined;
}

/** The keys of a client without guards. */
const NO_KEYS: ReadonlySet<PropertyKey> = new Set();
/** How many fields every client has before its guards run. */
let fields: number | undefined;

/** Records which fields a client has before its guards run, to find later which ones they added. */
export function recordFields(client: object): void {
  fields ??= Object.keys(client).length;
}

/**
 * Returns what the guards of a client granted. Call it after they have run, at the upgrade or for `$auth`.
 *
 * @param keys the keys of `data` that they wrote; all keys by default
 */
export function grantOf(client: ClientWithUser, keys?: ReadonlySet<PropertyKey>): Grant {
  const data = dataOf(client);
  const written = keys ?? (data === undefined ? undefined : writtenIn(data));
  const identity = identityOf(client);
  if (identity === UNNAMED) return { key: undefined, user: undefined, keys: written };
  if (identity === ANONYMOUS)
    return { key: anonymousKey(client, data, written), user: undefined, keys: written };
  // a guard may set two users: client.user, and in data.user the one that it acts for
  const second = client.user === undefined || client.user === null ? undefined : userNameOf(data?.['user']);
  const isGranted = second !== undefined && (written === undefined || written.has('user'));
  return {
    key: isGranted ? `${identity.key} ${second.key}` : identity.key,
    user: identity.key,
    keys: written,
  };
}

function writtenIn(data: object): ReadonlySet<PropertyKey> {
  const written = Reflect.ownKeys(data);
  return written.length === 0 ? NO_KEYS : new Set(written);
}

/** Returns the key of a client without a user. Only what its guards wrote distinguishes it from other clients. */
function anonymousKey(
  client: ClientWithUser,
  data: object | undefined,
  written: ReadonlySet<PropertyKey> | undefined,
): string | undefined {
  const added = addedFields(client);
  if (written?.size === 0 && added.length === 0) return '';
  const granted =
    written === undefined || data === undefined
      ? (Reflect.get(client, 'data') as unknown)
      : Object.fromEntries([...written].map((key) => [key, Reflect.get(data, key) as unknown]));
  const text = canonical([granted, Object.fromEntries(added)]);
  if (text !== undefined) return `grant ${createHash('sha256').update(text).digest('base64url')}`;
  warn(
    client,
    'granted',
    'guards set no user, but a value in client.data (or on the client) that is not plain data: the client cannot ' +
      `resume its session. ${IDENTIFY_HINT}`,
  );
  return undefined;
}

/** Returns the fields that guards added to the client itself, or to its handshake. */
function addedFields(client: ClientWithUser): [string, unknown][] {
  const added: [string, unknown][] = [];
  const symbols = Object.getOwnPropertySymbols(client).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(client, key),
  );
  for (const key of [...Object.keys(client).slice(fields), ...symbols]) {
    const value: unknown = Reflect.get(client, key);
    // passport adds functions and `_sessionManager`, tracers add symbols: neither is a grant
    const isPrivate = typeof key === 'symbol' || key.startsWith('_');
    const isInternal = typeof value === 'function' || (isPrivate && canonical(value) === undefined);
    if (!isInternal && value !== undefined) added.push([String(key), value]);
  }
  for (const [key, value] of Object.entries(client._upgrade?.shownHandshake ?? NO_FIELDS).slice(
    HANDSHAKE_FIELDS,
  ))
    if (typeof value !== 'function' && value !== undefined) added.push([`handshake.${key}`, value]);
  return added;
}
const NO_FIELDS = {};

/** Returns whether a client that disconnects still has the user that its guards set. Logs a warning if not. */
export function hasGrantedUser(client: ClientWithUser, grant: Grant): boolean {
  const identity = identityOf(client);
  if (identity === UNNAMED) return false;
  const isSame = (identity === ANONYMOUS ? undefined : identity.key) === grant.user;
  if (!isSame)
    warn(
      client,
      'late',
      'client.user, or a user in client.data, was set outside the guards of the upgrade: such clients cannot resume ' +
        'their sessions, since only guards establish the owner of a session. Set the user in a guard of the gateway',
    );
  return isSame;
}

/**
 * Returns whether a client may take the identity that its guards establish for `$auth`. Its rooms and its `data` stay
 * those of the identity before, so only an anonymous client may change its identity.
 *
 * @param identity the identity before
 * @param before the grant before
 */
export function mayReauthenticate(
  client: ClientWithUser,
  identity: Identity,
  before: Grant | undefined,
  { key, user }: Grant,
): boolean {
  if (identity === UNNAMED) return false;
  if (identity !== ANONYMOUS) return identity.key === user;
  const isAnonymous = before === undefined || before.key === '' || before.key === key;
  if (isAnonymous || user !== undefined) return true;
  warn(
    client,
    'renewed',
    `guards set no user, and for $auth other values in client.data than before: $auth is refused. ${IDENTIFY_HINT}`,
  );
  return false;
}

/** Returns whether a client may resume the session that has this key. */
export function ownsSession(client: ClientWithUser, grant: Grant, key: string | undefined): boolean {
  if (grant.key === key && key !== undefined) return true;
  if (grant.key?.startsWith('grant ') === true && key?.startsWith('grant ') === true)
    warn(
      client,
      'differs',
      'guards set no user, and other values in client.data than for the connection before: the client gets a new ' +
        `session. ${IDENTIFY_HINT}`,
    );
  return false;
}
