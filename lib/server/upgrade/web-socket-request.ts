import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Connection, ConnectionWatcher } from '../transport/connection.js';
import type { ServerWebSocket } from '../transport/server-web-socket.js';
import type { HandshakeListener, WebSocketAcceptor } from '../transport/web-socket-acceptor.js';
import { WebSocketConnection } from '../transport/web-socket-connection.js';
import type { ConnectionRequest } from './connection-request.js';
import { refusal, refuseUpgrade, type HttpRefusal } from './http-refusal.js';

/** The upgrade request of a WebSocket, from its arrival to the 101 or a refusal. */
export class WebSocketRequest implements ConnectionRequest, HandshakeListener {
  private made: WebSocketConnection | undefined;
  private checked: ((refused: HttpRefusal | undefined) => void) | undefined;
  private complete: (() => void) | undefined;
  private opened: ((ws: ServerWebSocket) => void) | undefined;

  constructor(
    private readonly acceptor: WebSocketAcceptor,
    readonly request: IncomingMessage,
    private readonly tcp: Duplex,
    private readonly head: Buffer,
  ) {}

  get isClosed(): boolean {
    return this.tcp.closed;
  }

  onClosed(callback: () => void): () => void {
    // a client that half-closes now has no WebSocket yet for a closing handshake
    this.tcp.on('close', callback).on('end', callback);
    return () => this.tcp.off('close', callback).off('end', callback);
  }

  check(done: (refused: HttpRefusal | undefined) => void): void {
    this.checked = done;
    this.acceptor.check(this.request, this.tcp, this.head, this);
  }

  connection(limits: ConnectionLimits): WebSocketConnection {
    return (this.made ??= new WebSocketConnection(this.request.socket, limits));
  }

  accept(
    limits: ConnectionLimits,
    watcher: ConnectionWatcher,
    opened: (connection: Connection) => void,
  ): void {
    this.opened = (ws) => {
      const connection = this.connection(limits);
      connection.attach(ws, watcher);
      opened(connection);
    };
    this.complete!();
  }

  refuse(answer: HttpRefusal): void {
    refuseUpgrade(this.request, this.tcp, answer);
  }

  destroy(): void {
    this.tcp.destroy();
  }

  // what `ws` makes of the handshake

  onValid(accept: () => void): void {
    this.complete = accept;
    this.checked!(undefined);
  }

  onInvalid(error: Error): void {
    this.checked!(handshakeRefusal(this.request, error));
  }

  onOpen(ws: ServerWebSocket): void {
    this.opened!(ws);
  }
}

/** The refusal of a malformed handshake, with the headers that RFC 6455 (section 4.4) and HTTP demand. */
function handshakeRefusal({ method }: IncomingMessage, { message }: Error): HttpRefusal {
  if (method !== 'GET') return refusal(405, message, { Allow: 'GET' });
  return refusal(400, message, { 'Sec-WebSocket-Version': '13, 8' });
}
