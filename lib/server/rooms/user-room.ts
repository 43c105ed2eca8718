import type { Adapter } from 'socket.io-adapter';

/**
 * Puts a socket into the room of its user. Adapters then reach it by that room, but no list of rooms shows the room: not
 * `client.rooms`, not what other nodes are told.
 */
export function enterUserRoom(
  adapter: Adapter,
  room: string,
  socket: { readonly id: string; readonly _gone: boolean },
): unknown {
  const { id } = socket;
  const added: unknown = adapter.addAll(id, new Set([room]));
  if (!(added instanceof Promise)) return void adapter.socketRooms(id)?.delete(room);
  return added.then(() => {
    if (socket._gone) return leaveUserRoom(adapter, room, id);
    adapter.socketRooms(id)?.delete(room);
    return undefined;
  });
}

/** Takes it out again: adapters forget with a socket only the rooms that they list. */
export function leaveUserRoom(adapter: Adapter, room: string, id: string): unknown {
  return adapter.del(id, room);
}
