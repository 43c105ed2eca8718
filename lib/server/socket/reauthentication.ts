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

/** Milliseconds that a `$auth` waits for earlier messages to end: their guards use the same client. */
const WAIT_TIMEOUT = 1_000;
const POLL_INTERVAL = 5;

/** The refusal of another user's token: the rooms and the data of the client are the first user's. */
const OTHER_USER = { status: 'error', statusCode: 403, message: 'another user needs another connection' };
const EXPIRED = {
  status: 'error',
  statusCode: 401,
  message: 'The token has expired',
  error: 'Unauthorized',
};

const TIMED_OUT = { status: 'error', statusCode: 503, message: 'The guards took too long' };

/** Returns the credentials of a `$auth`: the object in `data`, else the token in `meta`; `undefined`: neither. */
export function readFreshAuth(data: unknown, meta: object | undefined): Record<string, unknown> | undefined {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return { ...data };
  const token: unknown = meta === undefined ? undefined : Reflect.get(meta, 'token');
  return typeof token === 'string' ? { token } : undefined;
}

/**
 * Runs the guards of a client again with new credentials, which they find where they found the first ones. A refusal leaves
 * everything as it was, and the connection ends when it would have ended. Earlier messages end first, within a timeout; later
 * ones wait.
 *
 * @param request the request of the `$auth` itself
 * @param runGuards runs the guards; never rejects
 * @returns the refusal that the client receives; `undefined`: accepted
 */
export async function reauthenticate(
  client: EnvelopeSocket,
  auth: Record<string, unknown>,
  request: IncomingRequest | undefined,
  runGuards: () => Promise<object | undefined>,
): Promise<object | undefined> {
  const deadline = performance.now() + WAIT_TIMEOUT;
  while (isBusy(client, request) && performance.now() < deadline) await pause(POLL_INTERVAL);
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
    // the guard may still write to the client
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

/** Returns what the guards grant now. What they granted before, and do not grant again, is removed from `data`. */
function renew(client: EnvelopeSocket, former: Grant | undefined, watch: DataWatch | undefined): Grant {
  if (watch === undefined || client.data !== watch.proxy) return grantOf(client);
  const { written, read } = watch;
  const data = dataOf(client)!;
  const keys = new Set(written);
  for (const key of former?.keys ?? []) {
    // if a guard reads a value that guards had granted, and keeps or changes it, the grant stays
    if (read.has(key) && Object.hasOwn(data, key)) keys.add(key);
    else if (!written.has(key)) Reflect.deleteProperty(data, key);
  }
  return grantOf(client, keys);
}

/** Puts the credentials wherever a token may have come from, except for cookies, which belong to the browser. */
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

/** Where guards put the user, before a `$auth`. */
interface Users {
  readonly user: unknown;
  /** The application's own object, and its contents. */
  readonly data: object | undefined;
  readonly contents: object;
  readonly userInData: unknown;
  /** Other objects that may hold a user, and the user of each. */
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

/**
 * Returns whether `data.user` is still the same: a guard may set the user, and another one that it acts for, which must not
 * change.
 */
function isSameUserInData({ userInData }: Users, client: EnvelopeSocket): boolean {
  const known = userNameOf(userInData);
  return known === undefined || known.key === userNameOf(dataOf(client)?.['user'])?.key;
}
