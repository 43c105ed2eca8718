import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection } from '../transport/connection.js';
import type { ServerWebSocket } from '../transport/server-web-socket.js';
import type { HandshakeListener, WebSocketAcceptor } from '../transport/web-socket-acceptor.js';
import { WebSocketConnection } from '../transport/web-socket-connection.js';
import type { ConnectionRequest, ConnectionTerms } from './connection-request.js';
import { because, refusal, writeRefusal, type HttpRefusal } from './http-refusal.js';

/** The upgrade request of a WebSocket, until the response 101 or a refusal. */
export class WebSocketRequest implements ConnectionRequest, HandshakeListener {
  private created: WebSocketConnection | undefined;
  private onChecked: ((refused: HttpRefusal | undefined) => void) | undefined;
  private acceptHandshake: (() => void) | undefined;
  private onOpened: ((ws: ServerWebSocket) => void) | undefined;

  constructor(
    private readonly acceptor: WebSocketAcceptor,
    readonly httpRequest: IncomingMessage,
    private readonly tcp: Duplex,
    private readonly head: Buffer,
  ) {}

  get isClosed(): boolean {
    return this.tcp.closed;
  }

  onClosed(callback: () => void): () => void {
    // before the upgrade, a client that half-closes the connection has disconnected: a closing handshake is not
    // possible yet
    this.tcp.on('close', callback).on('end', callback);
    return () => this.tcp.off('close', callback).off('end', callback);
  }

  check(done: (refused: HttpRefusal | undefined) => void): void {
    this.onChecked = done;
    this.acceptor.check(this.httpRequest, this.tcp, this.head, this);
  }

  connection({ limits, encodingOf }: ConnectionTerms): WebSocketConnection {
    const { httpRequest } = this;
    return (this.created ??= new WebSocketConnection(httpRequest.socket, limits, encodingOf(httpRequest)));
  }

  accept(terms: ConnectionTerms, opened: (connection: Connection) => void): void {
    this.onOpened = (ws) => {
      const connection = this.connection(terms);
      connection.attach(ws, terms.watcher);
      opened(connection);
    };
    this.acceptHandshake!();
  }

  refuse(answer: HttpRefusal): void {
    writeRefusal(this.tcp, answer);
  }

  destroy(): void {
    this.tcp.destroy();
  }

  // called by `ws`, with the result of the handshake

  onValid(accept: () => void): void {
    this.acceptHandshake = accept;
    this.onChecked!(undefined);
  }

  onInvalid(error: Error): void {
    this.onChecked!(handshakeRefusal(this.httpRequest, error));
  }

  onOpen(ws: ServerWebSocket): void {
    this.onOpened!(ws);
  }
}

/** Returns the refusal of a malformed handshake, with the headers that RFC 6455 (section 4.4) and HTTP require. */
function handshakeRefusal({ method }: IncomingMessage, { message }: Error): HttpRefusal {
  if (method !== 'GET') return because('handshake', refusal(405, message, { Allow: 'GET' }));
  return because('handshake', refusal(400, message, { 'Sec-WebSocket-Version': '13, 8' }));
}
