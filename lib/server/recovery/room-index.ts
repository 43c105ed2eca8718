import type { Room } from 'socket.io-adapter';

/** What has a position in a log. */
export interface Positioned {
  readonly number: number;
}

/** Bytes that the rooms of a server take, beside their lists. */
const SERVER = 300;
/** Bytes that a list takes, beside its entries. */
const LIST = 260;
/** Bytes that an entry takes in a list that has room to grow. */
const SLOT = 12;

/** Entries in the order of their positions. They are added behind, and removed in front. */
export class EntryList<Entry extends Positioned> {
  private readonly entries: (Entry | undefined)[] = [];
  /** Of `entries`: those before have been removed. */
  private first = 0;
  /** How many were taken out of `entries` since the start. */
  private moved = 0;

  get length(): number {
    return this.entries.length - this.first;
  }

  get oldest(): Entry | undefined {
    return this.entries[this.first];
  }

  push(entry: Entry): void {
    this.entries.push(entry);
  }

  shift(): void {
    this.entries[this.first++] = undefined;
    // now and then: to move the whole array for each entry would cost more than the entry
    if (this.first * 2 <= this.entries.length) return;
    this.moved += this.first;
    this.entries.splice(0, this.first);
    this.first = 0;
  }

  /** The entry at a place that {@link placeBehind} returned, or at one after it. It stays there when others are removed. */
  at(place: number): Entry | undefined {
    return this.entries[place - this.moved];
  }

  /** The place of the first entry behind a position. */
  placeBehind(position: number): number {
    let low = this.first;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.number <= position) low = middle + 1;
      else high = middle;
    }
    return low + this.moved;
  }
}

/** Finds the entries of a log by the server and the rooms that they were sent to. */
export class RoomIndex<Entry extends Positioned> {
  /** By server (`undefined`: all of the path), then by room (`undefined`: everybody). */
  private readonly servers = new Map<string | undefined, Map<Room | undefined, EntryList<Entry>>>();
  /** Bytes that the index takes. */
  bytes = 0;

  add(server: string | undefined, room: Room | undefined, entry: Entry): void {
    let rooms = this.servers.get(server);
    if (rooms === undefined) {
      this.servers.set(server, (rooms = new Map()));
      this.bytes += SERVER;
    }
    let list = rooms.get(room);
    if (list === undefined) {
      rooms.set(room, (list = new EntryList()));
      this.bytes += LIST;
    }
    list.push(entry);
    this.bytes += SLOT;
  }

  /** Removes the oldest entry of a room. */
  removeOldest(server: string | undefined, room: Room | undefined): void {
    const rooms = this.servers.get(server);
    const list = rooms?.get(room);
    if (rooms === undefined || list === undefined) return;
    list.shift();
    this.bytes -= SLOT;
    if (list.length > 0) return;
    rooms.delete(room);
    this.bytes -= LIST;
    if (rooms.size > 0) return;
    this.servers.delete(server);
    this.bytes -= SERVER;
  }

  find(server: string | undefined, room: Room | undefined): EntryList<Entry> | undefined {
    return this.servers.get(server)?.get(room);
  }
}
