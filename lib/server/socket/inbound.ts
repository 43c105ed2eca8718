import type { Message } from '../transport/server-web-socket.js';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type { Envelope, RequestId } from '../../protocol/envelope.js';
import { channels } from '../diagnostics/channels.js';
import { runDetached } from '../util/detached.js';
import { Peer } from './peer.js';

/** How many messages wait before the line is paused; those that were read already still come. */
const MAX_WAITING = 128;
const MAX_WAITING_BYTES = 1_000_000;
/** So many times as many may wait where the heartbeat has the line read on, to see whether the client is still there. */
const LISTENING = 2;
/** Milliseconds for the client's part of the goodbye where the line stood still: much that was not read may be before it. */
const GOODBYE_WITHIN = 5_000;

/**
 * What of a client's messages is let through to its handlers, and when: none before the connection is ready, so many
 * per second, so many at a time. Who sends on gets a refusal, who asks too much at once has to wait.
 */
export abstract class Inbound extends Peer {
  /** @internal Handlers of messages without an `id` that have not come to an end. */
  _running = 0;
  /** @internal `$auth` is being looked at: what comes meanwhile is for whoever the client is then. */
  _isAuthenticating = false;
  /** What came while middlewares and `handleConnection` run. */
  private early: [Message, boolean][] | undefined = [];
  private earlyBytes = 0;
  /** What came while as many messages as may be were in flight. */
  private late: { readonly envelope: Envelope; readonly bytes: number }[] | undefined;
  private lateBytes = 0;
  private isResuming = false;
  /** The line was paused because too much waits. */
  private isHeld = false;
  /** It was read on after that: more waits before it is paused again. */
  private isListening = false;
  /** The gateway has paused it. */
  private isPausedByGateway = false;
  /** Ends a line on which messages wait for others in flight, of which none comes to an end. */
  private standstill: NodeJS.Timeout | undefined;
  private isAwaitingDrain = false;
  private paid = 0;
  private paidRefusals = 0;

  /** @internal */
  abstract get _inFlight(): number;
  protected abstract handle(data: Message, isBinary: boolean): void;
  protected abstract tellMessage(data: Message): void;
  /** Takes the message where it is an answer that this side waits for. */
  protected abstract takeAnswer(data: Message, isBinary: boolean): boolean;
  /** This side waits for answers of the client's. */
  protected abstract get isAsking(): boolean;
  protected abstract handleLate(envelope: Envelope): void;
  protected abstract refuseFlood(data: Message, isBinary: boolean): void;
  protected abstract endFlood(): void;
  /** @internal Told once for each time that messages begin to wait. */
  protected abstract tellHeld(): void;

  /** @internal Middlewares or `handleConnection` still run. */
  get _isWaiting(): boolean {
    return this.early !== undefined;
  }

  /** @internal As many messages as may be are with their handlers, or others wait for that already. */
  get _isFull(): boolean {
    return this.late !== undefined || !this.hasRoom;
  }

  private get hasRoom(): boolean {
    if (this._isAuthenticating || this._inFlight >= this._limits.maxInFlight) return false;
    // who does not take answers need not ask
    return !this.outbox.isCrowded;
  }

  /** @internal */
  override _onMessage(data: Message, isBinary: boolean): void {
    this._pingedAt = 0;
    if (this._gone) return;
    if (channels.message.hasSubscribers) this.tellMessage(data);
    if (!this.takeToken()) {
      if (!this.takeAnswer(data, isBinary) && this.mayBeRefused()) this.refuseFlood(data, isBinary);
      return;
    }
    if (this.early === undefined) return this.handle(data, isBinary);
    // `handleConnection` may be waiting for it
    if (this.takeAnswer(data, isBinary)) return this._forgive();
    this.earlyBytes += data.length;
    this.early.push([data, isBinary]);
    if (this.early.length >= MAX_WAITING || this.earlyBytes >= MAX_WAITING_BYTES) this.hold();
  }

  /** @internal */
  override _onPing(data: Buffer): void {
    if (this._gone || !this.mayPass()) return;
    // what answers pings, `ws` itself, asks nobody whether the peer reads the pongs
    if (this.outbox.isFull) return this._overflow();
    super._onPing(data);
  }

  /** @internal */
  override _onPong(data: Buffer): void {
    // the answer to a ping of this side is not the client's own doing
    if (!this._gone && (this._pingedAt !== 0 || this.mayPass())) super._onPong(data);
  }

  /** @internal The answer to a request of this side is not the client's own doing. */
  _forgive(): void {
    const { messages } = this._limits;
    if (messages !== undefined && this.paid !== 0) this.paid -= messages.interval;
  }

  /** @internal The message waits for its turn. @returns whether there is room for it to wait */
  _postpone(envelope: Envelope, bytes: number): boolean {
    if (this.late === undefined) {
      this.late = [];
      this.lateBytes = 0;
      if (this._inFlight >= this._limits.maxInFlight) this.tellHeld();
      this.awaitProgress();
    }
    this.goOnAfterDrain();
    // answers that handlers wait for may be behind this message: then the line is read on
    if (this.waitsEnough && this.isAsking) return false;
    this.lateBytes += bytes;
    this.late.push({ envelope, bytes });
    if (this.waitsEnough && !this.isAsking) this.hold();
    return true;
  }

