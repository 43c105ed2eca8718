import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Untyped } from '../protocol/typed-events.js';
import type { Visitor } from './visitor.js';

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

const AUTH_PROTOCOL = 'envelope.auth.';
const MAX_PROTOCOL_LENGTH = 64;

/** The subprotocol by which a client asks for `$session`, offsets and what else is negotiated. */
export const ENVELOPE_V1 = 'envelope.v1';

function offeredProtocols(request: IncomingMessage): string[] {
  const header = request.headers['sec-websocket-protocol'];
  return header === undefined ? [] : header.split(',').map((name) => name.trim());
}

/** Whether a client asks for `$session` and what goes with it. */
export function offersEnvelope(request: IncomingMessage): boolean {
  return offeredProtocols(request).includes(ENVELOPE_V1);
}

/**
 * What the client presents, first found wins: the subprotocol `envelope.auth.<base64url JSON object>`, the pair
 * of subprotocols `bearer`, `<token>`, `Authorization: Bearer <token>`, `?token=<token>`.
 */
export function readAuth(request: IncomingMessage, query: Handshake['query']): Record<string, unknown> {
  const offered = offeredProtocols(request);
  for (const name of offered) {
    const auth = name.startsWith(AUTH_PROTOCOL) ? decodeAuth(name.slice(AUTH_PROTOCOL.length)) : undefined;
    if (auth !== undefined) return auth;
  }
  const bearer = offered.indexOf('bearer');
  const token =
    (bearer === -1 ? undefined : offered[bearer + 1]) ??
    /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ??
    query['token'];
  return typeof token === 'string' ? { token } : {};
}

function decodeAuth(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The subprotocol that the server selects: `envelope.v1`, else `bearer`, else the first offered name that bears
 * no token. A token is never echoed.
 */
export function selectProtocol(offered: Set<string>): string | false {
  if (offered.has(ENVELOPE_V1)) return ENVELOPE_V1;
  if (offered.has('bearer')) return 'bearer';
  for (const name of offered) if (!bearsToken(name)) return name;
  return false;
}

/** Others have conventions of their own; a name that is so long is none. */
function bearsToken(name: string): boolean {
  return name.startsWith(AUTH_PROTOCOL) || name.length > MAX_PROTOCOL_LENGTH;
}

function parseQuery(url: string): Handshake['query'] {
  const query: Handshake['query'] = {};
  const start = url.indexOf('?');
  if (start === -1) return query;
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    const known = Object.hasOwn(query, name) ? query[name] : undefined;
    const joined = known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value];
    // defineProperty: a field named __proto__ is a field
    Object.defineProperty(query, name, {
      value: joined,
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
  visitor: Visitor,
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
