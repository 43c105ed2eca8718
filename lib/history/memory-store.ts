import { randomBytes } from 'node:crypto';
import { assertOptions, refuseOption } from '../protocol/refuse.js';
import { textBytes } from '../server/util/heap-size.js';
import type { HistoryKey, HistoryStore, StoredLimits, StoredPage, StoredQuery } from './store.js';

/** The options of {@link memoryHistory}. */
export interface MemoryHistoryOptions {
  /**
   * Bytes of memory for the messages of all rooms. Beyond that, the rooms without a message for the longest time lose theirs.
   * Default 64,000,000.
   */
  maxBytes?: number;
}

interface MemoryEntry {
  readonly number: number;
  readonly time: number;
  readonly text: string;
}

interface Log {
  readonly entries: MemoryEntry[];
  /** The number of the last entry that was deleted. */
  deleted: number;
  bytes: number;
  ttl: number;
  /** When it was last changed, in milliseconds since the epoch. */
  changed: number;
}

const DEFAULT_MAX_BYTES = 64_000_000;
/** Bytes of an entry without its text, and of a room. */
const ENTRY_BYTES = 100;
const ROOM_BYTES = 400;
/** Milliseconds between two removals of old messages. */
const SWEEP_INTERVAL = 10_000;

/**
 * Stores the histories of rooms in the memory of this process: the default of `roomHistory`.
 *
 * @throws TypeError on an unknown option, or one of an invalid value
 * @example
 * roomHistory({ rooms: { 'chat:*': { size: 200 } }, store: memoryHistory({ maxBytes: 256_000_000 }) });
 */
export function memoryHistory(options: MemoryHistoryOptions = {}): HistoryStore {
  assertOptions('memoryHistory', options, ['maxBytes'], '{ maxBytes: 64_000_000 }');
  const { maxBytes = DEFAULT_MAX_BYTES } = options;
  if (!(typeof maxBytes === 'number' && maxBytes > 0))
    refuseOption('memoryHistory', 'maxBytes', maxBytes, 'a positive number of bytes, such as 64_000_000');
  return new MemoryStore(maxBytes);
}

/** The histories of all rooms in the memory of one process. */
class MemoryStore implements HistoryStore {
  readonly isShared = false;
  /** By path and room; the room with the oldest last message is first. */
  private readonly logs = new Map<string, Log>();
  /** Part of every id, since those of another run of the program are not known in this one. */
  private readonly run = randomBytes(6).toString('base64url');
  private last = 0;
  /** The number of the last entry of the rooms that are not stored any more. */
  private floor = 0;
  private total = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly maxBytes: number) {}

  /** The estimated heap bytes of all rooms. */
  get bytes(): number {
    return this.total;
  }

  append(key: HistoryKey, text: string, { size, ttl }: StoredLimits): void {
    const name = nameOf(key);
    const log = this.logs.get(name) ?? this.create(name);
    // the last one to be evicted now
    this.logs.delete(name);
    this.logs.set(name, log);
    log.ttl = ttl;
    log.changed = Date.now();
    log.entries.push({ number: ++this.last, time: log.changed, text });
    this.add(log, bytesOf(text));
    this.trim(log, size);
    while (this.total > this.maxBytes) {
      const [oldest] = this.logs;
      const [oldestName, oldestLog] = oldest!;
      if (oldestLog !== log) this.evict(oldestName, oldestLog);
      else if (!this.shift(log)) break;
    }
    this.timer ??= setInterval(() => this.sweep(), SWEEP_INTERVAL).unref();
  }

  read(
    key: HistoryKey,
    { after, before, limit, fromStart }: StoredQuery,
    { size }: StoredLimits,
  ): StoredPage {
    const log = this.logs.get(nameOf(key));
    const from = after === undefined ? 0 : this.numberOf(after);
    if (log === undefined)
      return {
        entries: [],
        start: this.idOf(after === undefined ? this.last : from),
        isWhole: from >= this.floor,
      };
    this.trim(log, size);
    const { entries } = log;
    const first = after === undefined ? 0 : countUpTo(entries, from);
    const end = before === undefined ? entries.length : countUpTo(entries, this.numberOf(before) - 1);
    const count = Math.max(0, Math.min(limit, end - first));
    const begin = fromStart === true ? first : Math.max(first, end - count);
    return {
      entries: entries
        .slice(begin, begin + count)
        .map(({ number, time, text }) => ({ id: this.idOf(number), time, text })),
      start: this.idOf(entries[begin] === undefined ? this.last : entries[begin].number - 1),
      isWhole: from >= log.deleted && begin === first,
    };
  }

  drop(key: HistoryKey): void {
    const log = this.logs.get(nameOf(key));
    if (log === undefined) return;
    // the room stays for a while: clients that have not received its messages learn that these are missing
    while (this.shift(log));
    log.changed = Date.now();
  }

  isId(text: string): boolean {
    return text.startsWith(`${this.run}.`) && /^[0-9a-z]{1,11}$/.test(text.slice(this.run.length + 1));
  }

  isLater(id: string, than: string): boolean {
    return this.numberOf(id) > this.numberOf(than);
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private create(name: string): Log {
    const log = { entries: [], deleted: this.floor, bytes: 0, ttl: 0, changed: 0 };
    this.add(log, ROOM_BYTES + textBytes(name));
    return log;
  }

  private add(log: Log, bytes: number): void {
    log.bytes += bytes;
    this.total += bytes;
  }

  /** Deletes the oldest entry. @returns whether there was one */
  private shift(log: Log): boolean {
    const oldest = log.entries.shift();
    if (oldest === undefined) return false;
    log.deleted = oldest.number;
    this.add(log, -bytesOf(oldest.text));
    return true;
  }

  private trim(log: Log, size: number): void {
    const oldest = Date.now() - log.ttl;
    const { entries } = log;
    while (entries.length > size || (entries[0] !== undefined && entries[0].time < oldest)) this.shift(log);
  }

  private evict(name: string, log: Log): void {
    this.logs.delete(name);
    this.total -= log.bytes;
    this.floor = Math.max(this.floor, log.entries.at(-1)?.number ?? log.deleted);
  }

  private sweep(): void {
    for (const [name, log] of this.logs) {
      this.trim(log, Infinity);
      if (log.entries.length === 0 && log.changed < Date.now() - log.ttl) this.evict(name, log);
    }
    if (this.logs.size === 0) this.close();
  }

  private idOf(number: number): string {
    return `${this.run}.${number.toString(36)}`;
  }

  private numberOf(id: string): number {
    return Number.parseInt(id.slice(this.run.length + 1), 36);
  }
}

function nameOf({ path, room }: HistoryKey): string {
  return `${path} ${room}`;
}

function bytesOf(text: string): number {
  return ENTRY_BYTES + textBytes(text);
}

/** Returns how many entries have a number up to this one. */
function countUpTo(entries: readonly MemoryEntry[], number: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle]!.number <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}
