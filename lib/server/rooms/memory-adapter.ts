import { Adapter, type BroadcastOptions, type Room, type SocketId } from 'socket.io-adapter';
import { CompactSets } from './compact-sets.js';
import type { ForEachSocket } from './target.js';

/** A walk over the members of one room. */
interface Walk {
  /** The room, while it has a single member and no Set. */
  single: Room | undefined;
  /** The Set of the members, if the room has one. */
  members: ReadonlySet<SocketId> | undefined;
  /** How many members it has visited. Those are the first ones, until one leaves. */
  count: number;
  /** The members that it has visited, once one has left a room. */
  visited: Set<SocketId> | undefined;
}

/** The private functions of the original. */
interface Internals {
  readonly apply: ForEachSocket;
  computeExceptSids(except: ReadonlySet<Room> | undefined): Set<SocketId>;
  _del(room: Room, id: SocketId): void;
}

/** The rooms of a client. */
type RoomList = Pick<ReadonlySet<Room>, 'has' | 'size'>;

type Visit = (socket: unknown) => void;

/**
 * Socket.IO's in-memory adapter, for one process. Unlike the original, it
 * - logs no warning on `serverSideEmit`;
 * - keeps no Set for a room with one member, and for a client in at most one room beside its own, until code asks for it: 300
 *   bytes of an idle connection;
 * - keeps no list of the members that a broadcast to one room has reached: 2 % of a broadcast to 1,000 clients. Only a member
 *   that leaves and joins meanwhile could be reached twice, so the list is made when one leaves in the middle of a walk.
 */
export class MemoryAdapter extends Adapter {
  static {
    // the originals are declared private; all commands, and the code that wraps them, call them by these names
    const { apply } = super.prototype as unknown as Internals;
    Object.assign(this.prototype, {
      apply(this: MemoryAdapter, target: BroadcastOptions, visit: Visit): void {
        const { rooms, except } = target;
        if (rooms.size === 0) return this.walkAll(except, visit);
        const isPlain = rooms.size === 1 && (except === undefined || except.size === 0);
        if (isPlain && this.walk === undefined) this.walkRoom([...rooms][0]!, visit);
        else Reflect.apply(apply, this, [target, visit]);
      },
      computeExceptSids(this: MemoryAdapter, except: ReadonlySet<Room> = NO_ROOMS): Set<SocketId> {
        const ids = new Set<SocketId>();
        for (const room of except) {
          const members = this.compactRooms.peek(room);
          if (typeof members === 'string') ids.add(members);
          else members?.forEach((id) => ids.add(id));
        }
        return ids;
      },
    });
  }

  private readonly compactRooms: CompactSets;
  /** A text stands for the room of the client itself, and for the one that it names, if that is another one. */
  private readonly compactSids: CompactSets;
  private walk: Walk | undefined;

  constructor(nsp: unknown) {
    super(nsp);
    this.rooms = this.compactRooms = new CompactSets((room, id) => this.startSet(room, id));
    this.sids = this.compactSids = new CompactSets((id, room) => new Set([id, room]));
  }

  /** Makes the Set of a room with one member. A walk over that member goes on over the Set. */
  private startSet(room: Room, id: SocketId): Set<SocketId> {
    const members = new Set([id]);
    if (this.walk?.single === room) Object.assign(this.walk, { single: undefined, members });
    return members;
  }

  /** The namespace's clients by id. */
  private get clients(): ReadonlyMap<SocketId, unknown> {
    return (this.nsp as { readonly sockets: ReadonlyMap<SocketId, unknown> }).sockets;
  }

  private get internals(): Internals {
    return this as unknown as Internals;
  }

  /** Returns the rooms of a client, as {@link listOfRooms}. */
  listOf(id: SocketId): RoomList | undefined {
    const rooms = this.compactSids.peek(id);
    if (typeof rooms !== 'string') return rooms;
    return { size: rooms === id ? 1 : 2, has: (room) => room === id || room === rooms };
  }

  override addAll(id: SocketId, rooms: Set<Room>): Promise<void> | void {
    if (rooms.size === 0) return super.addAll(id, rooms);
    for (const room of rooms) {
      this.list(id, room);
      this.enter(id, room);
    }
  }

  private list(id: SocketId, room: Room): void {
    const { compactSids } = this;
    const rooms = compactSids.peek(id);
    if (rooms === undefined && room === id) compactSids.setText(id, id);
    else if (rooms === undefined) compactSids.set(id, new Set([room]));
    else if (typeof rooms !== 'string') rooms.add(room);
    // a room may also be a number
    else if (rooms === id && typeof room === 'string') compactSids.setText(id, room);
    else if (room !== id && room !== rooms) compactSids.get(id)!.add(room);
  }