  private get waitsEnough(): boolean {
    if (this.late === undefined) return false;
    const times = this.isListening ? LISTENING : 1;
    return this.late.length >= MAX_WAITING * times || this.lateBytes >= MAX_WAITING_BYTES * times;
  }

  override pause(): void {
    this.isPausedByGateway = true;
    super.pause();
  }

  override resume(): void {
    this.isPausedByGateway = false;
    super.resume();
  }

  /**
   * @internal The heartbeat comes to a line that is paused. Its end, or a pong, may be behind some messages: they are read, and
   * wait with the others. Not where the gateway has paused it, nor where too much waits already.
   *
   * @returns whether the line is read on
   */
  _listenIn(): boolean {
    if (!this.isHeld || this.isPausedByGateway || this.early !== undefined) return false;
    this.isListening = true;
    if (this.waitsEnough) return false;
    super.resume();
    return true;
  }

  /** This side has asked: a line that is held is read on. */
  protected readAnswers(): void {
    if (this.late !== undefined) this.letGo();
  }

  /** @internal Takes a request back that waits, where it asks for a stream. */
  _withdraw(id: RequestId): Envelope | undefined {
    const index = this.late?.findIndex(({ envelope }) => envelope.id === id && envelope.stream) ?? -1;
    const withdrawn = index === -1 ? undefined : this.late!.splice(index, 1)[0];
    if (withdrawn === undefined) return undefined;
    this.lateBytes -= withdrawn.bytes;
    this._settled();
    return withdrawn.envelope;
  }

  /** @internal The connection is ready: what came early is handled, in order. */
  _open(): void {
    const early = this.early ?? [];
    this.early = undefined;
    for (const [data, isBinary] of early) if (!this._gone) this.handle(data, isBinary);
    // those that do not get their turn at once have held the line themselves where they are too many
    if (!this.waitsEnough || this.isAsking) this.letGo();
  }

  /** @internal A message is done with: the next one that waits has its turn. */
  _settled(): void {
    const { late } = this;
    if (late === undefined || this.isResuming) return;
    this.isResuming = true;
    let next = 0;
    while (next < late.length && !this._gone && this.hasRoom) {
      const { envelope, bytes } = late[next++]!;
      this.lateBytes -= bytes;
      this.handleLate(envelope);
    }
    this.isResuming = false;
    late.splice(0, next);
    if (late.length === 0) {
      this.late = undefined;
      this.endWait();
      return this.letGo();
    }
    if (next > 0) this.standstill?.refresh();
    this.goOnAfterDrain();
  }

  /** What waits is dropped; the line is read on, so that its end is seen. */
  protected dropWaiting(): void {
    this.early = this.late = undefined;
    this.endWait();
    if (this.isPaused) this.resume();
  }

  /** @returns whether there was one for this message */
  private takeToken(): boolean {
    const { messages } = this._limits;
    if (messages === undefined) return true;
    const paid = messages.take(this.paid, performance.now());
    if (paid === 0) return false;
    this.paid = paid;
    return true;
  }

  /** Without a token; a client that goes on and on is let go. */
  private mayBeRefused(): boolean {
    this.paidRefusals = this._limits.refusals.take(this.paidRefusals, performance.now());
    if (this.paidRefusals === 0) this.endFlood();
    return !this._gone;
  }

  /** The same for what is not answered: it just does not count. */
  private mayPass(): boolean {
    if (this.takeToken()) return true;
    this.mayBeRefused();
    return false;
  }

  private hold(): void {
    // anew each time: a gateway that paused the line may have resumed it meanwhile
    this.isHeld = true;
    super.pause();
  }

  private awaitProgress(): void {
    // not a matter of the message that happens to be handled
    runDetached(() => {
      this.standstill = setTimeout(() => this.endStandstill(), this._limits.maxStandstill);
    });
  }

  private endWait(): void {
    clearTimeout(this.standstill);
    this.standstill = undefined;
  }

  private endStandstill(): void {
    // a client that reads slowly has the heartbeat's time, and as much as may wait for it
    if (this._inFlight < this._limits.maxInFlight && !this.isHeld) return this.awaitProgress();
    const { code } = CLOSE_CODES.TRY_AGAIN_LATER;
    this._end('server namespace disconnect', code, 'no message in flight comes to an end');
    const { ws } = this;
    const patience = setTimeout(() => ws.terminate(), Math.min(GOODBYE_WITHIN, this._limits.maxStandstill));
    ws.on('close', () => clearTimeout(patience));
  }

  /** The line is crowded: what waits has its turn when the client has read. */
  private goOnAfterDrain(): void {
    if (this.isAwaitingDrain || !this.outbox.isCrowded) return;
    this.isAwaitingDrain = true;
    void this._drained().then(() => {
      this.isAwaitingDrain = false;
      this._settled();
    });
  }

  private letGo(): void {
    // a gateway may have paused the line by itself
    if (!this.isHeld || this._gone) return;
    this.isHeld = this.isListening = false;
    if (!this.isPausedByGateway) super.resume();
  }
}

/** What operators are told of a client whose messages have to wait. */
export function describeHeld(inFlight: number, requests: Iterable<{ event: string }>): string {
  // a name may be the client's choice
  const names = new Set([...requests].map(({ event }) => JSON.stringify(event)));
  return (
    `a client has ${inFlight} messages in flight (limits.maxInFlight): its next ones wait. ` +
    `Requests without an answer yet: ${[...names].slice(0, 5).join(', ') || 'none'}`
  );
}
