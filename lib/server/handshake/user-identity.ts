import type { Untyped } from '../../protocol/typed-events.js';
import type { UpgradeRequest } from './upgrade-request.js';
import { isFirstCall } from '../util/first-call.js';
import { hasValue, nameFromIdentify, USER_FIELDS, userNameOf, type UserName } from './user-name.js';
import { withCode } from '../../protocol/with-code.js';

/**
 * Names a user: returns a text that is unique to the user, or `undefined` for an anonymous client.
 *
 * @param user the user that a guard set as `client.user`, else as `client.data.user`, `client.handshake.user` or
 * `client.request.user`; `undefined` if guards set none of these, but another value in `client.data`
 * @param client the client, with everything that guards set on it
 */
type Identify = (user: Untyped, client: Untyped) => string | undefined;

/** How the users of one path are named. */
export interface Identities {
  /** The option `identify`. */
  readonly identify: Identify | undefined;
  /** The fields that named the first user: see {@link UserName.namedBy}. */
  namedBy?: string;
}

/** The part of a client that its user is read from. */
export interface ClientWithUser {
  readonly user: Untyped;
  /** @internal */
  readonly _ownData?: unknown;
  /** @internal */
  readonly _upgrade?: Pick<UpgradeRequest, 'shownHandshake' | 'shownMessage'> | undefined;
  /** @internal */
  readonly nsp: {
    readonly _config: { readonly services: { readonly identities: Identities } };
    _warn(subject: string, text: string): void;
    _report(error: unknown, where: string): void;
  };
}

/** In the place of the `data` of a client, until code asks for it: most clients of most gateways have none. */
export const UNREAD: unique symbol = Symbol('unread');
/** The identity of a client without a user. */
export const ANONYMOUS = Symbol('anonymous');
/** The identity of a client whose guards set a user that cannot be named. */
export const UNNAMED = Symbol('unnamed');

/** The user of a client, if it has one. */
export type Identity = UserName | typeof ANONYMOUS | typeof UNNAMED;

/** Fields of `data` itself that name a user if `data.user` is absent. Other fields may have any meaning. */
const FIELDS_OF_DATA = ['sub', 'userId', 'user_id', 'uid'];

/** The last sentence of warnings about a user that cannot be named: the fix. */
export const IDENTIFY_HINT =
  'Name the user with the option identify of EnvelopeAdapter or of the gateway: identify: (user) => user.key';

/**
 * Returns the identity of a client, from what its guards, middlewares and handlers set as `client.user` and in
 * `client.data`.
 */
export function identityOf(client: ClientWithUser): Identity {
  const { identities } = client.nsp._config.services;
  // a look would make it
  const data = client._ownData === UNREAD ? undefined : dataOf(client);
  const given: unknown = client.user ?? data?.['user'] ?? passportUser(client);
  try {
    if (identities.identify !== undefined) return callIdentify(client, identities.identify, given, data);
    if (given === undefined && !FIELDS_OF_DATA.some((field) => hasValue(data?.[field]))) return ANONYMOUS;
    const name = given === undefined ? userNameOf(data, FIELDS_OF_DATA) : userNameOf(given);
    if (name !== undefined) return checkNamedBy(client, name);
    warn(
      client,
      'unnamed',
      `a guard set a user that has no known name (client.user has none of ${USER_FIELDS.join(', ')}, or the first of ` +
        'them is neither a text nor a number): the client does not join the room of its user, and cannot resume its session. ' +
        IDENTIFY_HINT,
    );
  } catch (error) {
    client.nsp._report(error, 'the user of a client could not be read: set the option identify');
  }
  return UNNAMED;
}

/** Returns the name of a client's user; `undefined` if the client has no user, or one that cannot be named. */
export function nameOfUser(client: ClientWithUser): string | undefined {
  const identity = identityOf(client);
  return typeof identity === 'symbol' ? undefined : identity.text;
}

/**
 * Passport sets the user on what a guard's `getRequest` returns: in Socket.IO applications the handshake or the
 * request.
 */
function passportUser({ _upgrade: upgrade }: ClientWithUser): unknown {
  const handshake = upgrade?.shownHandshake;
  const request = upgrade?.shownMessage;
  return (
    (handshake && (Reflect.get(handshake, 'user') as unknown)) ??
    (request && (Reflect.get(request, 'user') as unknown)) ??
    undefined
  );
}

function callIdentify(
  client: ClientWithUser,
  identify: Identify,
  given: unknown,
  data: Readonly<Record<string, unknown>> | undefined,
): Identity {
  if (given === undefined && (data === undefined || Object.keys(data).length === 0)) return ANONYMOUS;
  let answer: unknown;
  try {
    answer = identify(given, client);
  } catch (error) {
    // without a user, a function that reads a field of it throws
    if (given === undefined) return ANONYMOUS;
    client.nsp._report(error, 'the option identify threw');
    return UNNAMED;
  }
  const name = nameFromIdentify(answer);
  if (name !== undefined) return name;
  if (answer === undefined && given === undefined) return ANONYMOUS;
  if (answer === undefined)
    warn(
      client,
      'unnamed',
      'the option identify returned undefined for a user: the client does not join the room of its user, and cannot resume ' +
        'its session. Return a text that is unique to the user',
    );
  else
    client.nsp._report(
      withCode(
        'ERR_ENVELOPE_INVALID_RETURN_VALUE',
        new TypeError(
          `identify returned ${typeof answer === 'string' ? `a text of ${answer.length} characters` : kindOf(answer)}: ` +
            'it must return a text of 1 to 1,000 characters, or undefined',
        ),
      ),
      'the option identify returned no valid name',
    );
  return UNNAMED;
}

/**
 * Warns if one path names its users by different fields: `user(1)` is the room of the user with `sub: 1`, and also of
 * the user with `id: 1`.
 */
function checkNamedBy(client: ClientWithUser, name: UserName): UserName {
  const { identities } = client.nsp._config.services;
  identities.namedBy ??= name.namedBy;
  if (identities.namedBy !== name.namedBy)
    warn(
      client,
      'styles',
      `users are named by ${show(identities.namedBy)} and by ${show(name.namedBy)}: user(…) and disconnectUser(…) cannot ` +
        `distinguish two users of the same name. ${IDENTIFY_HINT}`,
    );
  return name;
}

function show(namedBy: string): string {
  const [field, ...scopes] = JSON.parse(namedBy) as string[];
  const scopeNames = scopes.filter((_, index) => index % 2 === 0).join(', ');
  return (field === '' ? 'their value itself' : field!) + (scopeNames === '' ? '' : ` within ${scopeNames}`);
}

function kindOf(value: unknown): string {
  if (value instanceof Promise) return 'a promise';
  return value === null ? 'null' : typeof value === 'number' ? String(value) : typeof value;
}

/** Returns `client.data` if it is an object. */
export function dataOf(client: object): Record<string, unknown> | undefined {
  const data: unknown = Reflect.get(client, 'data');
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : undefined;
}

/** Logs a warning about users once per path, since every client would cause the same one. */
export function warn(client: ClientWithUser, about: string, text: string): void {
  if (isFirstCall(client.nsp._config.services.identities, about)) client.nsp._warn('identify', text);
}
