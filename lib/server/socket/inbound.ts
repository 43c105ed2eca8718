import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { Refusal, type Envelope, type RequestId } from '../../protocol/envelope.js';
import { refusalOf } from '../../protocol/refused-events.js';
import { publishLimit } from '../diagnostics/channels.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Message } from '../transport/message.js';
import { Backlog, MAX_WAITING, MAX_WAITING_BYTES, type BacklogSocket } from './backlog.js';
import type { MessageHandling } from './namespace-contract.js';
import type { RequestTable } from './request-table.js';
import { Turn } from './turn.js';

/** What the inbound side needs of its socket. */
export type InboundSocket = BacklogSocket;

/**
 * The messages of one client on their way to handlers: decodes each, and decides whether it runs now, waits, or is refused.
 * Messages wait while `handleConnection` runs, and while `maxInFlight` others are in flight.
 */
export class Inbound {
  /** `$auth` is being checked: later messages wait for the identity that it leads to. */
  isAuthenticating = false;
  /** Malformed messages since the last valid one. */
  strikes = 0;
  /** The message that is handled in order, and has not settled: later ones wait. */
  private turn: Turn | undefined;
  /** What arrived while middlewares and `handleConnection` run; `undefined` afterwards. */
  private early: [Message, boolean][] | undefined;
  private earlyBytes = 0;
  /** What waits for others in flight, made at the first such message. */
  private backlog: Backlog | undefined;
  private readonly router: MessageHandling<object>;
  private readonly limits: ConnectionLimits;
  private readonly requests: RequestTable;
  /** Whether the client speaks the envelope protocol, with its reserved names. */
  private readonly isEnvelope: boolean;

  constructor(
    private readonly socket: InboundSocket,
    isReady: boolean,
  ) {
    const { gateway, limits } = socket.nsp._config;
    this.router = gateway.router;
    this.limits = limits;
    this.requests = socket._requests;
    this.isEnvelope = socket._connection.encoding.protocol === 'envelope';
    if (!isReady) this.early = [];
  }

  /** Takes a message within the rate. */
  receive(data: Message, isBinary: boolean): void {
    if (this.early === undefined) return this.handle(data, isBinary);
    // `handleConnection` may be waiting for this answer
    if (this.takeAnswer(data, isBinary)) return this.socket._connection.refundMessage();
    this.earlyBytes += data.length;
    this.early.push([data, isBinary]);
    if (this.early.length < MAX_WAITING && this.earlyBytes < MAX_WAITING_BYTES) return;
    this.socket._connection.hold('early');
  }

  /** Takes a message over the rate: only an answer to a request of this side is accepted. */
  receiveExcess(data: Message, isBinary: boolean): void {
    const { socket } = this;
    if (this.takeAnswer(data, isBinary) || !socket._connection.takeRefusal()) return;
    publishLimit('messagesPerSecond', socket);
    const id = this.router.read(socket, data, isBinary)?.id;
    this.refuse(new Refusal('rate_limited', 'too many messages', id));
  }

  /** The connection is ready: handles what arrived early, in order. */
  open(): void {
    const early = this.early ?? [];
    this.early = undefined;
    for (const [data, isBinary] of early) if (!this.socket._lifecycle.isEnded) this.handle(data, isBinary);
    // if too many of them wait again, the backlog holds the connection
    this.socket._connection.release('early');
  }

  /** Drops everything that waits: the client has disconnected. */
  close(): void {
    this.early = undefined;
    this.backlog?.clear();
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
    if (!this.isEnvelope) return this.runOrPostpone(envelope, data.length);
    if (packet === undefined ? event!.charCodeAt(0) === DOLLAR : !this.router.takesPackets)
      return this.handleUnusual(envelope);
    const refusal = event === undefined ? undefined : refusalOf(event);
    if (refusal !== undefined) return this.refuseMalformed(new Refusal('reserved_event', refusal, id));
    this.runOrPostpone(envelope, data.length);
  }

  private runOrPostpone(envelope: Envelope, bytes: number): void {
    this.strikes = 0;
    const { id, packet } = envelope;
    if ((this.backlog === undefined || this.backlog.isEmpty) && this.hasRoom) this.run(envelope);
    else if (id === undefined || packet?.kind === 'event' || !this.requests.endIfDuplicate(id))
      this.postpone(envelope, bytes);
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
    // as in Socket.IO: what follows a malformed packet cannot be read
    if (!this.isEnvelope && refusal.code === 'bad_frame')
      return this.socket._end('parse error', CLOSE_CODES.PROTOCOL_ERROR.code, refusal.message);
    this.refuse(refusal);
    if (++this.strikes >= MAX_STRIKES)
      this.socket._end('parse error', CLOSE_CODES.POLICY_VIOLATION.code, 'too many malformed messages');
  }

  /** Whether a further message may run. */
  get hasRoom(): boolean {
    const { _connection } = this.socket;
    if (this.isAuthenticating || this.turn !== undefined) return false;
    if (this.requests.inFlight >= this.limits.maxInFlight) return false;
    // a client that does not read answers need not ask
    return !_connection.outbox.isCrowded;
  }

  /** Runs a message now. */
  run(envelope: Envelope): void {
    const { router } = this;
    if (router.hasOrder && router.isOrdered(envelope)) this.turn = new Turn(() => this.endTurn());
    router.run(this.socket, envelope, this.turn);
  }

  /** Runs a message that the client has cancelled while it waited: its handlers learn of it by their signal. */
  runCancelled(envelope: Envelope): void {
    this.run(envelope);
    this.requests.get(envelope.id!)?.cancel();
  }

  private endTurn(): void {
    this.turn = undefined;
    this.runWaiting();
  }

  /** Queues a message until others end. */
  private postpone(envelope: Envelope, bytes: number): void {
    this.backlog ??= new Backlog(this.socket, this.limits, this);
    if (!this.backlog.add(envelope, bytes))
      this.refuse(new Refusal('rate_limited', 'too many messages wait', envelope.id));
  }

  /** Whether messages wait for others in flight. */
  get hasWaiting(): boolean {
    return this.backlog?.isEmpty === false;
  }

  /** Runs messages that wait, as far as there is room: called whenever one in flight has ended. */
  runWaiting(): void {
    this.backlog?.run();
  }

  /** Reads a held connection on: this side has asked, and the answer is to come. */
  readAnswers(): void {
    this.backlog?.readAnswers();
  }

  /** Takes a waiting request for a stream back, since the client cancelled it. */
  withdraw(id: RequestId): Envelope | undefined {
    return this.backlog?.withdraw(id);
  }

  /** See {@link Backlog.readForHeartbeat}. */
  readForHeartbeat(): boolean {
    return this.early === undefined && this.backlog?.readForHeartbeat() === true;
  }
}

/** This many malformed messages in a row end a connection. */
const MAX_STRIKES = 10;
/** The first character of the protocol's own events. */
const DOLLAR = 0x24;
