import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

const HOP_BY_HOP = new Set(['upgrade', 'http2-settings', 'connection']);

/** Whether WebSocket is what an upgrade asks for; `ws` takes no other spelling either. */
export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Has an upgrade answered as the plain request that it is as well (RFC 9110, section 7.8): Java's HTTP client and
 * `curl --http2` offer `h2c` with whatever they ask for, and a server that knows no h2c answers in HTTP/1.1. Node does
 * so as long as nobody listens for upgrades; newer releases (22.23, 24, 26) ask first. Here the parser is off
 * already: the socket is handed in again, with its request in front, as Node's documentation of `connection` allows.
 */
export function handleAsHttpRequest(
  http: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { method, url, httpVersion, rawHeaders } = request;
  // Node drops headers above its limit: without its Content-Length, a body would be read as the next request
  const lines = [`${method} ${url} HTTP/${httpVersion}`, 'Connection: close'];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (!HOP_BY_HOP.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  http.emit((socket as Partial<TLSSocket>).encrypted === true ? 'secureConnection' : 'connection', socket);
}
