import { EventEmitter } from 'node:events';
import { Adapter, type BroadcastOptions, type Room, type SocketId } from 'socket.io-adapter';
import { ClientRooms, type RoomList } from './client-rooms.js';
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

/** An event and a listener. */
type ListenerOf = Parameters<Adapter['on']>;

type Visit = (socket: unknown) => void;

/**
 * Socket.IO's in-memory adapter, for one process. Unlike the original, it
 * - logs no warning on `serverSideEmit`;
 * - keeps no Set for a room with one member, and for a client in few rooms, until code asks for it: 300 bytes of an idle
 *   connection, and 30 of the 250 ns that a join and a leave took;
 * - emits no events before the first listener is added: 60 of those 250 ns;
 * - makes no Set for a join of one room, see {@link enterRooms}: 30 of them;
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

  private readonly compactRooms: CompactSets<string>;
  private readonly clientRooms = new ClientRooms();
  private walk: Walk | undefined;
  /** Whether a listener was ever added. */
  private hadListener = false;

  constructor(nsp: unknown) {
    super(nsp);
    this.rooms = this.compactRooms = new CompactSets((room, id) => this.startSet(room, id));
    this.sids = this.clientRooms.sids;
  }

  // `once` calls `on`, and `prependOnceListener` calls `prependListener`
  override on(...args: ListenerOf): this {
    this.hadListener = true;
    return super.on(...args);
  }

  override addListener(...args: ListenerOf): this {
    this.hadListener = true;
    return super.addListener(...args);
  }

  override prependListener(...args: ListenerOf): this {
    this.hadListener = true;
    return super.prependListener(...args);
  }

  /** Whether code of the application may see the events: listeners, or a function in place of `emit`. */
  private get isObserved(): boolean {
    return this.hadListener || this.emit !== emit;
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
    return this.clientRooms.listOf(id);
  }

  override addAll(id: SocketId, rooms: Set<Room>): Promise<void> | void {
    if (rooms.size === 0) return super.addAll(id, rooms);
    for (const room of rooms) this.add(id, room);
  }

  /** Adds a client to one room. */
  add(id: SocketId, room: Room): void {
    this.clientRooms.add(id, room);
    if (this.isObserved) this.enterObserved(id, room);
    else this.enter(id, room);
  }

  private enter(id: SocketId, room: Room): void {
    const known = this.compactRooms.peek(room);
    if (known === undefined) this.compactRooms.setShort(room, id);
    else if (typeof known !== 'string') known.add(id);
    else if (known !== id) this.compactRooms.get(room)!.add(id);
  }

  private enterObserved(id: SocketId, room: Room): void {
    const { compactRooms } = this;
    const known = compactRooms.peek(room);
    if (known === id) return;
    // listeners see the room before it has a member
    const isCompact = known === undefined && this.listenerCount('create-room') === 0;
    if (isCompact) compactRooms.setShort(room, id);
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
    this.clientRooms.remove(id, room);
  }

  private exit(id: SocketId, room: Room): void {
    if (this.isObserved) return this.exitObserved(id, room);
    const members = this.compactRooms.peek(room);
    if (members === id) return this.removeSingle(room);
    if (members === undefined || typeof members === 'string') return;
    members.delete(id);
    if (members.size === 0) this.compactRooms.delete(room);
  }

  private exitObserved(id: SocketId, room: Room): void {
    const members = this.compactRooms.peek(room);
    // listeners see the room after its last member has left
    if (typeof members !== 'string' || this.listenerCount('leave-room') > 0)
      return this.internals._del(room, id);
    if (members !== id) return;
    this.removeSingle(room);
    this.emit('leave-room', room, id);
    this.emit('delete-room', room);
  }

  /** Removes a room with one member and no Set. */
  private removeSingle(room: Room): void {
    this.compactRooms.delete(room);
    if (this.walk?.single === room) this.walk.single = undefined;
  }

  override delAll(id: SocketId): void {
    this.beforeLeave();
    // listeners may change the rooms of the client
    const rooms = this.isObserved ? this.sids.get(id) : this.clientRooms.sids.peek(id);
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

/** Adds a client to rooms, without a Set for one room where the adapter needs none. */
export function enterRooms(adapter: Adapter, id: SocketId, rooms: readonly Room[]): Promise<void> | void {
  // the application may have replaced the function
  if (rooms.length === 1 && adapter instanceof MemoryAdapter && adapter.addAll === addAll)
    return adapter.add(id, rooms[0]!);
  return adapter.addAll(id, new Set(rooms));
}

/** Removes a room from the list of a client, which stays its member. */
export function unlistRoom(adapter: Adapter, id: SocketId, room: Room): void {
  if (adapter instanceof MemoryAdapter) adapter.unlist(id, room);
  else adapter.socketRooms(id)?.delete(room);
}

const NO_ROOMS: ReadonlySet<Room> = new Set();
const { emit } = EventEmitter.prototype;
const { addAll } = MemoryAdapter.prototype;
