import type { Room } from 'socket.io-adapter';
import { Frame, Placement } from '../transport/frame.js';
import { isRecoverable, isInTarget } from '../rooms/target.js';

/** One message as it was read from the log that all nodes write to. */
export interface LogEntry {
  readonly offset: string;
  readonly data: readonly unknown[];
  readonly rooms: ReadonlySet<Room>;
  readonly except: ReadonlySet<Room>;
}

/** A message of this node on its way into the log. */
export interface Unplaced {
  readonly rooms: ReadonlySet<Room>;
  readonly except: ReadonlySet<Room>;
  readonly placement: Placement;
  /** For clients that come back meanwhile: what they missed may have it, so it cannot go to them without its place. */
  readonly patient: Placement;
}

/** What `ClusterAdapter` makes of a broadcast. */
interface Message {
  readonly type: number;
  readonly uid: string;
  readonly data: {
    readonly packet: { readonly data: readonly unknown[] };
    readonly opts: {
      readonly rooms: Room[];
      readonly except: Room[];
      readonly flags?: { readonly mark?: number; readonly volatile?: boolean };
    };
  };
}

const BROADCAST = 3;
/** Milliseconds that a message of this node waits for its place in the log; then it goes out without one. */
const PATIENCE = 1_000;
/** The same for clients that have just come back. */
const LONG_PATIENCE = 10_000;
/** Milliseconds between two attempts to hear of oneself, and until clients are let in all the same. */
const SEED_INTERVAL = 100;
const READY_WITHIN = 1_000;

/** Of all feeds: a client may get messages by two of them, in the order of the calls. */
let marks = 0;

/**
 * The log of a cluster as one node reads it, in order. A message of this node has no place in it before it was read
 * back: a client that comes back is served by positions, and must not have one that is ahead of what it has.
 */
export class SharedLog {
  /** Resolves when the log is read, or that takes too long. */
  readonly ready: Promise<void>;
  /** Of the message read last. */
  position: string | undefined;
  private readonly unplaced = new Map<number, Unplaced>();
  private readonly journals = new Set<LogEntry[]>();
  /** The log has kept a message waiting for too long, and none was read since. */
  private hasStalled = false;
  private timer: NodeJS.Timeout | undefined;
  private heard: (() => void) | undefined;

  constructor(
    private readonly uid: string,
    private readonly isAway: () => boolean,
  ) {
    this.ready = new Promise((resolve) => {
      this.heard = resolve;
      setTimeout(resolve, READY_WITHIN).unref();
    });
  }

  /** @param seed writes something into the log; never rejects */
  start(seed: () => void): void {
    seed();
    // a broker's client may keep for later what it cannot send now
    this.timer = setInterval(() => this.isAway() || seed(), SEED_INTERVAL).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** A message of this node is about to be written; `undefined`: nobody is to wait for the log. */
  expect(
    target: Pick<Unplaced, 'rooms' | 'except'>,
  ): { readonly mark: number; readonly placement: Placement } | undefined {
    if (this.position === undefined || this.isAway()) return undefined;
    const mark = ++marks;
    const placement = new Placement();
    const patient = new Placement();
    const { rooms, except } = target;
    this.unplaced.set(mark, { rooms, except, placement, patient });
    const late = (): void => {
      this.hasStalled = true;
      placement.settle(undefined);
      timer = setTimeout(() => this.place(mark, undefined), LONG_PATIENCE - PATIENCE).unref();
    };
    let timer: NodeJS.Timeout | undefined;
    if (this.hasStalled) late();
    else timer = setTimeout(late, PATIENCE).unref();
    patient.wait(() => clearTimeout(timer));
    return { mark, placement };
  }

  /** It was read back, or never will be. */
  place(mark: number, offset: string | undefined): void {
    const unplaced = this.unplaced.get(mark);
    this.unplaced.delete(mark);
    unplaced?.placement.settle(offset);
    unplaced?.patient.settle(offset);
  }

  /** Something was read from the log. */
  take({ type, uid, data }: Message, offset: string): void {
    if (this.position === undefined) {
      this.stop();
      this.heard?.();
    }
    this.position = offset;
    this.hasStalled = false;
    if (type !== BROADCAST) return;
    const { packet, opts } = data;
    if (this.journals.size > 0 && isRecoverable(packet, opts.flags)) {
      const entry = {
        offset,
        data: [...packet.data],
        rooms: new Set(opts.rooms),
        except: new Set(opts.except),
      };
      for (const journal of this.journals) journal.push(entry);
    }
    if (uid === this.uid && opts.flags?.mark !== undefined) this.place(opts.flags.mark, offset);
  }

  /**
   * The messages of this node, for somebody in these rooms, that were written and not read back yet, with what puts
   * them in order. One that ends sessions has no frame.
   */
  pending(rooms: readonly Room[]): [mark: number, frame: Frame | undefined][] {
    return [...this.unplaced]
      .filter(([, target]) => isInTarget(rooms, target))
      .map(([mark, unplaced]) => [mark, patientFrame(unplaced)]);
  }

  /** Writes down what is read from now on. @returns what ends that, and gives what was read */
  record(): () => LogEntry[] {
    const journal: LogEntry[] = [];
    this.journals.add(journal);
    return () => {
      this.journals.delete(journal);
      return journal;
    };
  }
}

/** The message as it waits for its place however long that takes; the same for all who come back. */
function patientFrame({ placement, patient }: Unplaced): Frame | undefined {
  const { frame } = placement;
  return frame && (patient.frame ?? new Frame(frame.payload, frame.compress, patient));
}
