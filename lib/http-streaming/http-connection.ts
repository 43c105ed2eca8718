import { constants } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CLOSE_CODES } from '../protocol/close-codes.js';
import { MAX_DELAY } from '../protocol/max-delay.js';
import type { ConnectionLimits } from '../server/transport/connection-limits.js';
import {
  HOLDERS,
  type Connection,
  type ConnectionOwner,
  type ConnectionWatcher,
  type Holder,
  type RawData,
  type SendCallback,
  type SendOptions,
} from '../server/transport/connection.js';
import { describeEnd, type DisconnectReason } from '../server/transport/disconnect-reason.js';
import type { Encoded, Encoding } from '../server/transport/encoding.js';
import { Frame, type Outgoing } from '../server/transport/frame.js';
import { MessageRate } from '../server/transport/message-rate.js';
import { Outbox, type OutboxTransport } from '../server/transport/outbox.js';
import { CLOSED, CLOSING, CONNECTING, OPEN, type ReadyState } from '../server/transport/ready-state.js';
import { deferred, type Deferred } from '../server/util/deferred.js';
import { runDetached } from '../server/util/detached.js';
import { Downstream } from './downstream.js';
import { Liveness } from './liveness.js';
import { PostQueue } from './post-queue.js';
import { messageOf } from './raw-message.js';

/** Milliseconds for the last records to be written, before the connection is cut. */
const CLOSE_TIMEOUT = 2_000;
const NOTHING = Buffer.alloc(0);

/** The times and rates of a connection. */
export interface HttpConnectionSettings {
  /** Milliseconds for which a connection without a response stays open, as the client's time to answer a ping. */
  readonly pingTimeout: number;
  /** Milliseconds after which a response ends, and the client asks for another; 0: it does not end. */
  readonly rotateAfter: number;
  /** Characters after which a response ends. */
  readonly rotateAt: number;
  /** Milliseconds for the body of a request. */
  readonly bodyTimeout: number;
  /** Whether the client only listens: it sends nothing, not even that it is alive. */
  readonly isListener: boolean;
}

/** The request that opens a connection, with its response. */
interface FirstResponse {
  /** The key of the connection; `null`: the client only listens, and the connection ends with the response. */
  readonly key: string | null;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** A connection whose messages go down in the responses of long requests, and up in the bodies of short ones. */
export class HttpConnection implements Connection, OutboxTransport {
  readonly transportName = 'http';
  readonly transportId = undefined;
  readonly isCarried = false;
  readonly protocol = 'envelope.v1';
  readonly extensions = '';
  readonly webSocket = undefined;
  readonly takesFrames = false;

  readonly outbox: Outbox;
  readonly posts: PostQueue;
  private readonly rate: MessageRate;
  private state: ReadyState = CONNECTING;
  private readonly down: Downstream;
  private readonly liveness: Liveness;
  private owner: ConnectionOwner | undefined;
  private watcher: ConnectionWatcher | undefined;
  private ended: (() => void) | undefined;
  private holders = 0;
  private timer: NodeJS.Timeout | undefined;
  private draining: Deferred | undefined;
  private watchesDrain = false;
  private closed: Deferred | undefined;

  constructor(
    readonly encoding: Encoding,
    private readonly limits: ConnectionLimits,
    private readonly settings: HttpConnectionSettings,
  ) {
    this.outbox = new Outbox(this, limits.maxBufferedBytes);
    this.rate = new MessageRate(limits);
    this.posts = new PostQueue(this, settings.bodyTimeout / 2);
    this.liveness = new Liveness(settings.isListener);
    this.down = new Downstream(settings.isListener ? 0 : limits.maxBufferedBytes, settings, {
      onDrain: () => this.onDrain(),
      onLost: () => this.startTimer(settings.pingTimeout, () => this.lose('transport close')),
    });
  }

  /**
   * Opens the connection with its first response.
   *
   * @param ended called when it has closed
   */
  open({ key, request, response }: FirstResponse, watcher: ConnectionWatcher, ended: () => void): void {
    this.state = OPEN;
    this.watcher = watcher;
    this.ended = ended;
    this.down.open(key, request, response);
  }

  /** Goes on in another response, behind the messages that the client has. @returns whether that is possible */
  resume(request: IncomingMessage, response: ServerResponse, have: number): boolean {
    if (have > this.down.sent) return false;
    this.noteSignOfLife();
    if (this.state === OPEN) clearTimeout(this.timer);
    if (this.down.resume(request, response, have, this.posts.taken)) this.onDrain();
    else if (this.state === OPEN) this.owner!.onOverflow();
    return true;
  }

  get pingedAt(): number {
    return this.liveness.pingedAt;
  }

  setOwner(owner: ConnectionOwner): void {
    this.owner = owner;
  }
  get readyState(): ReadyState {
    return this.state;
  }
  get isOpen(): boolean {
    return this.state === OPEN;
  }
  get isEnded(): boolean {
    return this.state >= CLOSING;
  }
  get maxPayload(): number {
    return Math.min(this.limits.maxPayload, constants.MAX_STRING_LENGTH);
  }
  /** Whether a later response can say how the connection was closed. */
  get tellsItsEnd(): boolean {
    return this.down.isClosed;
  }

  startWriting(): void {
    if (this.state === OPEN) this.outbox.start();
  }
  refuse(message: Encoded): void {
    this.outbox.pushEncoded(message);
  }

