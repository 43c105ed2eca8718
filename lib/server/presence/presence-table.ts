/** Who is present in which rooms, with how many connections: the part of one node. */
export class PresenceTable {
  /** Room, then key, then socket. */
  private readonly rooms = new Map<string, Map<string, Map<string, unknown>>>();

  /** @returns whether the key was not there before */
  enter(room: string, key: string, socket: string, meta: unknown): boolean {
    let keys = this.rooms.get(room);
    if (keys === undefined) this.rooms.set(room, (keys = new Map()));
    let sockets = keys.get(key);
    const isFirst = sockets === undefined;
    if (sockets === undefined) keys.set(key, (sockets = new Map()));
    sockets.set(socket, meta);
    return isFirst;
  }

  /** @returns whether the key is not there any more */
  leave(room: string, key: string, socket: string): boolean {
    const keys = this.rooms.get(room);
    const sockets = keys?.get(key);
    if (keys === undefined || sockets?.delete(socket) !== true || sockets.size > 0) return false;
    keys.delete(key);
    if (keys.size === 0) this.rooms.delete(room);
    return true;
  }

  has(room: string, key: string): boolean {
    return this.rooms.get(room)?.has(key) === true;
  }

  /** The keys of a room, with what was said of each connection. */
  list(room: string): [key: string, metas: unknown[]][] {
    return [...(this.rooms.get(room) ?? [])].map(([key, sockets]) => [key, [...sockets.values()]]);
  }

  /** All of it. */
  dump(): [room: string, key: string, meta: unknown][] {
    const all: [string, string, unknown][] = [];
    for (const [room, keys] of this.rooms)
      for (const [key, sockets] of keys) all.push([room, key, sockets.values().next().value]);
    return all;
  }
}
