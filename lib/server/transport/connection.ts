import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { isAnyArrayBuffer } from 'node:util/types';
import type { WebSocket } from 'ws';
import { CLOSE_CODES, isCloseCode, truncateReason } from '../../protocol/close-codes.js';
import { refuse } from '../../protocol/refuse.js';
import { UserEvents } from '../util/safe-call.js';
import { describeEnd, type ClosedInfo, type DisconnectReason } from './disconnect-reason.js';
import { Frame } from './frame.js';
import { readAhead } from './frame-reader.js';
import type { ConnectionLimits } from './connection-limits.js';
import type { ServerWebSocket, Message, WebSocketEvents } from './server-web-socket.js';
import { Outbox } from './outbox.js';
import { runDetached } from '../util/detached.js';
import { ignoreEndAfterClose } from './quiet-end.js';
import { guardReceiver } from '../../ws/receiver-guard.js';

/** What `ws`'s own `send` takes besides the data. */
export interface SendOptions {
  binary?: boolean;
  compress?: boolean;
  fin?: boolean;
  mask?: boolean;
}

type SendCallback = (error?: Error) => void;

/** What `ws` emits before a connection is open, and so before a gateway has a client to listen to. */
export const PAST_EVENTS: ReadonlySet<string> = new Set([
  'open',
  'upgrade',
  'redirect',
  'unexpected-response',
]);

/** The events of the line itself; a client that sends one of these names never reaches their listeners. */
export const CONNECTION_EVENTS: ReadonlySet<string> = new Set([
  'close',
  'error',
  'ping',
  'pong',
  'drain',
  'disconnect',
  'disconnecting',
  ...PAST_EVENTS,
]);

/** Who keeps count of the lines. */
export interface ConnectionWatcher {
  lineEnded(line: Connection): void;
}

