import type { Encoded } from './encoding.js';
import { Frame, frameText, joinFrames, type Outgoing } from './frame.js';

/** Past this many waiting characters a connection is written at once, so that a long loop cannot pile up a tick. */
const FLUSH_AT = 64 * 1024;

/**
 * Characters of a message that is written in the middle of a tick. A larger one could make the connection refuse `volatile` messages
 * of the same tick.
 */
const MAX_AT_ONCE = 4 * 1024;

function sizeOf(item: Outgoing): number {
  return item.length;
}

/** The outboxes with messages to write at the end of this tick. */
let dirty: Outbox[] = [];

function flushAll(): void {
  const outboxes = dirty;
  dirty = [];
  for (const outbox of outboxes) outbox.flush();
  lastItems = lastBytes = undefined;
}

// Several broadcasts of one tick leave the same list for each member of a room, one member after the other: the list is
// joined once, and every further member writes the same buffer.
let lastItems: readonly Outgoing[] | undefined;
let lastBytes: Buffer | undefined;

/** Returns the bytes of all messages, as one buffer. Equal lists within a tick share it. */
export function bytesOf(items: readonly Outgoing[]): Buffer {
  if (items.length === 1) {
    const [item] = items as [Outgoing];
    return typeof item === 'string' ? frameText(item) : item.bytes;
  }
  if (lastItems !== undefined && lastBytes !== undefined && sameItems(items, lastItems)) return lastBytes;
  lastItems = items;
  lastBytes = joinFrames(items);
  return lastBytes;
}

/** Returns whether two lists have the same frames and texts, and so the same bytes. */
export function sameItems(items: readonly Outgoing[], others: readonly Outgoing[]): boolean {
  if (items.length !== others.length) return false;
  // frames are compared by identity; two equal texts have equal bytes as well
  for (let i = 0; i < items.length; i++) if (items[i] !== others[i]) return false;
  return true;
}

/** The transport below an outbox. */
export interface OutboxTransport {
  /** Whether it takes messages. */
  readonly isOpen: boolean;
  /** Bytes that it took and has not passed on to the operating system. */
  readonly unwrittenBytes: number;
  /** It takes no more data at the moment: a `volatile` message is dropped. */
  readonly needsDrain: boolean;
  /** Enough waits: a source that can wait should. */
  readonly isBusy: boolean;
  /** Whether it writes prepared frames of RFC 6455 as they are: only a WebSocket without compression does. */
  readonly takesFrames: boolean;
  /** Writes the messages, if it is open. @returns the bytes of the largest single write */
  write(items: readonly Outgoing[]): number;
  /** More waits than the limit; called once. */
  onOverflow(): void;
  /** A logged message is sent, with or without its offset: see `ConnectionOwner.shouldSend`. */
  shouldSend(offset: string | undefined, isOwn: boolean): boolean;
}

/**
 * The queue of outgoing messages of one connection. The peer gets them in the order of the calls, whatever their target;
 * all of a tick go out in one write (63 % less server time per message on pipelined echo than one write each); after a
 * close nothing follows. What is pushed before {@link start} waits for that.
 */
export class Outbox {
  private isStarted = false;
  /** What waits: the only message, or a list of several. Most ticks send one message to a connection. */
  private items: Outgoing | Outgoing[] | undefined;
  private waiting = 0;
  /** Bytes of the largest single write under way, if it exceeds the limit. */
  private oversize = 0;
  /** A message whose offset in the log is not known yet, and everything that was pushed after it. */
  private behind: Outgoing[] | undefined;
  /** How many items at the start of `behind` were passed on already. */
  private passed = 0;
  private behindSize = 0;
  /**
   * Only an open outbox accepts messages. One with more than the limit overflows, and notifies its transport at the end of
   * the tick.
   */
  private state: 'open' | 'overflowing' | 'overflowed' | 'ended' = 'open';

  constructor(
    private readonly transport: OutboxTransport,
    /** Bytes that may wait when more is to be written: a single message is never too large by itself. */
    private readonly limit: number,
  ) {}

