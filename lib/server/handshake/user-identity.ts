import type { IncomingMessage } from 'node:http';
import type { Untyped } from '../../protocol/typed-events.js';
import type { Handshake } from './handshake.js';
import { isFirst } from '../util/once.js';
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

/** What to do where nobody can tell who a user is: the end of warnings. */
export const HOW =
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

/** `client.data`, where it is an object. */
export function dataOf(client: object): Record<string, unknown> | undefined {
  const data: unknown = Reflect.get(client, 'data');
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : undefined;
}

/** Warns once for each path, since every client would cause the same. */
export function warn(client: Identified, about: string, text: string): void {
  if (isFirst(client.nsp._mount.identities, about)) client.nsp._warn('identify', text);
}
