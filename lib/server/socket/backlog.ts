import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type { Envelope, RequestId } from '../../protocol/envelope.js';
import { publishLimit } from '../diagnostics/channels.js';
import type { ObservedSocket } from '../diagnostics/types.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Connection } from '../transport/connection.js';
import type { DisconnectReason } from '../transport/disconnect-reason.js';
import { runDetached } from '../util/detached.js';
import type { NamespaceContract } from './namespace-contract.js';
import type { Outbound } from './outbound.js';
import type { RequestTable } from './request-table.js';

/** How many messages wait before the connection is paused. Those that were read already are still queued. */
export const MAX_WAITING = 128;
export const MAX_WAITING_BYTES = 1_000_000;
/** The same limits are this many times higher while the heartbeat reads on to find out whether the client is alive. */
const HEARTBEAT_FACTOR = 2;
/** Milliseconds for the client's close frame after a standstill: many messages that were not read may be before it. */
const CLOSE_TIMEOUT = 5_000;

/** What a backlog needs of its socket. */
export interface BacklogSocket extends Omit<ObservedSocket, 'nsp'> {
  readonly nsp: NamespaceContract;
  readonly _connection: Connection;
  readonly _lifecycle: { readonly isEnded: boolean };
  /** `undefined` until something is emitted. */
  readonly _outboundIfAny: Outbound | undefined;
  readonly _requests: RequestTable;
  _end(reason: DisconnectReason, code?: number, text?: string, timeout?: number): void;
}

/** What a backlog asks when a message could run. */
interface Runner {
  readonly hasRoom: boolean;
  run(envelope: Envelope): void;
  runCancelled(envelope: Envelope): void;
}

/** A message that waits for others in flight. */
interface WaitingMessage {
  readonly envelope: Envelope;
  readonly bytes: number;
  /** Whether the client has cancelled it. */
  isCancelled: boolean;
}

/**
 * The messages of one client that wait, because `maxInFlight` others are in flight, one that is handled in order has not
 * settled, or the client does not read its answers.
 * Pauses the connection when too many wait, and ends it when none in flight ends.
 */
