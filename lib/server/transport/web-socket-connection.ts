import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { limitInflaters } from '../../ws/inflater-limit.js';
import { guardReceiver } from '../../ws/receiver-guard.js';
import { deferred } from '../util/deferred.js';
import { runDetached } from '../util/detached.js';
import { WsWriter, type CompressingWriter } from './compressing-writer.js';
import type { ConnectionLimits } from './connection-limits.js';
import {
  HOLDERS,
  NOT_OPEN,
  type Connection,
  type ConnectionOwner,
  type ConnectionWatcher,
  type Holder,
  type RawData,
  type SendCallback,
  type SendOptions,
} from './connection.js';
import { DeflateWriter } from './deflate-writer.js';
import { describeEnd } from './disconnect-reason.js';
import { ENVELOPE, type Encoded, type Encoding } from './encoding.js';
import { readAhead } from './frame-reader.js';
import { frameAscii, type Outgoing } from './frame.js';
import type { Beating } from './heartbeat.js';
import type { Message } from './message.js';
import { MessageRate } from './message-rate.js';
import { bytesOf, Outbox, type OutboxTransport } from './outbox.js';
import { CLOSED, CONNECTING, OPEN, type ReadyState } from './ready-state.js';
import { sendRaw } from './send-raw.js';
import { ignoreEndAfterClose, type ServerWebSocket, type WebSocketListener } from './server-web-socket.js';
import { withCode } from '../../protocol/with-code.js';

/** What waits for a connection to drain. */
interface Draining {
  readonly promise: Promise<void>;
  readonly settle: () => void;
}

/**
 * A connection over one WebSocket of `ws`. It exists from the upgrade request on, so that guards can emit and disconnect; the
 * WebSocket is attached when the upgrade was accepted.
 */
export class WebSocketConnection implements Connection, OutboxTransport, WebSocketListener, Beating {
  declare readonly transportName: string;
  declare readonly encoding: Encoding;
  declare readonly isCarried: boolean;
  declare readonly transportId: undefined;
  static {
    // on the class, not on each connection
    Object.assign(this.prototype, {
      transportName: 'websocket',
      encoding: ENVELOPE,
      isCarried: false,
      transportId: undefined,
    });
  }

  readonly outbox: Outbox;
  pingedAt = 0;
  private raw: ServerWebSocket | undefined;
  private owner: ConnectionOwner | undefined;
  private watcher: ConnectionWatcher | undefined;
  private rate: MessageRate | undefined;
  private failure: Error | undefined;
  private draining: Draining | undefined;
  /** Writes the messages where compression was negotiated. */
  private writer: CompressingWriter | undefined;
  private holders = 0;
  /** This side has ended the connection: nothing that still arrives counts. */
  private isEnded = false;

  constructor(
    private readonly tcp: Socket,
    private readonly limits: ConnectionLimits,
    encoding: Encoding,
  ) {
    // own only where it is not that of the class
    if (encoding !== ENVELOPE) Reflect.set(this, 'encoding', encoding);
    this.outbox = new Outbox(this, limits.maxBufferedBytes);
  }

  setOwner(owner: ConnectionOwner): void {
    this.owner = owner;
  }

  /** Takes over the WebSocket of the accepted upgrade. */
  attach(ws: ServerWebSocket, watcher: ConnectionWatcher): void {
    this.raw = ws;
    this.watcher = watcher;
    ws.listener = this;
    // only the receiver of compressed messages can stay busy
    if (ws.extensions !== '') guardReceiver(ws);
    if (ws.deflate?.clientNoContextTakeover === true) limitInflaters(ws);
    readAhead(this.tcp, ws);
    ignoreEndAfterClose(this.tcp);
  }

  get webSocket(): WebSocket | undefined {
    return this.raw;
  }
  get readyState(): ReadyState {
    return this.raw?.readyState ?? (this.isEnded ? CLOSED : CONNECTING);
  }
  get protocol(): string {
    return this.raw?.protocol ?? '';
  }
  get extensions(): string {
    return this.raw?.extensions ?? '';
  }
  get isPaused(): boolean {
    return this.raw?.isPaused === true;
  }
  get maxPayload(): number {
    return this.limits.maxPayload;
  }

  startWriting(): void {
    if (this.raw === undefined || this.outbox.hasStarted) return;
    if (this.raw.extensions !== '') this.writer = this.compressingWriter(this.raw);
    this.outbox.start();
  }

  private compressingWriter(ws: ServerWebSocket): CompressingWriter {
    const onWritten = (): void => {
      if (this.outbox.isIdle) this.draining?.settle();
    };
    if (ws.deflate === undefined) return new WsWriter(ws, this.tcp, onWritten);
    return (ws.writer = new DeflateWriter(this.tcp, ws, ws.deflate, onWritten));
  }

  refuse(message: Encoded): void {
    this.outbox.pushEncoded(message);
  }

  sendRaw(data: RawData, options?: SendOptions | SendCallback, callback?: SendCallback): void {
    sendRaw(this.raw, this.outbox, data, options, callback);
  }

  ping(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.outbox.flush();
    this.openedSocket().ping(data, mask, callback);
  }

  pong(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.outbox.flush();
    this.openedSocket().pong(data, mask, callback);
  }

  probe(): number {
    this.pingedAt = performance.now();
    this.ping();
    return this.pingedAt;
  }

