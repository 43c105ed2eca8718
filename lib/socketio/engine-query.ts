import type { IncomingMessage } from 'node:http';
import type { HttpRefusal } from '../server/upgrade/http-refusal.js';

/** What the engine reads of a request's query. */
export interface EngineQuery {
  /** The session id; `undefined`: the request begins a session. */
  readonly sid: string | undefined;
  readonly transport: string | undefined;
  /** The version of Engine.IO's protocol. */
  readonly version: string | undefined;
}

// the bodies of Engine.IO's own refusals
const UNKNOWN_TRANSPORT: HttpRefusal = { status: 400, body: { code: 0, message: 'Transport unknown' } };
/** A session that does not exist. One of another address gets the same. */
export const UNKNOWN_SESSION: HttpRefusal = { status: 400, body: { code: 1, message: 'Session ID unknown' } };
const BAD_METHOD: HttpRefusal = { status: 400, body: { code: 2, message: 'Bad handshake method' } };
export const BAD_REQUEST: HttpRefusal = { status: 400, body: { code: 3, message: 'Bad request' } };
const BAD_VERSION: HttpRefusal = {
  status: 400,
  body: { code: 5, message: 'Unsupported protocol version' },
};

/** Reads the query of a request, of each parameter the last value, as the engine does. */
export function readQuery({ url = '' }: IncomingMessage): EngineQuery {
  const start = url.indexOf('?');
  const query = new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
  const last = (name: string): string | undefined => query.getAll(name).at(-1);
  // an empty session id is none
  return { sid: last('sid') || undefined, transport: last('transport'), version: last('EIO') };
}

/** Returns the refusal of a plain request that the engine would answer with 500, or not at all. */
export function checkRequest({ method }: IncomingMessage, { version }: EngineQuery): HttpRefusal | undefined {
  if (method !== 'GET' && method !== 'POST') return BAD_METHOD;
  return version === '4' ? undefined : BAD_VERSION;
}

/** Returns the refusal of an upgrade that the engine would refuse only after it has made a WebSocket of it. */
export function checkUpgrade({ transport, version }: EngineQuery): HttpRefusal | undefined {
  if (transport !== 'websocket') return UNKNOWN_TRANSPORT;
  return version === '4' ? undefined : BAD_VERSION;
}
