import type { IncomingMessage, ServerResponse } from 'node:http';
import { quote } from '../util/quote.js';

/** Paths that one line of the log names. */
const MAX_PATHS = 20;

/** All clients of Socket.IO name the version of Engine.IO, whatever their path is. */
const ENGINE_IO = /[?&]EIO=\d/;

const SOCKET_IO =
  'a client of Socket.IO asked for this path. Its protocol is not the one that is spoken here: connect with ' +
  "new WebSocket(url), or with the client of 'nestjs-envelope/client'";

/**
 * What the log says where a client asked for a WebSocket on a path that no gateway has.
 *
 * @param target as the client sent it. Its query, which may have a token, is not shown
 */
export function explainUnknownPath(target: string, paths: readonly string[]): string {
  const asked = quote(target.replace(/[?#].*/s, ''));
  const what = ENGINE_IO.test(target)
    ? SOCKET_IO
    : 'no gateway is mounted on this path. Correct the URL, or mount a gateway there: @WebSocketGateway({ path })';
  return `GET ${asked} -> 404: ${what}. ${listPaths(paths)}`;
}

/** The paths that there are, as the end of a message. */
export function listPaths(paths: readonly string[]): string {
  if (paths.length === 0) return 'There are no gateways';
  const more = paths.length > MAX_PATHS ? ` and ${paths.length - MAX_PATHS} more` : '';
  return `The paths of gateways are: ${paths.slice(0, MAX_PATHS).join(', ')}${more}`;
}

/**
 * Notices clients of Socket.IO that nobody serves: they ask by plain HTTP first, and never come to an upgrade.
 *
 * @param onAsked is told the request target
 */
export function noticeSocketIo(
  { url = '' }: IncomingMessage,
  response: ServerResponse,
  onAsked: (target: string) => void,
): void {
  if (!ENGINE_IO.test(url)) return;
  // another server of Socket.IO may be there
  response.once('finish', () => {
    if (response.statusCode === 404 || response.statusCode === 426) onAsked(url);
  });
}
