import type { SharedMember } from './shared-room.js';
import { SHARED_MEMBERS, type SharedSource } from './shared-rooms.js';

/** The members of rooms on one node, with each member's connections. */
export class PresenceTable implements SharedSource {
  readonly messages = SHARED_MEMBERS;
  readonly isEphemeral = false;
  /** By room, then key, then socket id. The value is the meta. */
  private readonly rooms = new Map<string, Map<string, Map<string, unknown>>>();

  /** Adds a connection of a member to a room. Returns whether the member was not in the room before. */
  enter(room: string, key: string, socket: string, meta: unknown): boolean {
    let keys = this.rooms.get(room);
    if (keys === undefined) this.rooms.set(room, (keys = new Map()));
    let sockets = keys.get(key);
    const isFirst = sockets === undefined;
    if (sockets === undefined) keys.set(key, (sockets = new Map()));
    sockets.set(socket, meta);
    return isFirst;
  }

  /** Removes a connection of a member from a room. Returns whether it was the last one. */
  leave(room: string, key: string, socket: string): boolean {
    const keys = this.rooms.get(room);
    const sockets = keys?.get(key);
    if (keys === undefined || sockets?.delete(socket) !== true || sockets.size > 0) return false;
    keys.delete(key);
    if (keys.size === 0) this.rooms.delete(room);
    return true;
  }

  /** Returns whether a member is in a room. */
  has(room: string, key: string): boolean {
    return this.rooms.get(room)?.has(key) === true;
  }

  /** Returns the members of a room, with the meta of each connection. */
  list(room: string): [key: string, metas: unknown[]][] {
    return [...(this.rooms.get(room) ?? [])].map(([key, sockets]) => [key, [...sockets.values()]]);
  }

  /** Returns the metas of a member's connections in a room. */
  values(room: string, key: string): unknown[] {
    return [...(this.rooms.get(room)?.get(key)?.values() ?? [])];
  }

  /** Returns a member as clients receive it, from its metas on all nodes. */
  entry(key: string, metas: unknown[]): SharedMember | undefined {
    return metas.length === 0 ? undefined : { key, metas };
  }

  /** Returns the rooms that have members. */
  names(): string[] {
    return [...this.rooms.keys()];
  }

  /** Returns the members of all rooms, each with the meta of its first connection. */
  dump(): [room: string, key: string, meta: unknown][] {
    const all: [string, string, unknown][] = [];
    for (const [room, keys] of this.rooms)
      for (const [key, sockets] of keys) all.push([room, key, sockets.values().next().value]);
    return all;
  }
}
