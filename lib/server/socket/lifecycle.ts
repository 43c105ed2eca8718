import { CLOSE_CODES, isCloseCode, truncateReason } from '../../protocol/close-codes.js';
import { withCode } from '../../protocol/with-code.js';
import { channels, publishLimit } from '../diagnostics/channels.js';
import { isResumable } from '../recovery/session.js';
import type { ConnectionOwner } from '../transport/connection.js';
import { byteLengthOf, type Message } from '../transport/message.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import { callSafely } from '../util/safe-call.js';
import type { ConnectionEvents } from './connection-events.js';
import { ConnectionExpiry } from './connection-expiry.js';
import { Inbound, type InboundSocket } from './inbound.js';
import type { RequestTable } from './request-table.js';
import type { ResumableSession } from './resumable-session.js';

/** What a lifecycle needs of its socket. */
interface LifecycleSocket extends InboundSocket {
  readonly _session: ResumableSession | undefined;
  readonly _requestsIfAny: RequestTable | undefined;
  isAlive: boolean;
  _emitConnectionEvent(event: keyof ConnectionEvents, ...args: unknown[]): void;
  _report(error: unknown, where: string): void;
}

type DisconnectCallback = (reason: DisconnectReason) => void;

/**
 * One client from its upgrade to its end: whether it is connected, why it has disconnected, and what has to happen then. It
 * owns the connection, and passes messages on.
 */
export class Lifecycle implements ConnectionOwner {
  /** Past the middlewares, and not disconnected. */
  connected = false;
  /** Past `handleConnection`: messages are handled at once. */
  isReady = false;
  /** Disconnected, or about to be: nothing is sent any more. */
  isEnded = false;
  /** How the connection ended; `undefined` before. */
  closed: ClosedInfo | undefined;
  /** Why the client has disconnected; `undefined` before. */
  reason: DisconnectReason | undefined;
  /** Ends a connection that does not become ready in time. */
  deadline: NodeJS.Timeout | undefined;
  /** When the connection ends by itself; `undefined`: it does not. */
  expiry: ConnectionExpiry | undefined;
  /** Messages on their way to handlers; `undefined` until the first one. */
  inbound: Inbound | undefined;
  /** Nest's callbacks, one for each gateway: an emitter per client would take ten times as much memory. */
  private callbacks: DisconnectCallback | readonly DisconnectCallback[] | undefined;

  constructor(private readonly socket: LifecycleSocket) {}

  /** Whether middlewares or `handleConnection` still run. */
  get isConnecting(): boolean {
    return !this.isReady && !this.isEnded;
  }

  /** The times at which the connection ends by itself, made at the first use. */
  getExpiry(): ConnectionExpiry {
    return (this.expiry ??= new ConnectionExpiry((reason) => {
      this.end('server namespace disconnect', CLOSE_CODES.UNAUTHORIZED.code, reason);
    }));
  }

  /** Sets the time at which the connection ends by itself, while it is open. @throws RangeError on a value that is no time */
  setExpiry(when: number | Date | undefined): void {
    if (this.isEnded || !this.getExpiry().set(when)) return;
    this.socket.nsp._warn(
      'expiresAt',
      'client.expiresAt was set to NaN, which is no time: the connection does not end by itself. Does the token have no exp? ' +
        'Refuse it, or set client.expiresAt = payload.exp && payload.exp * 1000',
    );
  }

  /** Calls back when the client disconnects; at once, in a microtask, if it has. */
  onDisconnect(callback: DisconnectCallback): void {
    if (this.reason !== undefined) queueMicrotask(() => this.call(callback));
    // no list for one gateway, and a new list for more: one that grows reserves space for sixteen
    else this.callbacks = this.callbacks === undefined ? callback : [this.callbacks, callback].flat();
  }

  private call(callback: DisconnectCallback): void {
    callSafely(
      () => callback(this.reason!),
      (error) => this.socket._report(error, 'handleDisconnect threw'),
    );
  }

  /** Messages are handled from now on: those that arrived early, in order, and each further one at once. */
  open(): void {
    this.isReady = true;
    this.inbound?.open();
  }

  /**
   * Disconnects the client, then starts the closing handshake.
   *
   * @param timeout milliseconds for the client's part of it
   * @throws TypeError on a code that RFC 6455 forbids to send
   */
  end(reason: DisconnectReason, code?: number, text = '', timeout?: number): void {
    // before anything is changed: ws would throw, and leave the connection open behind a client that has disconnected
    if (code !== undefined && !isCloseCode(code))
      throw withCode('ERR_ENVELOPE_INVALID_ARGUMENT', new TypeError(`${String(code)} is no close code`));
    const short = truncateReason(text);
    this.leave(reason, { code: code ?? 1005, reason: short, wasClean: true, initiator: 'server' });
    this.socket._connection.close(code, short, timeout);
  }

