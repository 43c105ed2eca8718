import type { IncomingMessage } from 'node:http';
import type { HttpRefusal } from '../server/upgrade/http-refusal.js';

/** What the engine reads of a request's query. */
interface EngineQuery {
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

/**
 * Reads the query of a request, of each parameter the last value, and gives it to the engine. The engine would read it in
 * another way: without what follows a `#`. What was checked must be what is used.
 */
export function readQuery(request: IncomingMessage): EngineQuery {
  const { url = '' } = request;
  const start = url.indexOf('?');
  const query: Partial<Record<string, string>> = Object.fromEntries(
    new URLSearchParams(start === -1 ? '' : url.slice(start + 1)),
  );
  setQuery(request, query);
  // an empty session id is none
  return { sid: query['sid'] || undefined, transport: query['transport'], version: query['EIO'] };
}

/** Hides the query of a request from the engine. A preflight is about no session. */
export function hideQuery(request: IncomingMessage): void {
  setQuery(request, {});
}

function setQuery(request: IncomingMessage, query: object): void {
  Reflect.set(request, '_query', query);
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
