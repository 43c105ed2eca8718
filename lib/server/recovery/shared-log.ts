import type { Room } from 'socket.io-adapter';
import type { Encoding } from '../transport/encoding.js';
import { PendingOffset, type Frame } from '../transport/frame.js';
import { isRecoverable, isInTarget } from '../rooms/target.js';
import { RepeatedEntries } from './repeated-entries.js';

/** One message of the log that all nodes write to. */
export interface LogEntry {
  readonly offset: string;
  readonly data: readonly unknown[];
  readonly meta: object | undefined;
  readonly rooms: ReadonlySet<Room>;
  readonly except: ReadonlySet<Room>;
}

/** A message of this node that was written to the log, but not read back yet. */
interface PendingMessage {
  readonly rooms: ReadonlySet<Room>;
  readonly except: ReadonlySet<Room>;
  /** The offset for connected clients, which get the message without one after {@link TIMEOUT}. */
  readonly pendingOffset: PendingOffset;
  /**
   * The offset for clients that resume meanwhile. They wait longer for it, since their missed messages may include
   * this one: without its offset, they would receive it twice.
   */
  readonly resumeOffset: PendingOffset;
}

/** A broadcast in the format of `ClusterAdapter`. */
interface Message {
  readonly type: number;
  readonly uid: string;
  readonly data: {
    readonly packet: { readonly data: readonly unknown[]; readonly meta?: object };
    readonly opts: {
      readonly rooms: Room[];
      readonly except: Room[];
      readonly flags?: { readonly mark?: number; readonly volatile?: boolean };
    };
  };
}

const BROADCAST = 3;
/** How long a message of this node waits for its offset in the log, in milliseconds. Then it is sent without one. */
const TIMEOUT = 1_000;
/** The timeout for clients that have just resumed, in milliseconds. */
const RESUME_TIMEOUT = 10_000;
/** Milliseconds between two probe messages of this node, until it reads one back. */
const PROBE_INTERVAL = 100;
/** After how many milliseconds clients are accepted even if the log was not read. */
const READY_WITHIN = 1_000;

/**
 * The last id of a pending message. All logs share it, since a client may receive messages of two logs, in the order of
 * the calls.
 */
let lastId = 0;

/**
 * The log of a cluster as one node reads it, in order. A message of this node has no offset before it was read back.
 * Clients wait for that offset: a client resumes from the last one it received, so it must have all messages before
 * it.
 */
export class SharedLog {
  /** Resolves when the first entry of the log was read, or after a second. */
  readonly ready: Promise<void>;
  /** The offset of the last entry read; `undefined` before the first one. */
  offset: string | undefined;
  private readonly pendingMessages = new Map<number, PendingMessage>();
  private readonly recordings = new Set<LogEntry[]>();
  private readonly repeated = new RepeatedEntries();
  /** Whether a message timed out, and no entry was read since. */
  private hasStalled = false;
  private timer: NodeJS.Timeout | undefined;
  private markReady: (() => void) | undefined;

  constructor(
    private readonly uid: string,
    private readonly isAway: () => boolean,
  ) {
    this.ready = new Promise((resolve) => {
      this.markReady = resolve;
      setTimeout(resolve, READY_WITHIN).unref();
    });
  }

  /** Writes probes until one is read back. @param writeProbe writes an entry into the log; never throws */
  start(writeProbe: () => void): void {
    writeProbe();
    // not while the broker does not answer: its client may queue what it cannot send
    this.timer = setInterval(() => this.isAway() || writeProbe(), PROBE_INTERVAL).unref();
  }

  /** Stops writing probes. */
  stop(): void {
    clearInterval(this.timer);
  }

  /**
   * Registers a message that is about to be written. Returns `undefined` if the message is not to wait for its
   * offset.
   */
  register(
    target: Pick<PendingMessage, 'rooms' | 'except'>,
  ): { readonly id: number; readonly pendingOffset: PendingOffset } | undefined {
    if (this.offset === undefined || this.isAway()) return undefined;
    const id = ++lastId;
    const pendingOffset = new PendingOffset();
    const resumeOffset = new PendingOffset();
    const { rooms, except } = target;
    this.pendingMessages.set(id, { rooms, except, pendingOffset, resumeOffset });
    const timeOut = (): void => {
      this.hasStalled = true;
      pendingOffset.settle(undefined);
      timer = setTimeout(() => this.settle(id, undefined), RESUME_TIMEOUT - TIMEOUT).unref();
    };
    let timer: NodeJS.Timeout | undefined;
    if (this.hasStalled) timeOut();
    else timer = setTimeout(timeOut, TIMEOUT).unref();
    resumeOffset.wait(() => clearTimeout(timer));
    return { id, pendingOffset };
  }

  /** Sets the offset of a pending message. @param offset `undefined` if the message was not written */
  settle(id: number, offset: string | undefined): void {
    const message = this.pendingMessages.get(id);
    this.pendingMessages.delete(id);
    message?.pendingOffset.settle(offset);
    message?.resumeOffset.settle(offset);
  }

  /** Returns a number for a message that does not wait for its offset, so that it is known when it is repeated. */
  nextMark(): number {
    return ++lastId;
  }

  /** Whether the entry at an offset repeats an earlier one. */
  isRepeated(offset: string): boolean {
    return this.repeated.has(offset);
  }

  /** Processes an entry that was read from the log. @returns whether its message was there before */
  receive({ type, uid, data }: Message, offset: string): boolean {
    if (this.offset === undefined) {
      this.stop();
      this.markReady?.();
    }
    this.offset = offset;
    this.hasStalled = false;
    if (type !== BROADCAST) return false;
    const { packet, opts } = data;
    const mark = opts.flags?.mark;
    if (mark !== undefined && this.repeated.add(uid, mark, offset)) return true;
    if (this.recordings.size > 0 && isRecoverable(packet, opts.flags)) {
      const entry = {
        offset,
        data: [...packet.data],
        meta: Object.hasOwn(packet, 'meta') ? packet.meta : undefined,
        rooms: new Set(opts.rooms),
        except: new Set(opts.except),
      };
      for (const recording of this.recordings) recording.push(entry);
    }
    if (uid === this.uid && mark !== undefined) this.settle(mark, offset);
    return false;
  }

  /**
   * Returns this node's pending messages for a client in these rooms, with ids in the order of the calls. A message
   * that revokes sessions has no frame.
   */
  pending(rooms: readonly Room[], encoding: Encoding): [id: number, frame: Frame | undefined][] {
    return [...this.pendingMessages]
      .filter(([, target]) => isInTarget(rooms, target))
      .map(([id, message]) => [id, resumeFrame(message, encoding)]);
  }

  /** Records the entries that are read from now on. Returns a function that ends the recording and returns them. */
  record(): () => LogEntry[] {
    const recording: LogEntry[] = [];
    this.recordings.add(recording);
    return () => {
      this.recordings.delete(recording);
      return recording;
    };
  }
}

/**
 * Returns the frame of a message for clients that resume. Those with the same encoding share one frame, which waits
 * longer for its offset.
 */
function resumeFrame({ pendingOffset, resumeOffset }: PendingMessage, encoding: Encoding): Frame | undefined {
  const message = resumeOffset.message ?? pendingOffset.message?.withPending(resumeOffset);
  return message?.frame(encoding);
}
