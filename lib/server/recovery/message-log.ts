import type { BroadcastOptions, Room } from 'socket.io-adapter';
import { Frame } from '../transport/frame.js';
import { MergedLists } from './merged-lists.js';
import { SharedNames } from './shared-names.js';
import { Work } from './resume-queue.js';
import { EntryList, RoomIndex } from './room-index.js';
import { textBytes } from '../util/heap-size.js';

/** One message of the log. */
interface Entry {
  /** `undefined`: all of the path. */
  readonly server: string | undefined;
  /** Its position. */
  readonly number: number;
  readonly time: number;
  readonly size: number;
  /** `undefined`: everybody. */
  readonly rooms: readonly Room[] | undefined;
  readonly except: readonly Room[] | undefined;
  /** `undefined`: whoever it was meant for does not get its session back. */
  readonly text: string | undefined;
}

/** Bytes that an entry takes beside its text and its rooms. */
const OVERHEAD = 230;
/** Bytes of a list of rooms, and of each of its elements. */
const LIST = 48;
const SLOT = 8;

/** The messages that a client missed. */
export interface Missed {
  readonly frames: Frame[];
  /** The position up to which the log was searched. */
  readonly until: number;
}

/** The latest messages of one path, bounded in time and in bytes of the heap. Positions are counted from 1. */
export class MessageLog {
  private readonly entries = new EntryList<Entry>();
  private readonly index = new RoomIndex<Entry>();
  private readonly names = new SharedNames();
  private size = 0;
  private last = 0;

  constructor(
    /** Milliseconds for which messages are kept. */
    private readonly duration: number,
    private readonly maxBytes: number,
    /** Makes the offset that clients are told from a position. */
    private readonly show: (position: number) => string = String,
  ) {}

  /** The position of the latest message. */
  get position(): number {
    return this.last;
  }

  /** Estimated bytes of the heap that the log takes. */
  get bytes(): number {
    return this.size + this.index.bytes + this.names.bytes;
  }

  /** Takes the position that the next message will have. */
  advance(): number {
    return ++this.last;
  }

  add(server: string | undefined, { rooms, except }: BroadcastOptions, frame: Frame | undefined): void {
    // the text alone: a frame has its bytes as well, once it was sent
    const text = frame?.payload as string | undefined;
    const entry: Entry = {
      // of a RegExp namespace the client has chosen the path, which may be long
      server: server === undefined ? undefined : (this.names.use(server) as string),
      number: this.last,
      time: Date.now(),
      size: OVERHEAD + (text === undefined ? 0 : textBytes(text)) + listBytes(rooms) + listBytes(except),
      rooms: this.use(rooms),
      except: this.use(except),
      text,
    };
    this.entries.push(entry);
    this.size += entry.size;
    for (const room of entry.rooms ?? EVERYBODY) this.index.add(entry.server, room, entry);
    this.trim();
  }

  /** The messages behind a position that were meant for a client in these rooms; `undefined`: it needs a new session. */
  since(
    position: number,
    server: string,
    rooms: readonly Room[],
    former: readonly Room[] = rooms,
  ): Frame[] | undefined {
    const search = this.search(position, server, rooms, Infinity, new Work(), former);
    for (;;) {
      const { done, value } = search.next();
      if (done === true) return value?.frames;
    }
  }

  /**
   * The same in steps, between which messages may be added and removed. What was added meanwhile is found as well, up
   * to a step's work.
   *
   * @param maxBytes a client that missed more needs a new session
   * @param work counts what is done; a step ends when it says so
   * @param former the rooms that the client was in: what was not meant for one of them is not meant for it
   * @param end nothing behind that position
   */
  *search(
    position: number,
    server: string,
    rooms: readonly Room[],
    maxBytes: number,
    work: Work,
    former: readonly Room[] = rooms,
    end = Infinity,
  ): Generator<void, Missed | undefined> {
    const frames: Frame[] = [];
    const formerRooms = new Set(former);
    let bytes = 0;
    let from = position;
    do {
      const until = Math.min(this.last, end);
      const merged = new MergedLists<Entry>(until);
      for (const name of [server, undefined])
        for (const room of [undefined, ...new Set(rooms)]) {
          const list = this.index.find(name, room);
          if (list !== undefined) merged.add(list, from);
          if (work.add(1)) yield;
        }
      for (let entry = merged.next(); entry !== undefined; entry = merged.next()) {
        if (work.add(1 + (entry?.except?.length ?? 0))) {
          yield;
          if (!this.reachesBack(from)) return undefined;
        }
        if (entry === null || entry.except?.some((room) => formerRooms.has(room)) === true) continue;
        if (entry.text === undefined || (bytes += entry.text.length) > maxBytes) return undefined;
        frames.push(new Frame(entry.text, true, this.show(entry.number)));
      }
      if (!this.reachesBack(from)) return undefined;
      from = until;
    } while (Math.min(this.last, end) - from > work.step);
    return { frames, until: from };
  }

  /** Whether all messages behind a position are still there. */
  reachesBack(position: number): boolean {
    const { oldest } = this.entries;
    return oldest === undefined ? position >= this.last : position >= oldest.number - 1;
  }

  trim(): void {
    const horizon = Date.now() - this.duration;
    for (;;) {
      const { oldest } = this.entries;
      if (oldest === undefined || (oldest.time >= horizon && this.bytes <= this.maxBytes)) return;
      this.entries.shift();
      this.size -= oldest.size;
      for (const room of oldest.rooms ?? EVERYBODY) this.index.removeOldest(oldest.server, room);
      if (oldest.server !== undefined) this.names.release(oldest.server);
      for (const room of oldest.rooms ?? []) this.names.release(room);
      for (const room of oldest.except ?? []) this.names.release(room);
    }
  }

  private use(rooms: ReadonlySet<Room> | undefined): readonly Room[] | undefined {
    if (rooms === undefined || rooms.size === 0) return undefined;
    const used: Room[] = [];
    for (const room of rooms) used.push(this.names.use(room));
    return used;
  }
}

/** What a message without rooms is found by. */
const EVERYBODY: readonly (Room | undefined)[] = [undefined];

function listBytes(rooms: ReadonlySet<Room> | undefined): number {
  return rooms === undefined || rooms.size === 0 ? 0 : LIST + SLOT * rooms.size;
}