  /** Sends data without an envelope: a JSON object as it is, everything else as the event `message`. */
  sendRaw(data: RawData, options?: SendOptions | SendCallback, callback?: SendCallback): void {
    this.outbox.pushEncoded(messageOf(data, this.encoding));
    const sent = typeof options === 'function' ? options : callback;
    if (sent !== undefined) process.nextTick(sent);
  }
  ping(_data?: unknown, _mask?: boolean, callback?: SendCallback): void {
    this.outbox.flush();
    this.down.beat();
    if (callback !== undefined) process.nextTick(callback);
  }
  // the client's requests are answered
  pong(): void {}
  probe(): number {
    const now = (this.liveness.pingedAt = performance.now());
    this.ping();
    return now;
  }

  // reading

  get isPaused(): boolean {
    return this.holders > 0;
  }
  hold(holder: Holder): void {
    this.holders |= HOLDERS[holder];
  }
  release(holder: Holder): void {
    this.holders &= ~HOLDERS[holder];
    if (this.holders === 0) runDetached(() => this.posts.advance());
  }
  readToEnd(): void {
    this.holders = 0;
    this.posts.advance();
  }
  refundMessage(): void {
    this.rate.refund();
  }
  takeRefusal(): boolean {
    if (this.rate.takeRefusal()) return true;
    this.owner!.onFlood();
    return false;
  }

  /** A request of the client has arrived. */
  noteSignOfLife(): void {
    if (this.liveness.note() && this.state === OPEN) this.owner!.onPong(NOTHING);
  }
  /** The client has the messages up to this number. @returns whether they were sent */
  acknowledge(have: number): boolean {
    return this.down.acknowledge(have);
  }
  /** Takes a token of the rate for a request. @returns whether one was left, or the connection has ended */
  takeRequest(): boolean {
    if (this.isEnded || this.rate.take()) return true;
    this.takeRefusal();
    return false;
  }
  takeMessage(text: string): void {
    if (this.rate.take()) this.owner!.onMessage(text, false);
    else this.owner!.onExcessMessage(text, false);
  }
  /** Requests with messages are missing: what follows them cannot be handled. */
  onGap(): void {
    this.fall(CLOSE_CODES.PROTOCOL_ERROR.code, 'a request with messages is missing');
  }
  /** A request was larger than `maxPayload`. */
  onTooLarge(): void {
    this.fall(CLOSE_CODES.TOO_LARGE.code, 'the request is too large');
  }

  // the heartbeat

  sendHeartbeat(now: number): void {
    this.liveness.beat(now, !this.down.needsDrain);
    this.down.beat();
  }
  readAtHeartbeat(): boolean {
    return this.owner!.onPausedHeartbeat();
  }
  timeOut(): void {
    this.lose('ping timeout');
  }

  // writing

  get unwrittenBytes(): number {
    return this.down.unwrittenBytes;
  }
  get needsDrain(): boolean {
    return this.down.needsDrain;
  }
  get isBusy(): boolean {
    return this.down.needsDrain;
  }
  write(items: readonly Outgoing[]): number {
    if (this.state !== OPEN) return 0;
    return this.down.write(items.map((item) => (item instanceof Frame ? item.payload : item) as string));
  }
  onOverflow(): void {
    this.owner!.onOverflow();
  }
  shouldSend(offset: string | undefined, isOwn: boolean): boolean {
    return this.owner!.shouldSend(offset, isOwn);
  }
  drained(): Promise<void> {
    return (this.draining ??= deferred()).promise;
  }
  watchDrain(): void {
    this.watchesDrain = true;
  }
  private onDrain(): void {
    this.settleDrained();
    if (this.watchesDrain && this.state === OPEN) this.owner!.onDrain();
  }
  private settleDrained(): void {
    const { draining } = this;
    this.draining = undefined;
    draining?.resolve();
  }

  // the end

  close(code: number = 1005, reason = '', timeout: number = CLOSE_TIMEOUT): void {
    if (this.state !== OPEN) {
      // the refusal of the guards follows
      if (this.state === CONNECTING) this.state = CLOSED;
      return;
    }
    this.startWriting();
    this.outbox.flush();
    this.state = CLOSING;
    this.posts.close();
    this.startTimer(timeout, () => this.finish(code, reason));
    this.down.close(code, reason, () => this.finish(code, reason));
  }
  closeTransport(): void {}
  watchTransport(): void {}

  terminate(): void {
    if (this.state === CONNECTING) this.state = CLOSED;
    else this.finish(1006, '');
  }

  whenClosed(): Promise<void> {
    if (this.watcher === undefined) return Promise.resolve();
    return (this.closed ??= deferred()).promise;
  }

  /** The client says goodbye. */
  leave(code: number, reason: string): void {
    if (this.state !== OPEN) return;
    this.owner!.onLost(...describeEnd(code, reason, undefined));
    // the client knows: where it has left its response, nothing is to be written
    if (this.down.hasResponse) return this.close(code, reason);
    this.down.close(code, reason, () => undefined);
    this.finish(code, reason);
  }

  /** The client broke a rule. */
  private fall(code: number, reason: string): void {
    if (this.state !== OPEN) return;
    this.owner!.onLost('parse error', { code, reason, wasClean: false, initiator: 'server' });
    this.close(code, reason);
  }

  /** The client has gone without a word. */
  private lose(reason: DisconnectReason): void {
    if (this.state !== OPEN) return;
    this.owner!.onLost(reason, { code: 1006, reason: '', wasClean: false, initiator: 'network' });
    this.finish(1006, '');
  }

  private finish(code: number, reason: string): void {
    const { watcher } = this;
    if (watcher === undefined) return;
    this.watcher = undefined;
    this.state = CLOSED;
    clearTimeout(this.timer);
    this.posts.close();
    this.down.end();
    this.settleDrained();
    this.ended?.();
    this.owner!.onClose(code, Buffer.from(reason));
    watcher.connectionClosed(this);
    this.closed?.resolve();
  }

  private startTimer(milliseconds: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, Math.min(milliseconds, MAX_DELAY));
    this.timer.unref();
  }
}
