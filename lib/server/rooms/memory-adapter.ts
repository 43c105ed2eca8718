import { Adapter, type BroadcastOptions, type Room, type SocketId } from 'socket.io-adapter';
import type { ForEachSocket } from './target.js';

/** A walk over the members of one room. */
interface Walk {
  readonly members: ReadonlySet<SocketId>;
  /** How many members it has visited. Those are the first ones, until one leaves. */
  count: number;
  /** The members that it has visited, once one has left a room. */
  visited: Set<SocketId> | undefined;
}

/**
 * Socket.IO's in-memory adapter, for one process. Unlike the original, it logs no warning on `serverSideEmit`, and keeps no list
 * of the members that a broadcast to one room has reached: 2 % of a broadcast to 1,000 clients. Only a member that leaves and
 * joins meanwhile could be reached twice, so the list is made when one leaves in the middle of a walk.
 */
export class MemoryAdapter extends Adapter {
  static {
    // the original is declared private; all its commands, and the code that wraps it, call it by this name
    const { apply } = super.prototype as unknown as { apply: ForEachSocket };
    Object.assign(this.prototype, {
      apply(this: MemoryAdapter, options: BroadcastOptions, callback: (socket: unknown) => void): void {
        const { rooms, except } = options;
        const isPlain = rooms.size === 1 && (except === undefined || except.size === 0);
        if (isPlain && this.walk === undefined) this.walkRoom([...rooms][0]!, callback);
        else Reflect.apply(apply, this, [options, callback]);
      },
    });
  }

  private walk: Walk | undefined;

  private walkRoom(room: Room, callback: (socket: unknown) => void): void {
    const members = this.rooms.get(room);
    if (members === undefined) return;
    const { sockets } = this.nsp as { readonly sockets: ReadonlyMap<SocketId, unknown> };
    const walk: Walk = { members, count: 0, visited: undefined };
    this.walk = walk;
    try {
      for (const id of members) {
        if (walk.visited?.has(id) === true) continue;
        walk.count++;
        walk.visited?.add(id);
        const socket = sockets.get(id);
        if (socket !== undefined) callback(socket);
      }
    } finally {
      this.walk = undefined;
    }
  }

  private beforeLeave(): void {
    const { walk } = this;
    if (walk === undefined || walk.visited !== undefined) return;
    walk.visited = new Set([...walk.members].slice(0, walk.count));
  }

  override del(id: SocketId, room: Room): Promise<void> | void {
    this.beforeLeave();
    return super.del(id, room);
  }
  override delAll(id: SocketId): void {
    this.beforeLeave();
    super.delAll(id);
  }

  /** Does nothing, since one process has no other nodes. A callback is called at once, with no responses. */
  override serverSideEmit(packet: unknown[]): void {
    const callback = packet.at(-1);
    if (typeof callback === 'function') Reflect.apply(callback, undefined, [null, []]);
  }
}
