import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type Server, type ServerOptions } from 'ws';
import { DeflateNegotiator, type DeflateAnswer, type SharedDeflate } from './deflate-negotiator.js';
import { ServerWebSocket } from './server-web-socket.js';

export type { VerifyClientCallbackAsync, VerifyClientCallbackSync } from 'ws';

/** The options of `ws`'s server that a path may set. */
export type WebSocketOptions = ServerOptions;

/** Gets what becomes of one handshake. */
export interface HandshakeListener {
  /** The request is a handshake of RFC 6455. `accept` answers with 101, now or later. */
  onValid(accept: () => void): void;
  /** The request is none; `ws` says why. */
  onInvalid(error: Error): void;
  /** The 101 is written. */
  onOpen(ws: ServerWebSocket): void;
}

const EXTENSIONS = 'sec-websocket-extensions';

/** Checks WebSocket handshakes and answers them, by `ws`: the only place that makes WebSockets of the server. */
export class WebSocketAcceptor {
  private readonly server: Server<typeof ServerWebSocket>;
  private readonly negotiator: DeflateNegotiator | undefined;
  /** The handshake that `ws` checks at the moment, which it does synchronously. */
  private checked: HandshakeListener | undefined;

  /** @param deflate a compression that all connections share */
  constructor(options: WebSocketOptions, deflate?: SharedDeflate) {
    this.negotiator = deflate && new DeflateNegotiator(deflate);
    this.server = new WebSocketServer({
      ...options,
      noServer: true,
      WebSocket: ServerWebSocket,
      // would add a listener to each connection
      clientTracking: false,
      verifyClient: (_: unknown, verdict: (passed: boolean) => void) =>
        this.checked!.onValid(() => verdict(true)),
    });
    // without a listener, `ws` would answer with a text itself
    this.server.on('wsClientError', (error: Error) => this.checked!.onInvalid(error));
  }

  /** Sets the limits of the WebSockets that are accepted from now on. */
  setLimits({ maxPayload, maxFragments, maxBufferedChunks }: WebSocketOptions): void {
    // `ws` reads its options at each handshake
    Object.assign(this.server.options, { maxPayload, maxFragments, maxBufferedChunks });
  }

  /** Checks one handshake (RFC 6455, section 4.2.1). Calls `onValid` or `onInvalid` before it returns. */
  check(request: IncomingMessage, tcp: Duplex, head: Buffer, listener: HandshakeListener): void {
    const offers = request.headers[EXTENSIONS];
    if (this.negotiator === undefined || offers === undefined) {
      this.checked = listener;
      this.server.handleUpgrade(request, tcp, head, (ws) => listener.onOpen(ws));
    } else {
      this.checkOffers(request, tcp, head, listener, this.negotiator.answer(offers));
    }
    this.checked = undefined;
  }

  /** Lets `ws` see what was agreed on, while the application sees what the client offers. */
  private checkOffers(
    request: IncomingMessage,
    tcp: Duplex,
    head: Buffer,
    listener: HandshakeListener,
    { header, deflate }: DeflateAnswer,
  ): void {
    const { headers } = request;
    const offers = headers[EXTENSIONS];
    const restore = (): unknown => (headers[EXTENSIONS] = offers);
    this.checked = {
      onValid(accept) {
        restore();
        listener.onValid(accept);
      },
      onInvalid(error) {
        restore();
        listener.onInvalid(error);
      },
      onOpen: (ws) => listener.onOpen(ws),
    };
    headers[EXTENSIONS] = header;
    this.server.handleUpgrade(request, tcp, head, (ws) => {
      if (deflate !== undefined) ws.deflate = deflate;
      listener.onOpen(ws);
    });
    // `ws` may have destroyed the connection without a word
    restore();
  }

  close(): void {
    this.server.close();
  }
}
