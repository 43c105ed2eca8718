import type { Room } from 'socket.io-adapter';

/** An entry of a log. */
export interface Numbered {
  readonly number: number;
}

/** Bytes of the map of a server's rooms without the lists. */
const SERVER = 300;
/** Bytes of a list without its entries. */
const LIST = 260;
/** Bytes of an entry in a list, spare capacity included. */
const SLOT = 12;

/** A queue of entries in the order of their numbers: added at the end, removed at the start. */
export class EntryList<Entry extends Numbered> {
  private readonly entries: (Entry | undefined)[] = [];
  /** The index of the oldest entry in `entries`; those before it have been removed. */
  private first = 0;
  /** How many elements were cut off the start of `entries` so far. */
  private offset = 0;

  get length(): number {
    return this.entries.length - this.first;
  }

  get oldest(): Entry | undefined {
    return this.entries[this.first];
  }

  /** Adds an entry at the end. */
  push(entry: Entry): void {
    this.entries.push(entry);
  }

  /** Removes the oldest entry. */
  shift(): void {
    this.entries[this.first++] = undefined;
    // only once half of the array is unused, since moving the array for each entry would be expensive
    if (this.first * 2 <= this.entries.length) return;
    this.offset += this.first;
    this.entries.splice(0, this.first);
    this.first = 0;
  }

  /**
   * Returns the entry at an index of {@link indexAfter}, or at a later one. The index stays valid when older entries
   * are removed.
   */
  at(index: number): Entry | undefined {
    return this.entries[index - this.offset];
  }

  /** Returns the index of the first entry after a number. */
  indexAfter(number: number): number {
    let low = this.first;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.number <= number) low = middle + 1;
      else high = middle;
    }
    return low + this.offset;
  }
}

/** An index of a log: finds entries by the server and the room that they were sent to. */
export class RoomIndex<Entry extends Numbered> {
  /** By server (`undefined`: all servers of the path), then by room (`undefined`: all clients). */
  private readonly servers = new Map<string | undefined, Map<Room | undefined, EntryList<Entry>>>();
  /** The bytes of the index. */
  bytes = 0;

  /** Adds an entry to the list of a room. */
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

  /** Returns the entries of a room. */
  find(server: string | undefined, room: Room | undefined): EntryList<Entry> | undefined {
    return this.servers.get(server)?.get(room);
  }
}
