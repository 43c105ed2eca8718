import type { Room } from 'socket.io-adapter';
import type { ExceptionPayload } from '../protocol/envelope.js';
import type { ConnectionLimits } from './limits.js';

/** A `join` that goes over a limit; a client whose handler does not catch it gets its message and `room_limit`. */
export class RoomLimitError extends Error {
  override readonly name = 'RoomLimitError';

  toPayload(): ExceptionPayload {
    return { status: 'error', code: 'room_limit', message: this.message };
  }
}

/** Tells why a client may not join, where it may not. */
export function checkJoin(
  rooms: ReadonlySet<Room>,
  current: ReadonlySet<Room> | undefined,
  { maxRooms, maxRoomNameLength }: ConnectionLimits,
): RoomLimitError | undefined {
  let added = 0;
  for (const room of rooms) {
    if (room.length > maxRoomNameLength)
      return new RoomLimitError(`the name of a room must not exceed ${maxRoomNameLength} characters`);
    if (current?.has(room) !== true) added++;
  }
  if ((current?.size ?? 0) + added <= maxRooms) return undefined;
  return new RoomLimitError(`a client may be in ${maxRooms} rooms`);
}
