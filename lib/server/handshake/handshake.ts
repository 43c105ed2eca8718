import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Untyped } from '../../protocol/typed-events.js';
import { AUTH_PROTOCOL, bearerToken, offeredProtocols } from './subprotocols.js';
import type { ClientInfo } from './client-info.js';

/** The upgrade request of a connection, as Socket.IO's handshake object. Plain data. */
export interface Handshake {
  headers: IncomingHttpHeaders;
  /** The fields of the query string; a repeated field is an array. */
  query: Record<string, string | string[]>;
  /** The client's credentials, and the token of the session that it resumes: see {@link readAuth}. */
  auth: Record<string, Untyped>;
  /** The client's IP address; behind a proxy that `trustProxy` names, the address that the proxy reports. */
  address: string;
  /** The request target: path and query. */
  url: string;
  /** The time of the upgrade request, as text. */
  time: string;
  /** The time of the upgrade request, in milliseconds since the epoch. */
  issued: number;
  /** Whether the connection uses TLS, as far as this server and the proxies that it trusts know. */
  secure: boolean;
  /** Whether the request has an `Origin` header. Browsers send it for every WebSocket. */
  xdomain: boolean;
  /** The values of `:params` in the gateway's path. */
  params: Readonly<Record<string, string>>;
}

/** The number of fields of a handshake. An application has added any more. */
export const HANDSHAKE_FIELDS = 10;

/**
 * The fields by which a client resumes its session. They are not credentials: they name the former client, not the
 * user.
 */
const RESUME_FIELDS = ['session', 'offset'] as const;

/**
 * Returns what the client presents. The credentials come from the first of these sources that has any: the subprotocol
 * `envelope.auth.<base64url JSON object>`, the pair of subprotocols `bearer`, `<token>`, `Authorization: Bearer
 * <token>`, `?token=<token>`. The fields `session` and `offset` of `envelope.auth` are always included.
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
  const resume = merge(presented);
  return typeof token === 'string' ? { ...resume, token } : resume;
}

/**
 * Merges all fields; the first object that has a field wins. One pass, since a client may offer hundreds of
 * subprotocols.
 */
function merge(presented: readonly Record<string, unknown>[]): Record<string, unknown> {
  return Object.fromEntries([...presented].reverse().flatMap((auth) => Object.entries(auth)));
}

/** Returns whether credentials hold more than the fields by which a client resumes its session. */
export function hasCredentials(auth: Readonly<Record<string, unknown>>): boolean {
  // a client without a token may send { token: null }
  return Object.entries(auth).some(([name, value]) => value !== null && !isResumeField(name));
}

function isResumeField(name: string): boolean {
  return (RESUME_FIELDS as readonly string[]).includes(name);
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
      // changed in place, since a client may repeat a field thousands of times
      known.push(value);
      continue;
    }
    // defineProperty, so that a field named __proto__ is an ordinary field
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
 * Builds the handshake of an upgrade request. Sets `headers.authorization` to the token, whatever source the token came
 * from.
 *
 * @param given the credentials, if the client sent them beside the request
 */
export function readHandshake(
  request: IncomingMessage,
  issued: number,
  params: Readonly<Record<string, string>>,
  client: ClientInfo,
  given?: Readonly<Record<string, unknown>>,
): Handshake {
  const url = request.url ?? '/';
  const query = parseQuery(url);
  const auth = given ?? readAuth(request, query);
  const headers = request.headers;
  if (typeof auth['token'] === 'string') headers.authorization = `Bearer ${auth['token']}`;
  return {
    headers,
    query,
    auth,
    address: client.address,
    url,
    time: new Date(issued).toString(),
    issued,
    secure: client.isSecure === true,
    xdomain: headers.origin !== undefined,
    params,
  };
}