  /** Starts to write. Does nothing the second time. */
  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    if (this.items !== undefined) this.schedule();
  }

  /** Whether {@link start} was called. */
  get hasStarted(): boolean {
    return this.isStarted;
  }

  /** Adds one message behind all that were pushed before. */
  push(item: Outgoing): void {
    if (this.state !== 'open') return;
    if (this.behind !== undefined) return this.queue(item);
    const { items } = this;
    if (items === undefined) {
      this.items = item;
      this.schedule();
    } else if (Array.isArray(items)) {
      items.push(item);
    } else {
      this.items = [items, item];
    }
    this.waiting += sizeOf(item);
    if (this.waiting <= FLUSH_AT) return;
    // an overflow reaches users' code, which may emit: not in the middle of a broadcast
    if (!this.isFull) return this.flush();
    this.giveUp();
  }

  /** Adds one encoded message. @param compress `false`: left uncompressed, also where permessage-deflate was negotiated */
  pushEncoded(message: Encoded, compress = true): void {
    this.push(typeof message === 'string' && compress ? message : new Frame(message, compress));
  }

  /**
   * Adds the answer to the only message in flight. If nothing waits before it, nothing is likely to follow in this tick, and it is
   * written at once: 3 % less server time with one message in flight.
   */
  pushLast(message: Encoded): void {
    const isSmall = typeof message === 'string' && message.length <= MAX_AT_ONCE;
    const isAlone = this.items === undefined && this.behind === undefined && this.state === 'open';
    if (!isSmall || !isAlone || !this.isStarted || this.isFull) this.pushEncoded(message);
    else this.makeRoomFor(this.transport.write([message]));
  }

  /**
   * Adds the messages that a client missed.
   *
   * @param bytes the same messages as frames, if they were prepared
   */
  pushMissed(missed: readonly Frame[], bytes: readonly Buffer[] | undefined): void {
    if (bytes === undefined || !this.transport.takesFrames)
      for (const frame of missed) this.push(frame.withOffset);
    else for (const piece of bytes) this.push(Frame.joined(piece));
  }

  private giveUp(): void {
    this.drop();
    this.behind = undefined;
    this.behindSize = 0;
    this.state = 'overflowing';
    this.schedule();
  }

  /** Adds a message of the log. One without an offset yet holds back everything that is pushed after it. */
  pushLogged(frame: Frame): void {
    if (frame.pendingOffset !== undefined) this.pushPending(frame);
    else if (frame.offset !== undefined) {
      if (this.transport.shouldSend(frame.offset, false)) this.pushAhead(frame.withOffset);
    } else if (this.isDue(frame)) this.push(frame);
  }

  /** Adds a message without an offset in the log yet; what is pushed later waits for it. */
  pushPending(frame: Frame): void {
    if (this.state !== 'open') return;
    this.queue(frame);
    frame.pendingOffset!.wait(() => this.goOn());
  }

  /** Adds a message with its offset in the log, before those that wait for theirs. */
  pushAhead(frame: Frame): void {
    const { behind } = this;
    this.behind = undefined;
    this.push(frame);
    if (this.state === 'open') this.behind = behind;
  }

  /**
   * Waits for no more offsets, since the connection ends.
   *
   * @param keepsMissed drops messages without an offset: the client gets them when it resumes its session
   */
  close(keepsMissed: boolean): void {
    this.goOn(keepsMissed ? 'drop' : 'send');
    this.flush();
  }

  /** Accepts nothing more. What waits is still written, by {@link flush}. */
  end(): void {
    this.state = 'ended';
  }

  private queue(item: Outgoing): void {
    this.behind ??= [];
    this.behind.push(item);
    this.behindSize += sizeOf(item);
    if (this.behindSize > this.limit) this.giveUp();
  }

  private isDue(item: Outgoing): boolean {
    if (typeof item === 'string' || item.logOffset === undefined) return true;
    return this.transport.shouldSend(item.offset, typeof item.logOffset === 'object');
  }

  private goOn(pendingOffset: 'wait' | 'send' | 'drop' = 'wait'): void {
    const { behind } = this;
    if (behind === undefined) return;
    this.behind = undefined;
    let next = this.passed;
    this.passed = 0;
    for (; next < behind.length && this.state === 'open'; next++) {
      const item = behind[next]!;
      const isPending = item instanceof Frame && item.pendingOffset !== undefined;
      if (isPending && pendingOffset === 'wait') break;
      this.behindSize -= sizeOf(item);
      if (isPending && pendingOffset === 'drop') continue;
      if (this.isDue(item)) this.push(item instanceof Frame ? item.withOffset : item);
    }
    if (next === behind.length || this.state !== 'open') return;
    this.behind = behind;
    // offsets arrive one by one: moving the rest for each of them would cost more than sending it
    if (next * 2 > behind.length) behind.splice(0, next);
    else this.passed = next;
  }

  /** Takes back everything that waits, so that another message can go before it. */
  take(): readonly Outgoing[] {
    const { items = [] } = this;
    this.drop();
    return Array.isArray(items) ? items : [items];
  }

  /** Writes what waits, now: before a join, a close, a ping or a frame that `ws` itself writes. */
  flush(): void {
    const { items } = this;
    if (this.state === 'overflowing') return this.reportOverflow();
    if (items === undefined || (!this.isStarted && !this.isFull)) return;
    this.drop();
    if (!this.isStarted || this.isFull) return this.reportOverflow();
    this.makeRoomFor(this.transport.write(Array.isArray(items) ? items : [items]));
  }

  /** Prepares for a message of `size` bytes that the transport writes itself: what was pushed before goes first. */
  precede(size: number): void {
    this.goOn('send');
    this.flush();
    if (this.isFull) this.reportOverflow();
    else this.makeRoomFor(size);
  }

  /** Bytes that wait here and in the transport; those that wait here are counted in characters. */
  get bufferedAmount(): number {
    return this.waiting + this.behindSize + this.transport.unwrittenBytes;
  }

  /** More waits than the limit. What follows an oversized single message gets the limit on top of it. */
  get isFull(): boolean {
    const amount = this.isStarted ? this.transport.unwrittenBytes : this.waiting;
    if (amount > this.limit) return amount > this.limit + this.oversize;
    this.oversize = 0;
    return false;
  }

  /** More than half of the limit waits, and the transport will report when it has drained: no time to ask for more. */
  get isCrowded(): boolean {
    return this.transport.isBusy && this.bufferedAmount > this.limit / 2;
  }

  /** The connection takes data: a `volatile` message is sent. */
  get writable(): boolean {
    return this.isStarted && this.transport.isOpen && !this.transport.needsDrain;
  }

  /** The connection takes more from a source that can wait. */
  get isIdle(): boolean {
    return this.isStarted && this.transport.isOpen && !this.transport.isBusy;
  }

  private makeRoomFor(size: number): void {
    if (size > this.limit) this.oversize = Math.max(this.oversize, size);
  }

  private drop(): void {
    this.items = undefined;
    this.waiting = 0;
  }

  private reportOverflow(): void {
    // what is not open any more has a reason for its end already
    const isOver = this.state === 'overflowed' || this.state === 'ended';
    if (isOver || (this.isStarted && !this.transport.isOpen)) return;
    this.state = 'overflowed';
    this.transport.onOverflow();
  }

  private schedule(): void {
    if (dirty.push(this) === 1) process.nextTick(flushAll);
  }
}
