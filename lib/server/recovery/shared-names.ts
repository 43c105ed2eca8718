import type { Room } from 'socket.io-adapter';
import { detach } from '../../protocol/detach.js';
import { stringBytes } from '../util/heap-size.js';

interface Name {
  readonly room: Room;
  readonly bytes: number;
  uses: number;
}

/** Bytes of an entry of the table without the name itself. */
const OVERHEAD = 120;

/** The names of the rooms in a log, by reference count: each name is stored once, while an entry of the log uses it. */
export class SharedNames {
  private readonly names = new Map<Room, Name>();
  /** The bytes of all names together. */
  bytes = 0;

  /** Adds a use of a name. Returns the shared copy. */
  use(room: Room): Room {
    let name = this.names.get(room);
    if (name === undefined) {
      // a room may be a number, as in Socket.IO
      const isText = typeof room === 'string';
      const bytes = OVERHEAD + (isText ? stringBytes(room) : 0);
      name = { room: isText ? detach(room) : room, bytes, uses: 0 };
      this.names.set(name.room, name);
      this.bytes += bytes;
    }
    name.uses++;
    return name.room;
  }

  /** Ends one use of a name. */
  release(room: Room): void {
    const name = this.names.get(room);
    if (name === undefined || --name.uses > 0) return;
    this.names.delete(room);
    this.bytes -= name.bytes;
  }
}