  /** Disconnects the client without a closing handshake. */
  cut(): void {
    this.leave('forced close', { code: 1006, reason: '', wasClean: false, initiator: 'server' });
    this.socket._connection.terminate();
  }

  /** Disconnects the client. Only the first call counts; the connection may still be open. */
  private leave(reason: DisconnectReason, closed: ClosedInfo): void {
    // not `isEnded`: a "disconnecting" listener may end the connection once more
    if (this.reason !== undefined) return;
    const { socket } = this;
    const { _connection: connection, _session: session } = socket;
    const isKept = session?.current !== undefined && this.connected && isResumable(reason, closed);
    connection.outbox.close(isKept);
    // that may have overflowed, and so have ended the connection already
    if (this.reason !== undefined) return;
    this.closed = closed;
    this.reason = reason;
    const wasConnected = this.connected;
    if (wasConnected) socket._emitConnectionEvent('disconnecting', reason, closed);
    this.isEnded = true;
    connection.outbox.end();
    this.connected = false;
    this.inbound?.close();
    connection.readToEnd();
    clearTimeout(this.deadline);
    this.expiry?.stop();
    if (isKept) socket.nsp._storeSession(socket, session.current!);
    if (!wasConnected) session?.putBack();
    socket.nsp._remove(socket);
    socket._requestsIfAny?.abandon();
    socket._outboundIfAny?.close();
    if (!wasConnected) return;
    if (channels.disconnect.hasSubscribers) channels.disconnect.publish({ socket, reason, closed });
    socket.nsp._config.services.connections.disconnected(socket, reason, closed);
    socket._emitConnectionEvent('disconnect', reason, closed);
    const { callbacks } = this;
    // they keep what Nest has made for the client
    this.callbacks = undefined;
    if (typeof callbacks === 'function') this.call(callbacks);
    else for (const callback of callbacks ?? []) this.call(callback);
  }

  // what the connection reports

  onMessage(data: Message, isBinary: boolean): void {
    if (this.isEnded) return;
    if (channels.message.hasSubscribers) this.publishMessage(data);
    (this.inbound ?? this.makeInbound()).receive(data, isBinary);
  }

  onExcessMessage(data: Message, isBinary: boolean): void {
    if (this.isEnded) return;
    if (channels.message.hasSubscribers) this.publishMessage(data);
    (this.inbound ?? this.makeInbound()).receiveExcess(data, isBinary);
  }

  private makeInbound(): Inbound {
    return (this.inbound = new Inbound(this.socket, this.isReady));
  }

  private publishMessage(data: Message): void {
    channels.message.publish({ socket: this.socket, bytes: byteLengthOf(data) });
  }

  onFlood(): void {
    this.end('server namespace disconnect', CLOSE_CODES.POLICY_VIOLATION.code, 'too many messages');
  }

  onOverflow(): void {
    const { socket } = this;
    publishLimit('maxBufferedBytes', socket);
    if (channels.drop.hasSubscribers) channels.drop.publish({ socket, why: 'maxBufferedBytes' });
    const { code } = CLOSE_CODES.TRY_AGAIN_LATER;
    this.end('server namespace disconnect', code, 'the client reads too slowly');
  }

  shouldSend(offset: string | undefined, isOwn: boolean): boolean {
    return this.socket._session?.shouldSend(offset, isOwn) ?? true;
  }

  onPausedHeartbeat(): boolean {
    return this.inbound?.readForHeartbeat() === true;
  }

  onPing(data: Buffer): void {
    this.socket._emitConnectionEvent('ping', data);
  }

  onPong(data: Buffer): void {
    this.socket.isAlive = true;
    this.socket._emitConnectionEvent('pong', data);
  }

  onDrain(): void {
    this.socket._emitConnectionEvent('drain');
  }

  onError(error: Error): void {
    const limit = FRAME_LIMITS[String(Reflect.get(error, 'code'))];
    if (limit !== undefined) publishLimit(limit, this.socket);
    this.socket._emitConnectionEvent('error', error);
  }

  onLost(reason: DisconnectReason, closed: ClosedInfo): void {
    this.leave(reason, closed);
  }

  onClose(code: number, reason: Buffer): void {
    this.socket._emitConnectionEvent('close', code, reason);
  }
}

/** The limits that `ws` enforces itself, by its error codes. */
const FRAME_LIMITS: Readonly<Record<string, string>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 'maxPayload',
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 'maxFragments',
};
