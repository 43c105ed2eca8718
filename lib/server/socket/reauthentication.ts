import { setTimeout as pause } from 'node:timers/promises';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { withTimeout } from '../util/with-timeout.js';
import { isBusy } from './busy.js';
import type { EnvelopeSocket } from './envelope-socket.js';
import type { Handshake } from '../handshake/handshake.js';
import { watchData, type DataWatch } from '../handshake/data-watch.js';
import { grantOf, mayReauthenticate, type Grant } from '../handshake/grant.js';
import { dataOf, identityOf, type Identity } from '../handshake/user-identity.js';
import { INTERNAL_ERROR, type IncomingRequest } from './incoming-request.js';
import { userNameOf } from '../handshake/user-name.js';
import { updateUserRoom } from './socket-rooms.js';

/** Milliseconds that a `$auth` waits for the messages before it: their guards look at the same client. */
const PATIENCE = 1_000;
const POLL = 5;

/** What a client is told whose new token is another user's: rooms and data are the first one's. */
const OTHER_USER = { status: 'error', statusCode: 403, message: 'another user needs another connection' };
const EXPIRED = {
  status: 'error',
  statusCode: 401,
  message: 'The token has expired',
  error: 'Unauthorized',
};

const TIMED_OUT = { status: 'error', statusCode: 503, message: 'The guards took too long' };

/** What `$auth` brings: an object of the client's own as `data`, else the token in `meta`. */
export function readFreshAuth(data: unknown, meta: object | undefined): Record<string, unknown> | undefined {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return { ...data };
  const token: unknown = meta === undefined ? undefined : Reflect.get(meta, 'token');
  return typeof token === 'string' ? { token } : undefined;
}

/**
 * A client presents itself anew, in place: its guards see the fresh token where they saw the first one. What they
 * refuse leaves everything as it was, and the connection ends when it would have ended. It takes its turn among the
 * messages: those before it come to their end first, within bounds, and those after it wait.
 *
 * @param request of the `$auth` itself
 * @param runGuards runs the guards; never rejects
 * @returns what the client is told where it is refused
 */
export async function reauthenticate(
  client: EnvelopeSocket,
  auth: Record<string, unknown>,
  request: IncomingRequest | undefined,
  runGuards: () => Promise<object | undefined>,
): Promise<object | undefined> {
  const deadline = performance.now() + PATIENCE;
  while (isBusy(client, request) && performance.now() < deadline) await pause(POLL);
  if (client._isEnded) return undefined;
  const { handshake } = client;
  const { auth: firstAuth, query, url } = handshake;
  const { authorization } = handshake.headers;
  const users = usersOf(client);
  const expiresAt = client._lifecycle.expiry?.at;
  present(handshake, auth);
  const watch = users.data && watchData(users.data);
  if (watch !== undefined) client.data = watch.proxy;
  client._undoAuth = () => restore(client, users);
  const refused = await judge(client, users, watch, runGuards).catch((error: unknown) => {
    client._report(error, '$auth failed');
    return INTERNAL_ERROR;
  });
  client._undoAuth = undefined;
  if (client._isEnded) return undefined;
  if (refused === undefined) {
    if (client.data === watch?.proxy) client.data = users.data;
    updateUserRoom(client);
    if (client.nsp._config.limits.maxLifetime !== Infinity)
      client._lifecycle.getExpiry().limit(client.nsp._config.limits.maxLifetime);
    return undefined;
  }
  Object.assign(handshake, { auth: firstAuth, query, url });
  handshake.headers.authorization = authorization;
  restore(client, users);
  client._lifecycle.expiry?.set(expiresAt);
  return refused;
}

async function judge(
  client: EnvelopeSocket,
  before: Users,
  watch: DataWatch | undefined,
  runGuards: () => Promise<object | undefined>,
): Promise<object | undefined> {
  const refused = await withTimeout(client.nsp._config.limits.upgradeTimeout, runGuards(), TIMED_OUT);
  if (refused === TIMED_OUT) {
    // the guard may still write whatever it comes to
    client._end('server namespace disconnect', CLOSE_CODES.INTERNAL_ERROR.code, 'the guards did not answer');
  }
  if (refused !== undefined) return refused;
  if (client._lifecycle.expiry?.isOver === true) return EXPIRED;
  const grant = renew(client, before.grant, watch);
  if (!isSameUserInData(before, client) || !mayReauthenticate(client, before.who, before.grant, grant))
    return OTHER_USER;
  client._grant = grant;
  return undefined;
}

/** What the guards granted anew is all that is left of what they granted before. */
function renew(client: EnvelopeSocket, former: Grant | undefined, watch: DataWatch | undefined): Grant {
  if (watch === undefined || client.data !== watch.proxy) return grantOf(client);
  const { written, read } = watch;
  const data = dataOf(client)!;
  const keys = new Set(written);
  for (const key of former?.keys ?? []) {
    // a guard that finds an object that it had put there, and leaves or changes it, grants it again
    if (read.has(key) && Object.hasOwn(data, key)) keys.add(key);
    else if (!written.has(key)) Reflect.deleteProperty(data, key);
  }
  return grantOf(client, keys);
}

/** In every place where a token may have come from; a cookie is the browser's. */
function present(handshake: Handshake, auth: Record<string, unknown>): void {
  handshake.auth = auth;
  const { token } = auth;
  if (typeof token !== 'string') return;
  handshake.headers.authorization = `Bearer ${token}`;
  if (!Object.hasOwn(handshake.query, 'token')) return;
  handshake.query = { ...handshake.query, token };
  const start = handshake.url.indexOf('?') + 1;
  const fields = new URLSearchParams(handshake.url.slice(start));
  fields.set('token', token);
  handshake.url = `${handshake.url.slice(0, start)}${fields.toString()}`;
}

/** Where guards leave the user. */
interface Users {
  readonly user: unknown;
  /** The application's own object, and what was in it. */
  readonly data: object | undefined;
  readonly contents: object;
  readonly userInData: unknown;
  /** Objects beside the client, and the user on each. */
  readonly aside: readonly (readonly [place: object, user: unknown])[];
  readonly who: Identity;
  readonly grant: Grant | undefined;
}

function usersOf(client: EnvelopeSocket): Users {
  const data = dataOf(client);
  return {
    user: client.user,
    data,
    contents: { ...data },
    userInData: data?.['user'],
    aside: [client.handshake, client._upgrade.shownMessage]
      .filter((place) => place !== undefined)
      .map((place) => [place, Reflect.get(place, 'user')]),
    who: identityOf(client),
    grant: client._grant,
  };
}

function restore(client: EnvelopeSocket, { user, data, contents, aside }: Users): void {
  client.user = user;
  for (const [place, former] of aside)
    if (Reflect.get(place, 'user') !== former) Reflect.set(place, 'user', former);
  if (data === undefined) return;
  client.data = data;
  for (const key of Object.keys(data)) if (!Object.hasOwn(contents, key)) Reflect.deleteProperty(data, key);
  Object.assign(data, contents);
}

/** A guard may set both: who a client is, and for whom it acts. One for whom it acts already is not replaced. */
function isSameUserInData({ userInData }: Users, client: EnvelopeSocket): boolean {
  const known = userNameOf(userInData);
  return known === undefined || known.key === userNameOf(dataOf(client)?.['user'])?.key;
}