/** One connection as users of `ws` know it. It wraps the `ws` object, since `emit` belongs to the wire here. */
export abstract class Connection implements WebSocketEvents {
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;
  static {
    // of the class, not of each connection
    Object.assign(this.prototype, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });
  }

  /** How the connection ended; `undefined` while it has not. */
  closed: ClosedInfo | undefined;
  /** The flag of `ws`'s own heartbeat example: a pong sets it. Ours does not look at it. */
  isAlive = true;
  /** @internal When the ping went out that nothing has come after, by `performance.now()`; 0: there is none. */
  _pingedAt = 0;
  /** @internal */
  protected readonly outbox: Outbox;
  /** @internal */
  protected lineEvents: EventEmitter | undefined;
  private raw: WebSocket | undefined;
  private watcher: ConnectionWatcher | undefined;
  private failure: Error | undefined;
  private draining: Promise<void> | undefined;
  /** @internal */
  protected readonly tcp: Socket;

  constructor(
    request: IncomingMessage,
    /** @internal */
    readonly _limits: ConnectionLimits,
  ) {
    this.tcp = request.socket;
    this.outbox = new Outbox(this.tcp, _limits.maxBufferedBytes, this);
  }

  /** @internal The WebSocket is open. */
  _attach(ws: ServerWebSocket, watcher: ConnectionWatcher): void {
    this.raw = ws;
    this.watcher = watcher;
    ws.line = this;
    // only what is inflated keeps the receiver busy
    if (ws.extensions !== '') guardReceiver(ws);
    readAhead(this.tcp, ws);
    ignoreEndAfterClose(this.tcp);
  }

  /** @internal Starts to write: until then everything that is sent waits. */
  _startWriting(): void {
    if (this.raw !== undefined)
      this.outbox.attach(this.raw, this.raw.extensions.includes('permessage-deflate'));
  }

  /**
   * The raw `ws` socket. What is sent through it does not wait for what was emitted before.
   *
   * @throws Error while the guards of the upgrade run: there is none yet
   */
  get ws(): WebSocket {
    if (this.raw === undefined)
      throw new Error('the connection is not open yet: its guards run before it is');
    return this.raw;
  }

  /** 0 connecting, 1 open, 2 closing, 3 closed, as `ws` has it. */
  get readyState(): 0 | 1 | 2 | 3 {
    if (this.raw !== undefined) return this.raw.readyState;
    return this._gone ? this.CLOSED : this.CONNECTING;
  }
  /** The selected subprotocol. */
  get protocol(): string {
    return this.raw?.protocol ?? '';
  }
  /** The extensions that were negotiated, as `ws` has them. */
  get extensions(): string {
    return this.raw?.extensions ?? '';
  }
  /** Whether nothing is read from the connection. */
  get isPaused(): boolean {
    return this.raw?.isPaused === true;
  }
  /** Bytes that were sent and have not left yet. */
  get bufferedAmount(): number {
    return this.outbox.bufferedAmount;
  }

  /**
   * Sends a text or binary message as it is, as `ws` does, behind what was emitted before.
   *
   * @throws TypeError on what is neither
   */
  send(
    data: string | Buffer | ArrayBuffer | Uint8Array,
    options?: SendOptions | SendCallback,
    callback?: SendCallback,
  ): void {
    const plain = options === undefined && callback === undefined && this.readyState === this.OPEN;
    if (plain && typeof data === 'string') return this.outbox.push(data);
    if (plain && Buffer.isBuffer(data)) return this.outbox.push(new Frame(data));
    if (typeof data !== 'string' && !ArrayBuffer.isView(data) && !isAnyArrayBuffer(data))
      refuse('EnvelopeSocket.send', 'data', data, 'a text or bytes');
    if (this.raw !== undefined && !this.outbox.isAttached) return this.sendLater(data, options, callback);
    // where that ends the line, ws calls back with its own error
    this.outbox.precede(Buffer.byteLength(data));
    if (typeof options === 'function') this.ws.send(data, options);
    else this.ws.send(data, options ?? {}, callback);
  }

  /** Before {@link _startWriting}, `ws` must not write either: the message waits in its place among the others. */
  private sendLater(
    data: string | Buffer | ArrayBuffer | Uint8Array,
    options: SendOptions | SendCallback | undefined,
    callback: SendCallback | undefined,
  ): void {
    const { binary = typeof data !== 'string', compress }: SendOptions =
      typeof options === 'object' ? options : {};
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data as Uint8Array);
    this.outbox.push(new Frame(binary ? bytes : bytes.toString(), compress));
    const sent = typeof options === 'function' ? options : callback;
    if (sent !== undefined) process.nextTick(sent);
  }

  /** Sends a ping frame. */
  ping(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.outbox.flush();
    this.ws.ping(data, mask, callback);
  }

  /** Sends a pong frame. */
  pong(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.outbox.flush();
    this.ws.pong(data, mask, callback);
  }

  /** Stops reading from the connection. What the client sends waits, in its own buffers in the end. */
  pause(): void {
    this.raw?.pause();
  }

  /** Reads from the connection again. */
  resume(): void {
    // no sign of life could be read meanwhile
    this._pingedAt = 0;
    runDetached(() => this.raw?.resume());
  }

  /**
   * Says goodbye; what was emitted before still arrives, nothing after. A long reason is cut to 123 bytes.
   *
   * @throws TypeError on a code that RFC 6455 lets nobody send
   */
  close(code?: number, reason?: string | Buffer): void {
    this._end('server namespace disconnect', code, reason?.toString());
  }

  /** Cuts the connection without a word. */
  terminate(): void {
    this._leave('forced close', { code: 1006, reason: '', wasClean: false, initiator: 'server' });
    this.raw?.terminate();
  }

  /** @internal */
  abstract get _gone(): boolean;

  /** @internal */
  get _writable(): boolean {
    return this.outbox.isIdle;
  }

  /** @internal Resolves when the line takes data again, or is gone: one promise for all that wait. */
  _drained(): Promise<void> {
    return (this.draining ??= new Promise((resolve) => {
      const done = (): void => {
        this.draining = undefined;
        stopWaiting();
        this.ws.off('close', done);
        resolve();
      };
      const stopWaiting = this.outbox.whenIdle(done);
      this.ws.on('close', done);
    }));
  }

  /** @internal Leaves, then closes the line. */
  _end(word: DisconnectReason, code?: number, reason = ''): void {
    // before anything is changed: ws would throw, and leave the line open behind a client that has gone
    if (code !== undefined && !isCloseCode(code)) throw new TypeError(`${String(code)} is no close code`);
    const text = truncateReason(reason);
    this._leave(word, { code: code ?? 1005, reason: text, wasClean: true, initiator: 'server' });
    this._startWriting();
    this.outbox.flush();
    this.raw?.close(code, text);
  }

  /** @internal A message has its place in the log now. @returns whether it is to be sent */
  abstract _isNew(offset: string): boolean;

  /** @internal The peer reads too slowly, or not at all; what waits is still written, nothing more is. */
  _overflow(): void {
    const { code } = CLOSE_CODES.TRY_AGAIN_LATER;
    this._end('server namespace disconnect', code, 'the client reads too slowly');
  }

  /** @internal There is no line, and there will be none. */
  _turnAway(): void {
    this._leave('forced close', { code: 1006, reason: '', wasClean: false, initiator: 'server' });
  }

  /** @internal The peer was silent for too long. */
  _timeOut(): void {
    this._leave('ping timeout', { code: 1006, reason: '', wasClean: false, initiator: 'network' });
    this.ws.terminate();
  }

  /** @internal Called once, with the first reason that there is; the line may still be open. */
  abstract _leave(reason: DisconnectReason, closed: ClosedInfo): void;

  /** @internal */
  abstract _onMessage(data: Message, isBinary: boolean): void;

  /** @internal */
  abstract _report(error: unknown, where: string): void;

  /** @internal */
  _onClose(code: number, reason: Buffer): void {
    this._leave(...describeEnd(code, reason.toString(), this.failure));
    this.emitLine('close', code, reason);
    this.watcher?.lineEnded(this);
  }

  /** @internal */
  _onError(error: Error): void {
    this.failure ??= error;
    this.emitLine('error', error);
  }

  /** @internal */
  _onPing(data: Buffer): void {
    this._pingedAt = 0;
    this.emitLine('ping', data);
  }

  /** @internal */
  _onPong(data: Buffer): void {
    this._pingedAt = 0;
    this.isAlive = true;
    this.emitLine('pong', data);
  }

  /** The emitter of line events, made with the first listener: most connections have none. */
  protected lineEmitter(): EventEmitter {
    if (this.lineEvents === undefined) {
      this.lineEvents = new UserEvents((error, event) =>
        this._report(error, `a listener of "${event}" threw`),
      );
      this.tcp.on('drain', () => this.emitLine('drain'));
    }
    return this.lineEvents;
  }

  /** Line listeners are users' code in the middle of the machine: what they throw is reported, not passed on. */
  protected emitLine(event: string, ...args: unknown[]): void {
    const emitter = this.lineEvents;
    if (emitter === undefined || emitter.listenerCount(event) === 0) return;
    try {
      emitter.emit(event, ...args);
    } catch (error) {
      this._report(error, `a listener of "${event}" threw`);
    }
  }
}
