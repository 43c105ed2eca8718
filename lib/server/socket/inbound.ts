import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { Refusal, type Envelope, type RequestId } from '../../protocol/envelope.js';
import { refusalOf } from '../../protocol/refused-events.js';
import { publishLimit } from '../diagnostics/channels.js';
import type { ObservedSocket } from '../diagnostics/types.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Connection } from '../transport/connection.js';
import type { Message } from '../transport/message.js';
import type { DisconnectReason } from '../transport/disconnect-reason.js';
import { runDetached } from '../util/detached.js';
import type { Outbound } from './outbound.js';
import type { MessageHandling, NamespaceContract } from './namespace-contract.js';
import type { RequestTable } from './request-table.js';

/** How many messages wait before the connection is paused. Those that were read already are still queued. */
const MAX_WAITING = 128;
const MAX_WAITING_BYTES = 1_000_000;
/** The same limits are this many times higher while the heartbeat reads on to find out whether the client is alive. */
const HEARTBEAT_FACTOR = 2;
/** Milliseconds for the client's close frame after a standstill: many messages that were not read may be before it. */
const CLOSE_TIMEOUT = 5_000;

/** What the inbound side needs of its socket. */
export interface InboundSocket extends Omit<ObservedSocket, 'nsp'> {
  readonly _connection: Connection;
  readonly _lifecycle: { readonly isEnded: boolean };
  /** `undefined` until something is emitted. */
  readonly _outboundIfAny: Outbound | undefined;
  readonly _requests: RequestTable;
  readonly nsp: NamespaceContract;
  _end(reason: DisconnectReason, code?: number, text?: string, timeout?: number): void;
}

/** A message that waits for others in flight. */
interface WaitingMessage {
  readonly envelope: Envelope;
  readonly bytes: number;
}

/**
 * The messages of one client on their way to handlers: decodes each, and decides whether it runs now, waits, or is refused.
 * Messages wait while `handleConnection` runs, and while `maxInFlight` others are in flight.
 */
export class Inbound {
  /** `$auth` is being checked: later messages wait for the identity that it leads to. */
  isAuthenticating = false;
  /** Malformed messages since the last valid one. */
  strikes = 0;
  /** What arrived while middlewares and `handleConnection` run; `undefined` afterwards. */
  private early: [Message, boolean][] | undefined;
  private earlyBytes = 0;
  /** What arrived while `maxInFlight` messages were in flight; `undefined` while nothing waits. */
  private late: WaitingMessage[] | undefined;
  private lateBytes = 0;
  private isResuming = false;
  /** The connection is paused because too much waits. */
  private isHeld = false;
  /** The heartbeat reads on: more may wait before the connection is paused again. */
  private isReadForHeartbeat = false;
  /** Ends a connection on which messages wait and none in flight ends. */
  private standstill: NodeJS.Timeout | undefined;
  private isAwaitingDrain = false;

  private readonly router: MessageHandling<object>;
  private readonly limits: ConnectionLimits;
  private readonly requests: RequestTable;

  constructor(
    private readonly socket: InboundSocket,
    isReady: boolean,
  ) {
    const { gateway, limits } = socket.nsp._config;
    this.router = gateway.router;
    this.limits = limits;
    this.requests = socket._requests;
    if (!isReady) this.early = [];
  }

  /** Takes a message within the rate. */
  receive(data: Message, isBinary: boolean): void {
    if (this.early === undefined) return this.handle(data, isBinary);
    // `handleConnection` may be waiting for this answer
    if (this.takeAnswer(data, isBinary)) return this.socket._connection.refundMessage();
    this.earlyBytes += data.length;
    this.early.push([data, isBinary]);
    if (this.early.length >= MAX_WAITING || this.earlyBytes >= MAX_WAITING_BYTES) this.hold();
  }

  /** Takes a message over the rate: only an answer to a request of this side is accepted. */
  receiveExcess(data: Message, isBinary: boolean): void {
    const { socket } = this;
    if (this.takeAnswer(data, isBinary) || !socket._connection.mayRefuse()) return;
    publishLimit('messagesPerSecond', socket);
    const id = this.router.read(socket, data, isBinary)?.id;
    this.refuse(new Refusal('rate_limited', 'too many messages', id));
  }

