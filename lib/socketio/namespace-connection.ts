import type { ConnectionLimits } from '../server/transport/connection-limits.js';
import { CLOSE_CODES } from '../protocol/close-codes.js';
import {
  HOLDERS,
  type Connection,
  type ConnectionOwner,
  type ConnectionWatcher,
  type Holder,
} from '../server/transport/connection.js';
import type { ClosedInfo, DisconnectReason } from '../server/transport/disconnect-reason.js';
import type { Encoded } from '../server/transport/encoding.js';
import type { Outgoing } from '../server/transport/frame.js';
import type { Message } from '../server/transport/message.js';
import { Outbox, type OutboxTransport } from '../server/transport/outbox.js';
import { CLOSED, CLOSING, CONNECTING, OPEN, type ReadyState } from '../server/transport/ready-state.js';
import { deferred, type Deferred } from '../server/util/deferred.js';
import type { Link, LinkMember } from './link.js';
import type { PacketEncoding } from './packet-encoding.js';

/** Close codes after which the whole link ends: their cause is the peer, or the server, and not one namespace. */
const ENDS_LINK: ReadonlySet<number> = new Set([
  CLOSE_CODES.GOING_AWAY.code,
  CLOSE_CODES.PROTOCOL_ERROR.code,
  CLOSE_CODES.TRY_AGAIN_LATER.code,
]);

/**
 * Close codes that need no explanation: the application disconnects the client, the server shuts down, or an `exception` has
 * said why already.
 */
const SILENT: ReadonlySet<number> = new Set([
  CLOSE_CODES.NORMAL.code,
  CLOSE_CODES.GOING_AWAY.code,
  CLOSE_CODES.PROTOCOL_ERROR.code,
  CLOSE_CODES.POLICY_VIOLATION.code,
]);

/**
 * The connection of a Socket.IO client to one namespace: one of several over one {@link Link}, which owns what
 * protects the process from the peer.
 */
export class NamespaceConnection implements Connection, OutboxTransport, LinkMember {
  declare readonly isCarried: boolean;
  declare readonly protocol: string;
  declare readonly extensions: string;
  declare readonly webSocket: undefined;
  declare readonly pingedAt: number;
  static {
    // on the class, not on each connection; the heartbeat is that of the link
    Object.assign(this.prototype, {
      ...{ isCarried: true, protocol: '', extensions: '', pingedAt: 0 },
    });
  }

  readonly outbox: Outbox;
  private state: ReadyState = CONNECTING;
  private owner: ConnectionOwner | undefined;
  private watcher: ConnectionWatcher | undefined;
  private holders = 0;
  /** Whether CONNECT_ERROR was sent. */
  private isRefused = false;
  /** The client goes on over its message rate, which is that of the whole link. */
  private isFlooding = false;
  private closed: Deferred | undefined;
  private watched: (() => void)[] | undefined;

  constructor(
    private readonly link: Link,
    readonly encoding: PacketEncoding,
    limits: ConnectionLimits,
  ) {
    this.outbox = new Outbox(this, limits.maxBufferedBytes);
  }

  /** Opens the connection: the client was admitted. */
  open(watcher: ConnectionWatcher): void {
    this.state = OPEN;
    this.watcher = watcher;
  }

  get transportId(): string {
    return this.link.id;
  }
  get transportName(): string {
    return this.link.transportName;
  }
  get readyState(): ReadyState {
    return this.state;
  }
  get isPaused(): boolean {
    return this.link.isPaused;
  }

  setOwner(owner: ConnectionOwner): void {
    this.owner = owner;
  }
  startWriting(): void {
    if (this.state === OPEN) this.outbox.start();
  }
  refuse(message: Encoded): void {
    this.isRefused = true;
    this.outbox.take();
    this.outbox.pushEncoded(message);
    this.startWriting();
  }

  /** Sends the event `message` with its arguments, as `socket.send` does in Socket.IO; a function is called when it was sent. */
  sendRaw(...args: unknown[]): void {
    while (args.length > 1 && args.at(-1) === undefined) args.pop();
    const sent = typeof args.at(-1) === 'function' ? (args.pop() as () => void) : undefined;
    this.outbox.pushEncoded(this.encoding.event('message', args));
    if (sent !== undefined) process.nextTick(sent);
  }
  // Engine.IO has a heartbeat of its own
  ping(): void {}
  pong(): void {}
  probe(): number {
    return 0;
  }
  sendHeartbeat(): void {}
  readAtHeartbeat(): boolean {
    return false;
  }
  timeOut(): void {}

  hold(holder: Holder): void {
    // the link would not be read any more
    if (this.state >= CLOSING) return;
    if (this.holders === 0) this.link.hold();
    this.holders |= HOLDERS[holder];
  }
  release(holder: Holder): void {
    if (this.holders === 0) return;
    this.holders &= ~HOLDERS[holder];
    if (this.holders === 0) this.link.release();
  }
  readToEnd(): void {
    if (this.holders === 0) return;
    this.holders = 0;
    this.link.release();
  }

