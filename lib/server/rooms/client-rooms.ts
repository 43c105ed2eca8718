import type { Room, SocketId } from 'socket.io-adapter';
import { CompactSets } from './compact-sets.js';

/** The rooms of a client. */
export type RoomList = Pick<ReadonlySet<Room>, 'has' | 'size'>;

/** The rooms of a client as text: its own, and the one that the text names, if that is another one. As a list: all of them. */
type ShortRooms = string | Room[];

/** How many rooms of a client are in a list: with more, a Set finds them faster. */
const MAX_LISTED = 8;

/** The rooms of each client, by its id. A client in few rooms has no Set, until code asks for it. */
export class ClientRooms {
  /** The Map of Sets that code sees. */
  readonly sids = new CompactSets<ShortRooms>(
    (id, rooms) => new Set(typeof rooms === 'string' ? [id, rooms] : rooms),
  );

  /** Returns the rooms of a client, without making a Set. */
  listOf(id: SocketId): RoomList | undefined {
    const rooms = this.sids.peek(id);
    return typeof rooms === 'string' || Array.isArray(rooms) ? new ShortList(id, rooms) : rooms;
  }

  /** Adds a room to those of a client. */
  add(id: SocketId, room: Room): void {
    const rooms = this.sids.peek(id);
    if (rooms === undefined) this.sids.setShort(id, room === id ? id : [room]);
    else if (typeof rooms === 'string') this.addToText(id, rooms, room);
    else if (!Array.isArray(rooms)) rooms.add(room);
    else if (rooms.includes(room)) return;
    else if (rooms.length < MAX_LISTED) rooms.push(room);
    else this.sids.get(id)!.add(room);
  }

  private addToText(id: SocketId, rooms: string, room: Room): void {
    if (room === id || room === rooms) return;
    // a room may also be a number
    if (rooms !== id) this.sids.setShort(id, [id, rooms, room]);
    else this.sids.setShort(id, typeof room === 'string' ? room : [id, room]);
  }

  /** Removes a room from those of a client. */
  remove(id: SocketId, room: Room): void {
    const rooms = this.sids.peek(id);
    if (typeof rooms === 'string') this.removeFromText(id, rooms, room);
    else if (Array.isArray(rooms)) removeFrom(rooms, room);
    else rooms?.delete(room);
  }

  private removeFromText(id: SocketId, rooms: string, room: Room): void {
    if (room === id) this.sids.setShort(id, rooms === id ? [] : [rooms]);
    else if (room === rooms) this.sids.setShort(id, id);
  }
}

/** The rooms of a client that has no Set. */
class ShortList implements RoomList {
  constructor(
    private readonly id: SocketId,
    private readonly rooms: ShortRooms,
  ) {}

  get size(): number {
    if (typeof this.rooms !== 'string') return this.rooms.length;
    return this.rooms === this.id ? 1 : 2;
  }

  has(room: Room): boolean {
    return typeof this.rooms === 'string'
      ? room === this.id || room === this.rooms
      : this.rooms.includes(room);
  }
}

function removeFrom(rooms: Room[], room: Room): void {
  const at = rooms.lastIndexOf(room);
  // the last one in most cases: without the list that `splice` returns
  if (at === rooms.length - 1) rooms.pop();
  else if (at >= 0) rooms.splice(at, 1);
}
