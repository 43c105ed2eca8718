import type { WebSocket } from 'ws';
import type { Encoded, Encoding } from './encoding.js';
import type { ClosedInfo, DisconnectReason } from './disconnect-reason.js';
import type { Beating } from './heartbeat.js';
import type { Message } from './message.js';
import type { Outbox } from './outbox.js';
import type { ReadyState } from './ready-state.js';

/** What `ws`'s own `send` takes besides the data. */
export interface SendOptions {
  binary?: boolean;
  compress?: boolean;
  fin?: boolean;
  mask?: boolean;
}

/** Called when a message, ping or pong was written, or could not be. */
export type SendCallback = (error?: Error) => void;

/** The data that `ws`'s own `send` takes. */
export type RawData = string | Buffer | ArrayBuffer | Uint8Array;

/** The error of what needs an open connection. */
export const NOT_OPEN = 'the connection is not open yet: its guards run before it is';

/** Who holds a connection: the application by `client.pause()`, early messages, or messages that wait for others in flight. */
export type Holder = 'application' | 'early' | 'backlog';

/** One bit for each holder. */
export const HOLDERS: Readonly<Record<Holder, number>> = { application: 1, early: 2, backlog: 4 };

/**
 * A carrier of messages between this server and one client. It knows nothing of events, rooms or gateways: those belong to
 * its {@link ConnectionOwner}, the socket.
 *
 * What protects the process from one peer belongs to the connection: the message rate, the payload limit, the heartbeat, and
 * the bytes that wait to be written. A carrier with several sockets on one transport gives each socket a connection of its
 * own, and shares these between them.
 */
export interface Connection extends Beating {
  /** The name of the transport, as in Engine.IO's `client.conn.transport.name`: `websocket`. */
  readonly transportName: string;
  /** The id of the transport, where it has one: several connections may share it. */
  readonly transportId: string | undefined;
  /** Whether the transport was admitted and counted before, since it may carry several connections. */
  readonly isCarried: boolean;
  /** How messages look on this connection. */
  readonly encoding: Encoding;
  /** The queue of outgoing messages, in the order of the calls. All of a tick are written at once. */
  readonly outbox: Outbox;
  readonly readyState: ReadyState;
  /** The selected subprotocol, empty for none. */
  readonly protocol: string;
  /** The negotiated extensions, empty for none. */
  readonly extensions: string;
  /** The WebSocket of `ws`; `undefined` until it is open, and on other transports. */
  readonly webSocket: WebSocket | undefined;

  /** Sets the socket that gets what arrives. Called once, before anything is read. */
  setOwner(owner: ConnectionOwner): void;
  /** Starts to write. Until then, everything in the outbox waits. Does nothing the second time. */
  startWriting(): void;
  /** Sends the refusal of a client that is not connected yet. The connection is closed after it. */
  refuse(message: Encoded): void;
  /** Sends data without an envelope, as `ws` does, behind everything that was sent before. */
  sendRaw(data: RawData, options?: SendOptions | SendCallback, callback?: SendCallback): void;
  /** Sends a ping, where the transport has pings (RFC 6455, section 5.5.2). */
  ping(data?: unknown, mask?: boolean, callback?: SendCallback): void;
  /** Sends a pong, where the transport has pongs (RFC 6455, section 5.5.3). */
  pong(data?: unknown, mask?: boolean, callback?: SendCallback): void;
  /** Sends a ping and returns its time, which {@link pingedAt} keeps until the peer answers. */
  probe(): number;
  /** Stops reading until every holder has released the connection. */
  hold(holder: Holder): void;
  /** Ends {@link hold} for one holder. */
  release(holder: Holder): void;
  /** Ends every {@link hold}, so that the end of the connection is noticed. */
  readToEnd(): void;
  /** Resolves when the peer takes data again, or the connection has closed: one promise for all callers. */
  drained(): Promise<void>;
  /** Reports to {@link ConnectionOwner.onDrain} from now on. */
  watchDrain(): void;
  /** Gives the token of the last message back: it was the answer to a request of this side. */
  refundMessage(): void;
  /** Whether a message over the rate may be answered with a refusal; ends the connection after too many. */
  takeRefusal(): boolean;
  /**
   * Writes what waits, then starts the closing handshake.
   *
   * @param timeout milliseconds for the peer's part of it, before the connection is cut; `undefined`: the transport's own
   */
  close(code: number | undefined, reason: string, timeout?: number): void;
  /** Ends the transport, with all other connections on it. Does nothing where it carries only this one. */
  closeTransport(): void;
  /** Calls back when a client changes its transport, as in Engine.IO's `upgrade`; never where it cannot. */
  watchTransport(listener: () => void): void;
  /** Resolves when the connection has closed. */
  whenClosed(): Promise<void>;
  /** Cuts the connection without a closing handshake. */
  terminate(): void;
}

/** Gets what happens on a connection: the socket. */
export interface ConnectionOwner {
  onMessage(data: Message, isBinary: boolean): void;
  /** A message over the rate: only an answer to a request of this side is accepted. */
  onExcessMessage(data: Message, isBinary: boolean): void;
  /** The peer went over the message rate too often. */
  onFlood(): void;
  /** The peer reads too slowly: more than `maxBufferedBytes` wait. */
  onOverflow(): void;
  /**
   * A logged message is about to be sent.
   *
   * @param offset `undefined`: it is sent without its offset
   * @param isOwn whether this node has written it
   * @returns whether it is to be sent
   */
  shouldSend(offset: string | undefined, isOwn: boolean): boolean;
  /** The heartbeat found the connection paused. @returns whether it is read now */
  onPausedHeartbeat(): boolean;
  onPing(data: Buffer): void;
  onPong(data: Buffer): void;
  onDrain(): void;
  onError(error: Error): void;
  /** The peer is lost; the transport may still be open. */
  onLost(reason: DisconnectReason, closed: ClosedInfo): void;
  /** The transport is closed, with the code and reason of its closing handshake. */
  onClose(code: number, reason: Buffer): void;
}

/** Called when a connection has closed. */
export interface ConnectionWatcher {
  connectionClosed(connection: Connection): void;
}
