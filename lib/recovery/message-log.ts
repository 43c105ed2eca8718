import type { BroadcastOptions, Room } from 'socket.io-adapter';
import { Frame } from '../server/frame.js';
import { isMeantFor } from '../server/recovery.js';

/** One message of the log. */
interface Entry {
  /** `undefined`: all of the path. */
  readonly server: string | undefined;
  /** Its position. */
  readonly number: number;
  readonly time: number;
  readonly size: number;
  readonly rooms: ReadonlySet<Room>;
  readonly except: ReadonlySet<Room>;
  /** `undefined`: whoever it was meant for does not get its session back. */
  readonly text: string | undefined;
  readonly offset: string | undefined;
}

/** What an entry costs beside its text. */
const OVERHEAD = 200;

/** What was sent lately on one path, bounded in time and in bytes. Positions are counted from 1. */
export class MessageLog {
  private readonly entries: Entry[] = [];
  /** Of `entries`: those before have been dropped. */
  private first = 0;
  private size = 0;
  private last = 0;

  constructor(
    /** Milliseconds for which messages are kept. */
    private readonly duration: number,
    private readonly maxBytes: number,
  ) {}

  /** The position of the latest message. */
  get position(): number {
    return this.last;
  }

  /** Takes the position that the next message will have. */
  advance(): number {
    return ++this.last;
  }

  add(
    server: string | undefined,
    { rooms, except = new Set() }: BroadcastOptions,
    frame: Frame | undefined,
  ): void {
    const size = OVERHEAD + (frame?.payload.length ?? 0);
    // the text alone: a frame has its bytes as well, once it was sent
    const { payload: text, offset } = frame ?? {};
    const entry = { server, number: this.last, time: Date.now(), size, rooms, except, offset };
    this.entries.push({ ...entry, text: text as string | undefined });
    this.size += size;
    this.trim();
  }

  /** The messages behind a position that were meant for a client in these rooms; `undefined`: it is to begin anew. */
  since(position: number, server: string, rooms: readonly Room[]): Frame[] | undefined {
    const missed: Frame[] = [];
    for (let i = this.indexBehind(position); i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      if ((entry.server ?? server) !== server || !isMeantFor(rooms, entry)) continue;
      if (entry.text === undefined) return undefined;
      missed.push(new Frame(entry.text, true, entry.offset));
    }
    return missed;
  }

  /** Whether all messages behind a position are still there. */
  reachesBack(position: number): boolean {
    const oldest = this.entries[this.first];
    return oldest === undefined ? position >= this.last : position >= oldest.number - 1;
  }

  trim(): void {
    const horizon = Date.now() - this.duration;
    for (;;) {
      const oldest = this.entries[this.first];
      if (oldest === undefined || (oldest.time >= horizon && this.size <= this.maxBytes)) break;
      this.size -= oldest.size;
      this.first++;
    }
    // now and then: to move the whole array for each message would cost more than the message
    if (this.first * 2 <= this.entries.length) return;
    this.entries.splice(0, this.first);
    this.first = 0;
  }

  private indexBehind(position: number): number {
    let low = this.first;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.number <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
