import type { BroadcastOptions, Room } from 'socket.io-adapter';
import { ENVELOPE, type Encoding } from '../transport/encoding.js';
import type { Frame } from '../transport/frame.js';
import { SortedMerge } from './sorted-merge.js';
import { SharedNames } from './shared-names.js';
import { restoreFrame } from './stored-message.js';
import { Work } from './resume-queue.js';
import { EntryList, RoomIndex } from './room-index.js';
import { textBytes } from '../util/heap-size.js';

/** One message of the log. */
interface Entry {
  /** `undefined`: all servers of the path. */
  readonly server: string | undefined;
  /** Counts the entries of the log, from 1 on. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly size: number;
  /** `undefined`: all clients. */
  readonly rooms: readonly Room[] | undefined;
  readonly except: readonly Room[] | undefined;
  /** `undefined`: the entry revokes the sessions of its target. */
  readonly text: string | undefined;
  /** The arguments, where the text does not have them: see {@link storedArguments}. */
  readonly args: string | undefined;
}

/**
 * How many expired messages each new one removes. After a quiet time a whole log is expired: to remove 200,000 messages
 * at once took 50 ms.
 */
const EXPIRED_PER_MESSAGE = 100;
/** Bytes of an entry without its text and its rooms. */
const OVERHEAD = 230;
/** Bytes of a list of rooms without its elements. */
const LIST = 48;
/** Bytes of one element of a list. */
const SLOT = 8;

/** Which messages a client missed. */
interface MissedQuery {
  readonly server: string;
  readonly rooms: readonly Room[];
  /**
   * All rooms that the client was in, if `rooms` are only some of them: a message that excludes one of them is not for it.
   * Default: `rooms`
   */
  readonly former?: readonly Room[];
  /** The encoding of the client. Default: that of JSON */
  readonly encoding?: Encoding;
  /** The maximum number of bytes of missed messages; with more, the client needs a new session. Default: no limit */
  readonly maxBytes?: number;
  /** The number of the last entry to search. Default: that of the latest message */
  readonly end?: number | undefined;
}

/** The messages that a client missed. */
export interface Missed {
  readonly frames: Frame[];
  /** The number of the last entry that was searched. */
  readonly until: number;
}

/** The log of one path's latest messages, limited in age and in heap bytes. */
export class MessageLog {
  private readonly entries = new EntryList<Entry>();
  private readonly index = new RoomIndex<Entry>();
  private readonly names = new SharedNames();
  private size = 0;
  private last = 0;

  constructor(
    /** How long messages are stored, in milliseconds. */
    private readonly duration: number,
    private readonly maxBytes: number,
    /** Returns the offset that clients receive for the number of an entry. */
    private readonly toOffset: (number: number) => string = String,
  ) {}

  /** The number of the latest message. */
  get latest(): number {
    return this.last;
  }

  /** The estimated heap bytes of the log. */
  get bytes(): number {
    return this.size + this.index.bytes + this.names.bytes;
  }

  /** Returns the number of the next message, and reserves it. */
  advance(): number {
    return ++this.last;
  }

  /** Adds the message of the last reserved number. A message without a frame revokes the sessions of its target. */
  add(
    server: string | undefined,
    { rooms, except }: BroadcastOptions,
    frame: Frame | undefined,
    args?: string,
  ): void {
    // the text only, since a frame that was sent also holds its bytes
    const text = frame?.payload as string | undefined;
    const entry: Entry = {
      // in a RegExp namespace the client chooses the path, which may be long
      server: server === undefined ? undefined : (this.names.use(server) as string),
      number: this.last,
      time: Date.now(),
      size: OVERHEAD + bytesOf(text) + bytesOf(args) + listBytes(rooms) + listBytes(except),
      rooms: this.use(rooms),
      except: this.use(except),
      text,
      args,
    };
    this.entries.push(entry);
    this.size += entry.size;
    for (const room of entry.rooms ?? ALL_CLIENTS) this.index.add(entry.server, room, entry);
    this.trim(EXPIRED_PER_MESSAGE);
  }

  /** Returns the messages after a number that a client missed; `undefined` if the client needs a new session. */
  since(after: number, query: MissedQuery): Frame[] | undefined {
    const search = this.search(after, query, new Work());
    for (;;) {
      const { done, value } = search.next();
      if (done === true) return value?.frames;
    }
  }

  /**
   * Searches like {@link since}, in steps. Between two steps messages may be added and removed. The search includes
   * messages that are added meanwhile, except the last ones that fit into one step.
   *
   * @param work counts the work and ends the steps
   */
  *search(after: number, query: MissedQuery, work: Work): Generator<void, Missed | undefined> {
    const { server, rooms, former = rooms, encoding = ENVELOPE, maxBytes = Infinity, end = Infinity } = query;
    const frames: Frame[] = [];
    const formerRooms = new Set(former);
    let bytes = 0;
    let from = after;
    do {
      const until = Math.min(this.last, end);
      const merged = new SortedMerge<Entry>(until);
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
        frames.push(restoreFrame(entry.text, entry.args, this.toOffset(entry.number), encoding));
      }
      if (!this.reachesBack(from)) return undefined;
      from = until;
    } while (Math.min(this.last, end) - from > work.step);
    return { frames, until: from };
  }

  /** Returns whether the log still has all messages after a number. */
  reachesBack(after: number): boolean {
    const { oldest } = this.entries;
    return oldest === undefined ? after >= this.last : after >= oldest.number - 1;
  }

  /**
   * Removes the oldest messages while the log takes too many bytes, and messages that are too old.
   *
   * @param maxExpired the maximum number of messages to remove that are only too old
   * @returns whether it has removed all that are too old
   */
  trim(maxExpired: number): boolean {
    const oldestTime = Date.now() - this.duration;
    for (let expired = 0; ;) {
      const { oldest } = this.entries;
      if (oldest === undefined) return true;
      if (this.bytes <= this.maxBytes) {
        if (oldest.time >= oldestTime) return true;
        if (++expired > maxExpired) return false;
      }
      this.remove(oldest);
    }
  }

  private remove(oldest: Entry): void {
    this.entries.shift();
    this.size -= oldest.size;
    for (const room of oldest.rooms ?? ALL_CLIENTS) this.index.removeOldest(oldest.server, room);
    if (oldest.server !== undefined) this.names.release(oldest.server);
    for (const room of oldest.rooms ?? []) this.names.release(room);
    for (const room of oldest.except ?? []) this.names.release(room);
  }

  private use(rooms: ReadonlySet<Room> | undefined): readonly Room[] | undefined {
    if (rooms === undefined || rooms.size === 0) return undefined;
    const used: Room[] = [];
    for (const room of rooms) used.push(this.names.use(room));
    return used;
  }
}

/** The key in the index of messages without rooms, which are for all clients. */
const ALL_CLIENTS: readonly (Room | undefined)[] = [undefined];

function bytesOf(text: string | undefined): number {
  return text === undefined ? 0 : textBytes(text);
}

function listBytes(rooms: ReadonlySet<Room> | undefined): number {
  return rooms === undefined || rooms.size === 0 ? 0 : LIST + SLOT * rooms.size;
}