  /** @throws Error while the guards of the upgrade run */
  private openedSocket(): ServerWebSocket {
    if (this.raw === undefined) throw withCode('ERR_ENVELOPE_NOT_CONNECTED', new Error(NOT_OPEN));
    return this.raw;
  }

  hold(holder: Holder): void {
    this.holders |= HOLDERS[holder];
    this.raw?.pause();
  }

  release(holder: Holder): void {
    this.holders &= ~HOLDERS[holder];
    if (this.holders === 0) this.read();
  }

  readToEnd(): void {
    this.holders = 0;
    if (this.isPaused) this.read();
  }

  private read(): void {
    // no sign of life could be read meanwhile
    this.pingedAt = 0;
    runDetached(() => this.raw?.resume());
  }

  drained(): Promise<void> {
    return (this.draining ??= this.startDraining()).promise;
  }

  private startDraining(): Draining {
    const ws = this.openedSocket();
    const { promise, resolve } = deferred();
    const settle = (): void => {
      this.draining = undefined;
      this.tcp.off('drain', settle);
      ws.off('close', settle);
      resolve();
    };
    this.tcp.on('drain', settle);
    ws.on('close', settle);
    return { promise, settle };
  }

  watchDrain(): void {
    this.tcp.on('drain', () => this.owner!.onDrain());
  }

  refundMessage(): void {
    this.rate?.refund();
  }

  takeRefusal(): boolean {
    if (this.getRate().takeRefusal()) return true;
    this.owner!.onFlood();
    return false;
  }

  /** The rate of this connection, made with the first message: most connections are idle. */
  private getRate(): MessageRate {
    return (this.rate ??= new MessageRate(this.limits));
  }

  close(code: number | undefined, reason: string, timeout?: number): void {
    this.isEnded = true;
    this.startWriting();
    this.outbox.flush();
    const { raw } = this;
    if (raw === undefined) return;
    raw.close(code, reason);
    if (timeout === undefined) return;
    const timer = setTimeout(() => raw.terminate(), timeout);
    raw.on('close', () => clearTimeout(timer));
  }

  closeTransport(): void {}
  watchTransport(): void {}

  whenClosed(): Promise<void> {
    const { raw } = this;
    if (raw === undefined || raw.readyState === CLOSED) return Promise.resolve();
    return new Promise((resolve) => raw.once('close', () => resolve()));
  }

  terminate(): void {
    this.isEnded = true;
    this.raw?.terminate();
  }

  // what an outbox needs

  get isOpen(): boolean {
    return this.raw?.readyState === OPEN;
  }
  get takesFrames(): boolean {
    return this.writer === undefined;
  }
  get unwrittenBytes(): number {
    return this.writer === undefined ? this.tcp.writableLength : this.writer.unwrittenBytes;
  }
  get needsDrain(): boolean {
    return this.tcp.writableNeedDrain;
  }
  get isBusy(): boolean {
    return this.writer === undefined ? this.tcp.writableNeedDrain : this.writer.isBusy;
  }

  write(items: readonly Outgoing[]): number {
    if (!this.isOpen) return 0;
    if (this.writer !== undefined) return this.writer.write(items);
    const bytes = frameAscii(items) ?? bytesOf(items);
    this.tcp.write(bytes, 'latin1');
    return bytes.length;
  }

  onOverflow(): void {
    this.owner!.onOverflow();
  }

  shouldSend(offset: string | undefined, isOwn: boolean): boolean {
    return this.owner!.shouldSend(offset, isOwn);
  }

  // what the WebSocket reports

  onMessage(data: Message, isBinary: boolean): void {
    this.pingedAt = 0;
    if (this.isEnded) return;
    if (this.getRate().take()) this.owner!.onMessage(data, isBinary);
    else this.owner!.onExcessMessage(data, isBinary);
  }

  onPing(data: Buffer): void {
    if (this.isEnded || !this.mayPass()) return;
    // `ws` answers pings by itself, also when the peer does not read the pongs
    if (this.outbox.isFull) return this.onOverflow();
    this.pingedAt = 0;
    this.owner!.onPing(data);
  }

  onPong(data: Buffer): void {
    // the answer to a ping of this side costs no token
    if (this.isEnded || (this.pingedAt === 0 && !this.mayPass())) return;
    this.pingedAt = 0;
    this.owner!.onPong(data);
  }

  /** Pings and pongs over the rate are ignored, since they have no answer. */
  private mayPass(): boolean {
    if (this.getRate().take()) return true;
    this.takeRefusal();
    return false;
  }

  onError(error: Error): void {
    this.failure ??= error;
    this.owner!.onError(error);
  }

  onClosed(code: number, reason: Buffer): void {
    this.isEnded = true;
    this.owner!.onLost(...describeEnd(code, reason.toString(), this.failure));
    this.owner!.onClose(code, reason);
    this.watcher?.connectionClosed(this);
  }

  // what the heartbeat needs

  readAtHeartbeat(): boolean {
    return this.owner!.onPausedHeartbeat();
  }

  timeOut(): void {
    this.isEnded = true;
    this.owner!.onLost('ping timeout', { code: 1006, reason: '', wasClean: false, initiator: 'network' });
    this.raw!.terminate();
  }

  sendHeartbeat(now: number): void {
    // a later ping gives no more time; a fraction would take memory of its own
    if (this.pingedAt === 0) this.pingedAt = Math.ceil(now);
    this.raw!.ping();
  }
}