  /** The connection is ready: handles what arrived early, in order. */
  open(): void {
    const early = this.early ?? [];
    this.early = undefined;
    for (const [data, isBinary] of early) if (!this.socket._lifecycle.isEnded) this.handle(data, isBinary);
    // if too many of them wait again, `postpone` has held the connection itself
    if (!this.waitsEnough || this.isAsking) this.letGo();
  }

  /** Drops what waits, and reads on so that the end of the connection is noticed. */
  close(): void {
    this.early = this.late = undefined;
    this.endStandstill();
    this.socket._connection.readToEnd();
  }

  /** Decodes a message and decides what becomes of it. */
  private handle(data: Message, isBinary: boolean): void {
    const { socket } = this;
    const envelope = this.router.read(socket, data, isBinary);
    if (envelope === undefined) return;
    if (envelope instanceof Refusal) return this.refuseMalformed(envelope);
    const { event, id, ack, packet } = envelope;
    if (ack !== undefined) {
      if (socket._outboundIfAny?.settle(envelope) === true) socket._connection.refundMessage();
      else this.router.counters.ignoredAnswers++;
      return;
    }
    if (packet === undefined ? event!.charCodeAt(0) === DOLLAR : !this.router.hasBridge)
      return this.handleUnusual(envelope);
    const refusal = event === undefined ? undefined : refusalOf(event);
    if (refusal !== undefined) return this.refuseMalformed(new Refusal('reserved_event', refusal, id));
    this.strikes = 0;
    if (!this.isFull) this.router.run(socket, envelope);
    else if (id === undefined || packet?.kind === 'event' || this.requests.isFree(id))
      this.postpone(envelope, data.length);
  }

  private handleUnusual(envelope: Envelope): void {
    if (envelope.packet === undefined) return this.router.runProtocolEvent(this.socket, envelope);
    this.refuseMalformed(
      new Refusal('bad_event', 'no microservice listens here: event is missing', envelope.id),
    );
  }

  /** Takes a message that is an answer to a request of this side. */
  private takeAnswer(data: Message, isBinary: boolean): boolean {
    const { socket } = this;
    const outbound = socket._outboundIfAny;
    if (outbound?.hasAsked !== true) return false;
    const envelope = this.router.read(socket, data, isBinary);
    if (envelope === undefined || envelope instanceof Refusal) return false;
    return envelope.ack !== undefined && outbound.settle(envelope);
  }

  private refuse(refusal: Refusal): void {
    this.router.refuse(this.socket, refusal);
  }

  /** Refuses a message and counts it: a client that sends nothing else is disconnected. */
  refuseMalformed(refusal: Refusal): void {
    this.refuse(refusal);
    if (++this.strikes >= MAX_STRIKES)
      this.socket._end('parse error', CLOSE_CODES.POLICY_VIOLATION.code, 'too many malformed messages');
  }

  /** Whether a further message has to wait. */
  private get isFull(): boolean {
    return this.late !== undefined || !this.hasRoom;
  }

  private get hasRoom(): boolean {
    const { _connection } = this.socket;
    if (this.isAuthenticating || this.requests.inFlight >= this.limits.maxInFlight) return false;
    // a client that does not read answers need not ask
    return !_connection.outbox.isCrowded;
  }

  private get isAsking(): boolean {
    return this.socket._outboundIfAny?.isAsking === true;
  }

  /** Queues a message until others end. */
  private postpone(envelope: Envelope, bytes: number): void {
    if (this.late === undefined) {
      this.late = [];
      this.lateBytes = 0;
      if (this.requests.inFlight >= this.limits.maxInFlight) this.warnOfWaiting();
      this.startStandstill();
    }
    this.goOnAfterDrain();
    // answers that handlers wait for may be behind this message, so the connection must be read on
    if (this.waitsEnough && this.isAsking)
      return this.refuse(new Refusal('rate_limited', 'too many messages wait', envelope.id));
    this.lateBytes += bytes;
    this.late.push({ envelope, bytes });
    if (this.waitsEnough && !this.isAsking) this.hold();
  }

