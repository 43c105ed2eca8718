import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Untyped } from '../protocol/typed-events.js';
import { canonical } from './canonical.js';
import { HANDSHAKE_FIELDS, type Handshake } from './handshake.js';
import { givenName, isGiven, nameOf, USER_FIELDS, type UserName } from './user-name.js';

/**
 * Names a user: returns what tells the user from every other one, or `undefined` for nobody in particular.
 *
 * @param user what a guard put into `client.user`, else into `client.data.user`, `client.handshake.user` or
 * `client.request.user`; `undefined` where there is none of them, and the guards have put something else into `client.data`
 * @param client the client, with what the guards wrote on it
 */
export type Identify = (user: Untyped, client: Untyped) => string | undefined;

/** What one path knows of its users. */
export interface Identities {
  /** The option `identify`. */
  readonly identify: Identify | undefined;
  /** By what the first user was told from others. */
  style?: string;
  /** What the log was told of: once for each path, since every client would say the same. */
  readonly told: Set<string>;
}

/** A client whose user is looked for. */
export interface Identified {
  readonly user: Untyped;
  readonly _handshakeRead?: Handshake | undefined;
  readonly _requestShown?: IncomingMessage | undefined;
  readonly nsp: {
    readonly _mount: { readonly identities: Identities };
    _warn(subject: string, text: string): void;
    _report(error: unknown, where: string): void;
  };
}

/** Guards established nobody. */
export const NOBODY = Symbol('nobody');
/** Guards established somebody, and nobody can say who. */
export const UNKNOWN = Symbol('unknown');

/** Who a client is. */
export type Who = UserName | typeof NOBODY | typeof UNKNOWN;

/** Fields of `data` itself that name a user where there is no `user`: others may be anything. */
const FIELDS_OF_DATA = ['sub', 'userId', 'user_id', 'uid'];

const HOW =
  'Name the user with the option identify, on EnvelopeAdapter or on the gateway: identify: (user) => user.key';

/** Tells who a client is, by what its guards, middlewares and handlers have put into `client.user` and `client.data`. */
export function whoIs(client: Identified): Who {
  const { identities } = client.nsp._mount;
  const data = dataOf(client);
  const given: unknown = client.user ?? data?.['user'] ?? userAside(client);
  try {
    if (identities.identify !== undefined) return ask(client, identities.identify, given, data);
    if (given === undefined && !FIELDS_OF_DATA.some((field) => isGiven(data?.[field]))) return NOBODY;
    const name = given === undefined ? nameOf(data, FIELDS_OF_DATA) : nameOf(given);
    if (name !== undefined) return compare(client, name);
    warn(
      client,
      'unnamed',
      `a guard has set a user whose name is not known (client.user has none of ${USER_FIELDS.join(', ')}, or the first of ` +
        'them is neither a text nor a number): the client is in no room of a user, and cannot come back to its session. ' +
        HOW,
    );
  } catch (error) {
    client.nsp._report(error, 'the user of a client could not be read: set the option identify');
  }
  return UNKNOWN;
}

/** The same, where only somebody with a name counts. */
export function nameOfUser(client: Identified): string | undefined {
  const who = whoIs(client);
  return typeof who === 'symbol' ? undefined : who.text;
}

/** Passport writes the user on what a guard's `getRequest` returns: in Socket.IO applications the handshake or the request. */
function userAside({ _handshakeRead: handshake, _requestShown: request }: Identified): unknown {
  return (
    (handshake && (Reflect.get(handshake, 'user') as unknown)) ??
    (request && (Reflect.get(request, 'user') as unknown)) ??
    undefined
  );
}

function ask(
  client: Identified,
  identify: Identify,
  given: unknown,
  data: Readonly<Record<string, unknown>> | undefined,
): Who {
  if (given === undefined && (data === undefined || Object.keys(data).length === 0)) return NOBODY;
  let answer: unknown;
  try {
    answer = identify(given, client);
  } catch (error) {
    // a function that reads a field of the user
    if (given === undefined) return NOBODY;
    client.nsp._report(error, 'the option identify threw');
    return UNKNOWN;
  }
  const name = givenName(answer);
  if (name !== undefined) return name;
  if (answer === undefined && given === undefined) return NOBODY;
  if (answer === undefined)
    warn(
      client,
      'unnamed',
      'the option identify returned undefined for a user: the client is in no room of a user, and cannot come back to its session',
    );
  else
    client.nsp._report(
      new TypeError(
        `identify returned ${typeof answer === 'string' ? `a text of ${answer.length} characters` : kindOf(answer)}: ` +
          'it takes a function that returns a text of 1 to 1,000 characters, or undefined',
      ),
      'the option identify named no user',
    );
  return UNKNOWN;
}

/** Users of one path are told apart by one field: `user(1)` is the room of the user with `sub: 1` and of that with `id: 1`. */
function compare(client: Identified, name: UserName): UserName {
  const { identities } = client.nsp._mount;
  identities.style ??= name.style;
  if (identities.style !== name.style)
    warn(
      client,
      'styles',
      `users are named by ${show(identities.style)} and by ${show(name.style)}: user(…) and disconnectUser(…) cannot tell ` +
        `two users of one name apart. ${HOW}`,
    );
  return name;
}

function show(style: string): string {
  const [field, ...scopes] = JSON.parse(style) as string[];
  const within = scopes.filter((_, index) => index % 2 === 0).join(', ');
  return (field === '' ? 'themselves' : field!) + (within === '' ? '' : ` within ${within}`);
}

function kindOf(value: unknown): string {
  if (value instanceof Promise) return 'a promise';
  return value === null ? 'null' : typeof value === 'number' ? String(value) : typeof value;
}

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

/** `client.data`, where it is an object. */
export function dataOf(client: object): Record<string, unknown> | undefined {
  const data: unknown = Reflect.get(client, 'data');
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : undefined;
}

function warn(client: Identified, about: string, text: string): void {
  const { told } = client.nsp._mount.identities;
  if (told.has(about)) return;
  told.add(about);
  client.nsp._warn('identify', text);
}
