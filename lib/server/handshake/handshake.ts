import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Untyped } from '../../protocol/typed-events.js';
import { AUTH_PROTOCOL, bearerToken, offeredProtocols } from './subprotocols.js';
import type { ClientInfo } from './client-info.js';

/** How a connection began: Socket.IO's handshake object, made of the upgrade request. Plain data. */
export interface Handshake {
  headers: IncomingHttpHeaders;
  /** The query string's fields; repeated ones as an array. */
  query: Record<string, string | string[]>;
  /** What the client presented: see {@link readAuth}. */
  auth: Record<string, Untyped>;
  /** The peer's IP address; behind a proxy that `trustProxy` names, the one that the proxy saw. */
  address: string;
  /** The request target, path and query. */
  url: string;
  /** When the connection was made, as text. */
  time: string;
  /** When the connection was made, in milliseconds since the epoch. */
  issued: number;
  /** The line is TLS, as far as this server and the proxies that it believes see. */
  secure: boolean;
  /** The request named an origin, which browsers do for every WebSocket. */
  xdomain: boolean;
  /** The values of `:params` in the gateway's path. */
  params: Readonly<Record<string, string>>;
}

/** Fields of a handshake. Any more of them are an application's. */
export const HANDSHAKE_FIELDS = 10;

/** What a client comes back to its session by. They say who it was, not who it is: they are no credentials. */
const RESUMPTION = ['session', 'offset'] as const;

/**
 * What the client presents. Credentials come from the first source that has some: the subprotocol
 * `envelope.auth.<base64url JSON object>`, the pair of subprotocols `bearer`, `<token>`, `Authorization: Bearer
 * <token>`, `?token=<token>`. `session` and `offset` of `envelope.auth` are there in any case.
 */
export function readAuth(request: IncomingMessage, query: Handshake['query']): Record<string, unknown> {
  const offered = offeredProtocols(request);
  const presented: Record<string, unknown>[] = [];
  for (const name of offered) {
    const auth = name.startsWith(AUTH_PROTOCOL) ? decodeAuth(name.slice(AUTH_PROTOCOL.length)) : undefined;
    if (auth === undefined) continue;
    presented.push(auth);
    if (hasCredentials(auth)) return merge(presented);
  }
  const token =
    bearerToken(offered) ??
    /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ??
    query['token'];
  const resumption = merge(presented);
  return typeof token === 'string' ? { ...resumption, token } : resumption;
}

/** All fields; the first to name one wins. Merged once: a client may offer hundreds of names. */
function merge(presented: readonly Record<string, unknown>[]): Record<string, unknown> {
  return Object.fromEntries([...presented].reverse().flatMap((auth) => Object.entries(auth)));
}

function hasCredentials(auth: Record<string, unknown>): boolean {
  // a client that has no token yet may well say so: { token: null }
  return Object.entries(auth).some(([name, value]) => value !== null && !isResumption(name));
}

function isResumption(name: string): boolean {
  return (RESUMPTION as readonly string[]).includes(name);
}

function decodeAuth(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function parseQuery(url: string): Handshake['query'] {
  const query: Handshake['query'] = {};
  const start = url.indexOf('?');
  if (start === -1) return query;
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    const known = Object.hasOwn(query, name) ? query[name] : undefined;
    if (Array.isArray(known)) {
      // in place: a client may repeat a field thousands of times
      known.push(value);
      continue;
    }
    // defineProperty: a field named __proto__ is a field
    Object.defineProperty(query, name, {
      value: known === undefined ? value : [known, value],
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return query;
}

/**
 * Builds the handshake. `headers.authorization` is filled from whichever way the token came.
 */
export function readHandshake(
  request: IncomingMessage,
  issued: number,
  params: Readonly<Record<string, string>>,
  visitor: ClientInfo,
): Handshake {
  const url = request.url ?? '/';
  const query = parseQuery(url);
  const auth = readAuth(request, query);
  const headers = request.headers;
  if (typeof auth['token'] === 'string') headers.authorization = `Bearer ${auth['token']}`;
  return {
    headers,
    query,
    auth,
    address: visitor.address,
    url,
    time: new Date(issued).toString(),
    issued,
    secure: visitor.isSecure === true,
    xdomain: headers.origin !== undefined,
    params,
  };
}
