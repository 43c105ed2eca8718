import type { Adapter } from 'socket.io-adapter';
import { unlistRoom } from './memory-adapter.js';

/**
 * Adds a socket to the room of its user. Adapters then reach the socket through that room, but no list of rooms
 * contains it: neither `client.rooms` nor the details that other nodes receive.
 */
export function enterUserRoom(
  adapter: Adapter,
  room: string,
  socket: { readonly id: string; readonly _isEnded: boolean },
): unknown {
  const { id } = socket;
  const added: unknown = adapter.addAll(id, new Set([room]));
  if (!(added instanceof Promise)) return unlistRoom(adapter, id, room);
  return added.then(() => {
    if (socket._isEnded) return leaveUserRoom(adapter, room, id);
    unlistRoom(adapter, id, room);
    return undefined;
  });
}

/**
 * Removes a socket from the room of its user. Required on disconnect, since adapters clean up only the rooms that they
 * list.
 */
export function leaveUserRoom(adapter: Adapter, room: string, id: string): unknown {
  return adapter.del(id, room);
}