  /** Reports that messages of this client begin to wait: once each time. */
  private warnOfWaiting(): void {
    const { socket } = this;
    publishLimit('maxInFlight', socket);
    // an event may be a name of the client's choice
    const events = new Set([...this.requests.values()].map(({ event }) => JSON.stringify(event)));
    socket.nsp._warn(
      'maxInFlight',
      `a client has ${this.requests.inFlight} messages in flight (limits.maxInFlight): its next ones wait. ` +
        `Requests without an answer yet: ${[...events].slice(0, 5).join(', ') || 'none'}`,
    );
  }

  private get waitsEnough(): boolean {
    if (this.late === undefined) return false;
    const factor = this.isReadForHeartbeat ? HEARTBEAT_FACTOR : 1;
    return this.late.length >= MAX_WAITING * factor || this.lateBytes >= MAX_WAITING_BYTES * factor;
  }

  /**
   * Reads a connection on that is paused because too much waits, since the heartbeat needs a sign of life, or the end of the
   * connection, which may be behind some messages. Those are queued with the others.
   *
   * @returns whether the connection is read now: not where the application has paused it, or too much waits already
   */
  readForHeartbeat(): boolean {
    if (!this.isHeld || this.early !== undefined) return false;
    this.isReadForHeartbeat = true;
    if (this.waitsEnough) return false;
    this.socket._connection.release('backlog');
    return !this.socket._connection.isPaused;
  }

  /** Reads a held connection on: this side has asked, and the answer is to come. */
  readAnswers(): void {
    if (this.late !== undefined) this.letGo();
  }

  /** Takes a waiting request for a stream back, since the client cancelled it. */
  withdraw(id: RequestId): Envelope | undefined {
    const index = this.late?.findIndex(({ envelope }) => envelope.id === id && envelope.stream) ?? -1;
    const withdrawn = index === -1 ? undefined : this.late!.splice(index, 1)[0];
    if (withdrawn === undefined) return undefined;
    this.lateBytes -= withdrawn.bytes;
    this.runWaiting();
    return withdrawn.envelope;
  }

  /** Runs messages that wait, as far as there is room: called whenever one in flight has ended. */
  runWaiting(): void {
    const { late, socket } = this;
    if (late === undefined || this.isResuming) return;
    this.isResuming = true;
    let next = 0;
    while (next < late.length && !socket._lifecycle.isEnded && this.hasRoom) {
      const { envelope, bytes } = late[next++]!;
      this.lateBytes -= bytes;
      runDetached(() => this.router.run(socket, envelope));
    }
    this.isResuming = false;
    late.splice(0, next);
    if (late.length === 0) {
      this.late = undefined;
      this.endStandstill();
      return this.letGo();
    }
    if (next > 0) this.standstill?.refresh();
    this.goOnAfterDrain();
  }

  private hold(): void {
    this.isHeld = true;
    this.socket._connection.hold('backlog');
  }

  private letGo(): void {
    if (!this.isHeld || this.socket._lifecycle.isEnded) return;
    this.isHeld = this.isReadForHeartbeat = false;
    this.socket._connection.release('backlog');
  }

  private startStandstill(): void {
    // outside the context of the message that happens to be handled
    runDetached(() => {
      this.standstill = setTimeout(() => this.onStandstill(), this.limits.maxStandstill);
    });
  }

  private endStandstill(): void {
    clearTimeout(this.standstill);
    this.standstill = undefined;
  }

  private onStandstill(): void {
    const { maxInFlight, maxStandstill } = this.limits;
    // a client that reads slowly is left to the heartbeat and to `maxBufferedBytes`
    if (this.requests.inFlight < maxInFlight && !this.isHeld) return this.startStandstill();
    const timeout = Math.min(CLOSE_TIMEOUT, maxStandstill);
    const { code } = CLOSE_CODES.TRY_AGAIN_LATER;
    this.socket._end('server namespace disconnect', code, 'no message in flight comes to an end', timeout);
  }

  /** Where answers pile up, runs messages that wait when the client has read. */
  private goOnAfterDrain(): void {
    const { _connection: connection } = this.socket;
    if (this.isAwaitingDrain || !connection.outbox.isCrowded) return;
    this.isAwaitingDrain = true;
    void connection.drained().then(() => {
      this.isAwaitingDrain = false;
      this.runWaiting();
    });
  }
}

/** This many malformed messages in a row end a connection. */
const MAX_STRIKES = 10;
/** The first character of the protocol's own events. */
const DOLLAR = 0x24;
