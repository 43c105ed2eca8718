import type { HistoryKey, HistoryStore, StoredLimits } from './store.js';

interface Room {
  readonly key: HistoryKey;
  readonly limits: StoredLimits;
}

/** The appends that may wait for the store. Its client would keep any number of them in memory. */
const MAX_PENDING = 10_000;
const MAX_ROOMS = 10_000;
const RETRY_INTERVAL = 1_000;

/**
 * Writes to a store, and notes in it where it failed to: an entry without text, once the store answers again. Clients that
 * read past it learn that messages are missing.
 */
export class MissingMessages {
  private readonly rooms = new Map<string, Room>();
  /** Until when messages may be missing in other rooms than those that are remembered, in milliseconds since the epoch. */
  private everywhereUntil = 0;
  private pending = 0;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly store: HistoryStore,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Whether a message of a room is missing, and the store does not say so yet. */
  has({ room }: HistoryKey): boolean {
    return this.rooms.has(room) || Date.now() < this.everywhereUntil;
  }

  append(room: Room, text: string): void {
    if (this.rooms.has(room.key.room)) this.note(room);
    if (this.pending >= MAX_PENDING) return this.add(room);
    this.write(room, text);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private write(room: Room, text: string): void {
    const fail = (error: unknown): void => {
      this.failed(error);
      this.add(room);
    };
    try {
      const appended = this.store.append(room.key, text, room.limits);
      if (appended === undefined) return;
      this.pending++;
      appended.then(
        () => this.pending--,
        (error: unknown) => {
          this.pending--;
          fail(error);
        },
      );
    } catch (error) {
      fail(error);
    }
  }

  /** Notes in the store that messages are missing here. */
  private note(room: Room): void {
    if (this.pending >= MAX_PENDING) return;
    this.rooms.delete(room.key.room);
    this.write(room, '');
  }

  private add(room: Room): void {
    if (this.rooms.size < MAX_ROOMS) this.rooms.set(room.key.room, room);
    else this.everywhereUntil = Math.max(this.everywhereUntil, Date.now() + room.limits.ttl);
    if (this.isClosed) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      for (const waiting of [...this.rooms.values()]) this.note(waiting);
    }, RETRY_INTERVAL).unref();
  }
}