  drained(): Promise<void> {
    return this.link.drained();
  }
  watchDrain(): void {
    this.watch(this.link.watchDrain(() => this.state === OPEN && this.owner!.onDrain()));
  }
  watchTransport(listener: () => void): void {
    this.watch(this.link.watchTransport(listener));
  }
  /** Keeps a function that stops to watch the link, which may live longer than this connection. */
  private watch(stop: () => void): void {
    if (this.state === CLOSED) stop();
    else (this.watched ??= []).push(stop);
  }
  private setClosed(): void {
    this.state = CLOSED;
    // a listener to the end may have paused the client
    this.readToEnd();
    for (const stop of this.watched?.splice(0) ?? []) stop();
  }
  refundMessage(): void {
    this.link.rate.refund();
  }
  takeRefusal(): boolean {
    if (this.link.rate.takeRefusal()) return true;
    this.isFlooding = true;
    this.owner!.onFlood();
    return false;
  }

  /**
   * Leaves the namespace, or ends the link where the cause is the peer or the server. Socket.IO has no close codes: the
   * client receives an event `exception` with the reason before, or CONNECT_ERROR if it has not joined.
   */
  close(code: number = CLOSE_CODES.NORMAL.code, reason = ''): void {
    if (this.state !== OPEN) {
      // the refusal of the guards follows
      if (this.state === CONNECTING) this.setClosed();
      return;
    }
    const isJoined = this.outbox.hasStarted && !this.isRefused;
    const endsLink = isJoined && (this.isFlooding || ENDS_LINK.has(code));
    if (isJoined) {
      this.outbox.flush();
      if (this.isFlooding || !SILENT.has(code)) this.link.sendException(this.encoding, reason, code);
      if (!endsLink) this.link.sendDisconnect(this.encoding);
    } else if (!this.isRefused) {
      this.link.sendConnectError(this.encoding, { message: reason || 'Disconnected' });
    }
    this.outbox.flush();
    this.state = endsLink ? CLOSING : CLOSED;
    this.link.left(this.encoding);
    const finish = (): void => this.finish(code, reason);
    if (!endsLink) return queueMicrotask(finish);
    this.link.whenClosed(finish);
    this.link.end(code === CLOSE_CODES.GOING_AWAY.code ? 'server shutting down' : 'forced close');
  }

  closeTransport(): void {
    this.link.end('server namespace disconnect');
  }

  /** Cuts the link; one that has not joined just ends. */
  terminate(): void {
    if (this.state === CLOSING) return this.link.cut();
    const wasOpen = this.state === OPEN;
    this.setClosed();
    if (!wasOpen) return;
    this.link.left(this.encoding);
    this.link.whenClosed(() => this.finish(1006, ''));
    this.link.cut();
  }

  whenClosed(): Promise<void> {
    if (this.watcher === undefined) return Promise.resolve();
    return (this.closed ??= deferred()).promise;
  }

  // what the link reports

  receive(message: Message): void {
    this.owner!.onMessage(message, typeof message !== 'string');
  }
  receiveExcess(message: Message): void {
    this.owner!.onExcessMessage(message, typeof message !== 'string');
  }
  flush(): void {
    if (this.state === OPEN && this.outbox.hasStarted) this.outbox.flush();
  }
  /** The client left the namespace, or the link has ended. */
  lost(reason: DisconnectReason, closed: ClosedInfo): void {
    if (this.state >= CLOSING) return;
    this.state = CLOSED;
    this.link.left(this.encoding);
    this.owner!.onLost(reason, closed);
    // as in Socket.IO: a client does not reconnect by itself then
    if (reason === 'server namespace disconnect') this.link.sendDisconnect(this.encoding);
    this.finish(closed.code, closed.reason);
  }
  /** The peer reads too slowly. */
  overflow(): void {
    this.owner!.onOverflow();
  }

  private finish(code: number, reason: string): void {
    const { watcher } = this;
    if (watcher === undefined) return;
    this.watcher = undefined;
    this.setClosed();
    this.owner!.onClose(code, Buffer.from(reason));
    watcher.connectionClosed(this);
    this.closed?.resolve();
  }

  // what an outbox needs

  get isOpen(): boolean {
    return this.state === OPEN && this.link.isOpen;
  }
  get unwrittenBytes(): number {
    return this.link.unwrittenBytes;
  }
  get needsDrain(): boolean {
    return this.link.needsDrain;
  }
  get isBusy(): boolean {
    return this.link.isBusy;
  }
  declare readonly takesFrames: boolean;
  static {
    // prepared frames are those of the envelope
    Object.assign(this.prototype, { takesFrames: false });
  }
  write(items: readonly Outgoing[]): number {
    return this.isOpen ? this.link.write(items) : 0;
  }
  onOverflow(): void {
    this.owner!.onOverflow();
  }
  shouldSend(offset: string | undefined, isOwn: boolean): boolean {
    return this.owner!.shouldSend(offset, isOwn);
  }
}
