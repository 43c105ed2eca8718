import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { ServerWebSocket } from './server-web-socket.js';
import type { WebSocketOptions } from './web-socket-acceptor.js';

export { readAhead } from './frame-reader.js';
export { ignoreEndAfterClose, ServerWebSocket, type WebSocketListener } from './server-web-socket.js';

/** Milliseconds for the peer's part of the closing handshake. Until then, its connection is open, and belongs to no client. */
const CLOSE_TIMEOUT: object = { closeTimeout: 10_000 };

/** Called with a WebSocket that the library has taken over, before anything is read from it. */
type OnOpen = (ws: ServerWebSocket, request: IncomingMessage) => void;

/**
 * Returns a class of WebSocket servers for a library that makes one itself, as Engine.IO does with its option
 * `wsEngine`. Its WebSockets are those of this package.
 *
 * @param limits the options of `ws` that the library does not set
 */
export function webSocketServerClass(
  limits: WebSocketOptions,
  onOpen: OnOpen,
): new (options?: WebSocketOptions) => WebSocketServer {
  return class extends WebSocketServer {
    constructor(options?: WebSocketOptions) {
      super({ ...CLOSE_TIMEOUT, ...options, ...limits, WebSocket: ServerWebSocket });
    }

    override handleUpgrade(
      request: IncomingMessage,
      tcp: Duplex,
      head: Buffer,
      opened: (ws: WebSocket, request: IncomingMessage) => void,
    ): void {
      super.handleUpgrade(request, tcp, head, (ws) => {
        opened(ws, request);
        onOpen(ws as ServerWebSocket, request);
      });
    }
  };
}
