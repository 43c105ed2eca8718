import type { Room } from 'socket.io-adapter';
import { detach } from '../../protocol/detach.js';
import { stringBytes } from '../util/heap-size.js';

interface Name {
  readonly room: Room;
  readonly bytes: number;
  uses: number;
}

/** Bytes of an entry of the table, beside the name itself. */
const OVERHEAD = 120;

/** Names of rooms that a log refers to: each is kept once, as long as it is in use. */
export class SharedNames {
  private readonly names = new Map<Room, Name>();
  /** Bytes that all names take together. */
  bytes = 0;

  /** Uses a name once more. @returns the copy to refer to */
  use(room: Room): Room {
    let name = this.names.get(room);
    if (name === undefined) {
      // rooms may be numbers, as in Socket.IO
      const isText = typeof room === 'string';
      const bytes = OVERHEAD + (isText ? stringBytes(room) : 0);
      name = { room: isText ? detach(room) : room, bytes, uses: 0 };
      this.names.set(name.room, name);
      this.bytes += bytes;
    }
    name.uses++;
    return name.room;
  }

  /** Ends one use. */
  release(room: Room): void {
    const name = this.names.get(room);
    if (name === undefined || --name.uses > 0) return;
    this.names.delete(room);
    this.bytes -= name.bytes;
  }
}