export class Backlog {
  private readonly waiting: WaitingMessage[] = [];
  private bytes = 0;
  private isRunning = false;
  /** The connection is paused because too much waits. */
  private isHeld = false;
  /** The heartbeat reads on: more may wait before the connection is paused again. */
  private isReadForHeartbeat = false;
  private isAwaitingDrain = false;
  /** Ends the connection if no message in flight ends. */
  private standstill: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: BacklogSocket,
    private readonly limits: ConnectionLimits,
    private readonly runner: Runner,
  ) {}

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** Queues a message. @returns false if too much waits already, while the connection has to be read on */
  add(envelope: Envelope, bytes: number): boolean {
    if (this.isEmpty) {
      if (this.socket._requests.inFlight >= this.limits.maxInFlight) this.warn();
      // an observer may have disconnected the client: its timer would run for ever
      if (this.socket._lifecycle.isEnded) return true;
      this.startStandstill();
    }
    this.runAfterDrain();
    // an answer that a handler waits for may be behind this message, so the connection must be read on
    if (this.isFull && this.isAsking) return false;
    this.bytes += bytes;
    this.waiting.push({ envelope, bytes, isCancelled: false });
    if (this.isFull && !this.isAsking) this.hold();
    return true;
  }

  /** Takes a waiting request for a stream back, since the client cancelled it. Another request will run as a cancelled one. */
  withdraw(id: RequestId): Envelope | undefined {
    const index = this.waiting.findIndex(
      ({ envelope: { id: own, packet } }) => own === id && packet?.kind !== 'event',
    );
    const withdrawn = this.waiting[index];
    if (withdrawn === undefined) return undefined;
    withdrawn.isCancelled = true;
    if (!withdrawn.envelope.stream) return undefined;
    this.waiting.splice(index, 1);
    this.bytes -= withdrawn.bytes;
    if (this.isEmpty) this.onEmpty();
    else this.run();
    return withdrawn.envelope;
  }

  /** Runs messages as far as there is room: called whenever one in flight has ended. */
  run(): void {
    const { waiting, socket } = this;
    if (this.isEmpty || this.isRunning) return;
    this.isRunning = true;
    let next = 0;
    while (next < waiting.length && !socket._lifecycle.isEnded && this.runner.hasRoom) {
      const { envelope, bytes, isCancelled } = waiting[next++]!;
      this.bytes -= bytes;
      runDetached(() => (isCancelled ? this.runner.runCancelled(envelope) : this.runner.run(envelope)));
    }
    this.isRunning = false;
    waiting.splice(0, next);
    if (this.isEmpty) return this.onEmpty();
    if (next > 0) this.standstill?.refresh();
    this.runAfterDrain();
  }

  private onEmpty(): void {
    this.stopStandstill();
    this.release();
  }

  /** Reads a held connection on: this side has asked, and the answer is to come. */
  readAnswers(): void {
    if (!this.isEmpty) this.release();
  }

  /**
   * Reads a connection on that is paused because too much waits: the heartbeat needs a sign of life, or the end of the
   * connection, which may be behind some messages. Those are queued with the others.
   *
   * @returns whether the connection is read now: not if the application has paused it, or too much waits already
   */
  readForHeartbeat(): boolean {
    if (!this.isHeld) return false;
    this.isReadForHeartbeat = true;
    if (this.isFull) return false;
    const { _connection: connection } = this.socket;
    connection.release('backlog');
    if (!connection.isPaused) return true;
    // the application has paused it, and its `client.resume()` must not read on either
    this.isReadForHeartbeat = false;
    connection.hold('backlog');
    return false;
  }

  /** Drops all messages: the client has disconnected. */
  clear(): void {
    this.waiting.length = 0;
    this.stopStandstill();
  }

  private get isAsking(): boolean {
    return this.socket._outboundIfAny?.isAsking === true;
  }

  private get isFull(): boolean {
    const factor = this.isReadForHeartbeat ? HEARTBEAT_FACTOR : 1;
    return this.waiting.length >= MAX_WAITING * factor || this.bytes >= MAX_WAITING_BYTES * factor;
  }

  private hold(): void {
    this.isHeld = true;
    this.socket._connection.hold('backlog');
  }

  private release(): void {
    if (!this.isHeld || this.socket._lifecycle.isEnded) return;
    this.isHeld = this.isReadForHeartbeat = false;
    this.socket._connection.release('backlog');
  }

  /** Reports that messages of this client begin to wait: once each time. */
  private warn(): void {
    const { socket } = this;
    publishLimit('maxInFlight', socket);
    // an event may be a name of the client's choice
    const events = new Set([...socket._requests.values()].map(({ event }) => JSON.stringify(event)));
    socket.nsp._warn(
      'maxInFlight',
      `a client has ${socket._requests.inFlight} messages in flight (limits.maxInFlight): its next ones wait. ` +
        `Requests without an answer yet: ${[...events].slice(0, 5).join(', ') || 'none'}`,
    );
  }

  private startStandstill(): void {
    // outside the context of the message that happens to be handled
    runDetached(() => {
      this.standstill = setTimeout(() => this.onStandstill(), this.limits.maxStandstill);
    });
  }

  private stopStandstill(): void {
    clearTimeout(this.standstill);
    this.standstill = undefined;
  }

  private onStandstill(): void {
    const { maxInFlight, maxStandstill } = this.limits;
    // a client that reads slowly is left to the heartbeat and to `maxBufferedBytes`
    if (this.socket._requests.inFlight < maxInFlight && !this.isHeld) return this.startStandstill();
    const timeout = Math.min(CLOSE_TIMEOUT, maxStandstill);
    const { code } = CLOSE_CODES.TRY_AGAIN_LATER;
    this.socket._end('server namespace disconnect', code, 'no message in flight comes to an end', timeout);
  }

  /** If answers pile up, runs messages when the client has read them. */
  private runAfterDrain(): void {
    const { _connection: connection } = this.socket;
    if (this.isAwaitingDrain || !connection.outbox.isCrowded) return;
    this.isAwaitingDrain = true;
    void connection.drained().then(() => {
      this.isAwaitingDrain = false;
      this.run();
    });
  }
}
