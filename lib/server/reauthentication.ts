import type { Conversation } from './conversation.js';

/** What a client is told whose new token is another user's: rooms and data are the first one's. */
const OTHER_USER = { status: 'error', statusCode: 403, message: 'another user needs another connection' };

/** What `$auth` brings: an object of the client's own as `data`, else the token in `meta`. */
export function readFreshAuth(data: unknown, meta: object | undefined): Record<string, unknown> | undefined {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return { ...data };
  const token: unknown = meta === undefined ? undefined : Reflect.get(meta, 'token');
  return typeof token === 'string' ? { token } : undefined;
}

/**
 * A client presents itself anew, in place: its guards see the fresh token where they saw the first one. What they
 * refuse leaves everything as it was, and the connection ends when it would have ended.
 *
 * @param ask runs the guards; never rejects
 * @returns what the client is told where it is refused
 */
export async function reauthenticate(
  client: Conversation,
  auth: Record<string, unknown>,
  ask: (client: Conversation) => Promise<object | undefined>,
): Promise<object | undefined> {
  const { handshake, user } = client;
  const before = { auth: handshake.auth, authorization: handshake.headers.authorization };
  const expiresAt = client._expiry?.at;
  handshake.auth = auth;
  if (typeof auth['token'] === 'string') handshake.headers.authorization = `Bearer ${auth['token']}`;
  const refused = (await ask(client)) ?? (isSameUser(user, client.user) ? undefined : OTHER_USER);
  if (client._gone) return undefined;
  if (refused === undefined) {
    if (client._limits.maxLifetime !== Infinity) client._lasting().limit(client._limits.maxLifetime);
    return undefined;
  }
  handshake.auth = before.auth;
  handshake.headers.authorization = before.authorization;
  client.user = user;
  client._expiry?.set(expiresAt);
  return refused;
}

const IDENTIFIERS = ['sub', 'id', 'userId', '_id', 'username', 'email'];

/** By the first field that names a user; nobody can tell where there is none. */
function isSameUser(before: unknown, after: unknown): boolean {
  const [one, other] = [identify(before), identify(after)];
  return one === undefined || other === undefined || one === other;
}

function identify(user: unknown): string | undefined {
  if (typeof user === 'string' || typeof user === 'number') return String(user);
  if (typeof user !== 'object' || user === null) return undefined;
  const name = IDENTIFIERS.find((field) => Reflect.get(user, field) !== undefined);
  return name === undefined ? undefined : String(Reflect.get(user, name));
}
