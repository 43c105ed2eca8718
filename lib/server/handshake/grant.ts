import { createHash } from 'node:crypto';
import { canonical } from '../util/canonical.js';
import { HANDSHAKE_FIELDS } from './handshake.js';
import { dataOf, HOW, NOBODY, UNKNOWN, warn, whoIs, type Identified, type Who } from './user-identity.js';
import { nameOf } from './user-name.js';

/** What guards granted a client: what it may come back to is bound to that. */
export interface Grant {
  /** Whose session it is; `undefined`: nobody can say, and nobody comes back to it. */
  readonly key: string | undefined;
  /** Of the user alone. */
  readonly user: string | undefined;
  /** The keys of `data` that guards wrote; `undefined`: all of it. */
  readonly keys: ReadonlySet<PropertyKey> | undefined;
}

/** Of a client without guards. */
const NOTHING: ReadonlySet<PropertyKey> = new Set();
let fields: number | undefined;

/** Looks at a client before its guards run: what it has of its own then is not theirs. */
export function beforeGuards(client: object): void {
  fields ??= Object.keys(client).length;
}

/**
 * Looks at a client after its guards have run at the upgrade, or for `$auth`.
 *
 * @param keys what they wrote of `data`; by default all that there is
 */
export function grantOf(client: Identified, keys?: ReadonlySet<PropertyKey>): Grant {
  const data = dataOf(client);
  const written = keys ?? (data === undefined ? undefined : writtenIn(data));
  const who = whoIs(client);
  if (who === UNKNOWN) return { key: undefined, user: undefined, keys: written };
  if (who === NOBODY) return { key: keyOfGrant(client, data, written), user: undefined, keys: written };
  // a guard may set both: who it is, and for whom it acts
  const also = client.user === undefined || client.user === null ? undefined : nameOf(data?.['user']);
  const isTold = also !== undefined && (written === undefined || written.has('user'));
  return { key: isTold ? `${who.key} ${also.key}` : who.key, user: who.key, keys: written };
}

function writtenIn(data: object): ReadonlySet<PropertyKey> {
  const written = Reflect.ownKeys(data);
  return written.length === 0 ? NOTHING : new Set(written);
}

/** Without a user, what the guards wrote is all that tells clients apart. */
function keyOfGrant(
  client: Identified,
  data: object | undefined,
  written: ReadonlySet<PropertyKey> | undefined,
): string | undefined {
  const own = ownFields(client);
  if (written?.size === 0 && own.length === 0) return '';
  const granted =
    written === undefined || data === undefined
      ? (Reflect.get(client, 'data') as unknown)
      : Object.fromEntries([...written].map((key) => [key, Reflect.get(data, key) as unknown]));
  const text = canonical([granted, Object.fromEntries(own)]);
  if (text !== undefined) return `grant ${createHash('sha256').update(text).digest('base64url')}`;
  warn(
    client,
    'granted',
    'guards have put something into client.data (or on the client) that is no plain data, and no user: the client cannot ' +
      `come back to its session. ${HOW}`,
  );
  return undefined;
}

/** What guards have put on the client itself. */
function ownFields(client: Identified): [string, unknown][] {
  const own: [string, unknown][] = [];
  const symbols = Object.getOwnPropertySymbols(client).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(client, key),
  );
  for (const key of [...Object.keys(client).slice(fields), ...symbols]) {
    const value: unknown = Reflect.get(client, key);
    // passport leaves functions, and `_sessionManager`; tracers leave what they need under symbols
    const isPrivate = typeof key === 'symbol' || key.startsWith('_');
    const isTool = typeof value === 'function' || (isPrivate && canonical(value) === undefined);
    if (!isTool && value !== undefined) own.push([String(key), value]);
  }
  for (const [key, value] of Object.entries(client._handshakeRead ?? NO_FIELDS).slice(HANDSHAKE_FIELDS))
    if (typeof value !== 'function' && value !== undefined) own.push([`handshake.${key}`, value]);
  return own;
}
const NO_FIELDS = {};

/** Whether a client that leaves is who its guards said that it is. */
export function isStillItself(client: Identified, grant: Grant): boolean {
  const who = whoIs(client);
  if (who === UNKNOWN) return false;
  const isSame = (who === NOBODY ? undefined : who.key) === grant.user;
  if (!isSame)
    warn(
      client,
      'late',
      'client.user, or a user in client.data, was set outside the guards of the upgrade: such clients cannot come back to ' +
        'their sessions, since guards alone say whose they are. Set it in a guard of the gateway',
    );
  return isSame;
}

/**
 * Whether a client may be in place what its guards say now, for `$auth`: its rooms and `data` are those of who it was. One
 * who was nobody may become somebody; nobody else may change.
 *
 * @param who who it was
 * @param before what its guards had granted then
 */
export function mayBecome(
  client: Identified,
  who: Who,
  before: Grant | undefined,
  { key, user }: Grant,
): boolean {
  if (who === UNKNOWN) return false;
  if (who !== NOBODY) return who.key === user;
  const isAnonymous = before === undefined || before.key === '' || before.key === key;
  if (isAnonymous || user !== undefined) return true;
  warn(
    client,
    'renewed',
    `guards have put other things into client.data for $auth than before, and no user: it is refused. ${HOW}`,
  );
  return false;
}

/** Whether a session may be given to a client. */
export function mayHave(client: Identified, grant: Grant, key: string | undefined): boolean {
  if (grant.key === key && key !== undefined) return true;
  if (grant.key?.startsWith('grant ') === true && key?.startsWith('grant ') === true)
    warn(
      client,
      'differs',
      'guards have put other things into client.data than when the client was here before, and no user: it gets a new ' +
        `session. ${HOW}`,
    );
  return false;
}
