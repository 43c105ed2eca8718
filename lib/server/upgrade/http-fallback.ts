import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

const HOP_BY_HOP = new Set(['upgrade', 'http2-settings', 'connection']);

/** Returns whether an upgrade request asks for a WebSocket and nothing else, as `ws` demands. */
export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Handles an upgrade request as a plain HTTP request, as RFC 9110 (section 7.8) allows. With every request, Java's HTTP
 * client and `curl --http2` offer an upgrade to `h2c`. A server that does not support h2c answers in HTTP/1.1. Node
 * does that itself while a server has no `upgrade` listener; newer releases (22.23, 24, 26) call
 * `shouldUpgradeCallback` first. At this point the HTTP parser is already detached. Therefore this function puts the
 * request back in front of the socket, and emits `connection` with the socket once more, as Node's documentation of
 * that event allows.
 */
export function handleAsHttpRequest(
  http: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { method, url, httpVersion, rawHeaders } = request;
  // "close", since Node drops headers above its limit: without Content-Length, the body would be the next request
  const lines = [`${method} ${url} HTTP/${httpVersion}`, 'Connection: close'];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (!HOP_BY_HOP.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  http.emit((socket as Partial<TLSSocket>).encrypted === true ? 'secureConnection' : 'connection', socket);
}