  private enter(id: SocketId, room: Room): void {
    const { compactRooms } = this;
    const known = compactRooms.peek(room);
    if (known === id) return;
    // listeners see the room before it has a member
    const isCompact = known === undefined && this.listenerCount('create-room') === 0;
    if (isCompact) compactRooms.setText(room, id);
    else if (known === undefined) compactRooms.set(room, new Set());
    if (known === undefined) this.emit('create-room', room);
    if (!isCompact) {
      const members = compactRooms.get(room)!;
      if (members.has(id)) return;
      members.add(id);
    }
    this.emit('join-room', room, id);
  }

  override del(id: SocketId, room: Room): Promise<void> | void {
    this.beforeLeave();
    this.unlist(id, room);
    this.exit(id, room);
  }

  /** Does what {@link unlistRoom} says. */
  unlist(id: SocketId, room: Room): void {
    const { compactSids } = this;
    const rooms = compactSids.peek(id);
    if (typeof rooms !== 'string') rooms?.delete(room);
    else if (room === id) compactSids.get(id)!.delete(room);
    else if (room === rooms) compactSids.setText(id, id);
  }

  private exit(id: SocketId, room: Room): void {
    const members = this.compactRooms.peek(room);
    // listeners see the room after its last member has left
    if (typeof members !== 'string' || this.listenerCount('leave-room') > 0)
      return this.internals._del(room, id);
    if (members !== id) return;
    this.compactRooms.delete(room);
    if (this.walk?.single === room) this.walk.single = undefined;
    this.emit('leave-room', room, id);
    this.emit('delete-room', room);
  }

  override delAll(id: SocketId): void {
    this.beforeLeave();
    // listeners may change the rooms of the client
    const hasListeners = this.listenerCount('leave-room') > 0 || this.listenerCount('delete-room') > 0;
    const rooms = hasListeners ? this.sids.get(id) : this.compactSids.peek(id);
    if (rooms === undefined) return;
    if (typeof rooms !== 'string') {
      for (const room of rooms) this.exit(id, room);
    } else {
      this.exit(id, id);
      if (rooms !== id) this.exit(id, rooms);
    }
    this.sids.delete(id);
  }

  private walkAll(except: ReadonlySet<Room> | undefined, visit: Visit): void {
    const excluded = this.internals.computeExceptSids(except);
    for (const id of this.sids.keys()) {
      const socket = excluded.has(id) ? undefined : this.clients.get(id);
      if (socket !== undefined) visit(socket);
    }
  }

  private walkRoom(room: Room, visit: Visit): void {
    const known = this.compactRooms.peek(room);
    if (known === undefined) return;
    const walk: Walk = { single: undefined, members: undefined, count: 0, visited: undefined };
    this.walk = walk;
    try {
      if (typeof known === 'string') this.walkSingle(walk, room, known, visit);
      else walk.members = known;
      if (walk.members !== undefined) this.walkMembers(walk, walk.members, visit);
    } finally {
      this.walk = undefined;
    }
  }

  /** Visits the only member of a room. */
  private walkSingle(walk: Walk, room: Room, id: SocketId, visit: Visit): void {
    walk.single = room;
    walk.count = 1;
    const socket = this.clients.get(id);
    if (socket !== undefined) visit(socket);
    walk.visited = new Set([id]);
  }

  private walkMembers(walk: Walk, members: ReadonlySet<SocketId>, visit: Visit): void {
    const sockets = this.clients;
    for (const id of members) {
      if (walk.visited?.has(id) === true) continue;
      walk.count++;
      walk.visited?.add(id);
      const socket = sockets.get(id);
      if (socket !== undefined) visit(socket);
    }
  }

  private beforeLeave(): void {
    const { walk } = this;
    if (walk?.members === undefined || walk.visited !== undefined) return;
    walk.visited = new Set([...walk.members].slice(0, walk.count));
  }

  /** Does nothing, since one process has no other nodes. A callback is called at once, with no responses. */
  override serverSideEmit(packet: unknown[]): void {
    const callback = packet.at(-1);
    if (typeof callback === 'function') Reflect.apply(callback, undefined, [null, []]);
  }
}

/** Returns the rooms of a client, without making a Set where the adapter keeps none. */
export function listOfRooms(adapter: Adapter, id: SocketId): RoomList | undefined {
  return adapter instanceof MemoryAdapter ? adapter.listOf(id) : adapter.socketRooms(id);
}

/** Removes a room from the list of a client, which stays its member. */
export function unlistRoom(adapter: Adapter, id: SocketId, room: Room): void {
  if (adapter instanceof MemoryAdapter) adapter.unlist(id, room);
  else adapter.socketRooms(id)?.delete(room);
}

const NO_ROOMS: ReadonlySet<Room> = new Set();
