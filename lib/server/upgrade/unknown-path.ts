import type { IncomingMessage, ServerResponse } from 'node:http';
import { quote } from '../util/quote.js';

/** The maximum number of paths in one log line. */
const MAX_PATHS = 20;

/** The version of Engine.IO, which every client of Socket.IO sends on any path. */
const ENGINE_IO = /[?&]EIO=\d/;

const SOCKET_IO =
  "a client of Socket.IO requested this path, and no socketIO() of 'nestjs-envelope/socket.io' serves it. Check its path and " +
  'transports, or add it: new EnvelopeAdapter(app, { transports: [socketIO()] })';

/**
 * Returns the log line for an upgrade request on a path without a gateway.
 *
 * @param target the request target that the client sent. Its query is not logged, since it may contain a token
 */
export function explainUnknownPath(target: string, paths: readonly string[]): string {
  const path = quote(target.replace(/[?#].*/s, ''));
  const cause = ENGINE_IO.test(target)
    ? SOCKET_IO
    : 'no gateway is mounted on this path. Correct the URL, or mount a gateway there: @WebSocketGateway({ path })';
  return `GET ${path} -> 404: ${cause}. ${listPaths(paths)}`;
}

/** Returns a sentence that lists the paths of all gateways, for the end of a message. */
export function listPaths(paths: readonly string[]): string {
  if (paths.length === 0) return 'The application has no gateways';
  const more = paths.length > MAX_PATHS ? ` and ${paths.length - MAX_PATHS} more` : '';
  return `The paths of gateways are: ${paths.slice(0, MAX_PATHS).join(', ')}${more}`;
}

/**
 * Detects clients of Socket.IO on a path without a Socket.IO server. They send a plain HTTP request first, and no
 * upgrade unless that succeeds.
 *
 * @param onDetected called with the request target
 */
export function detectSocketIoClient(
  { url = '' }: IncomingMessage,
  response: ServerResponse,
  onDetected: (target: string) => void,
): void {
  if (!ENGINE_IO.test(url)) return;
  // another Socket.IO server may answer
  response.once('finish', () => {
    if (response.statusCode === 404 || response.statusCode === 426) onDetected(url);
  });
}
