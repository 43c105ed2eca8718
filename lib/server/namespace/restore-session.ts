import type { Room } from 'socket.io-adapter';
import type { Untyped } from '../../protocol/typed-events.js';
import { withCode } from '../../protocol/with-code.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import type { Restored, Resumption } from '../recovery/types.js';
import { isUserRoom } from '../handshake/user-name.js';

/**
 * Calls the option `recovery.restore`, and reduces a session to the rooms and data that it returns.
 *
 * @returns whether the client resumes the session: `false` if the option refuses, throws or returns an invalid value
 */
export async function applyRestoreOption(client: EnvelopeSocket, found: Resumption): Promise<boolean> {
  const { restore } = client.nsp._config.services;
  if (restore === undefined) return true;
  const { id, rooms, data } = found.session;
  const isReserved = (room: Room): boolean => room === id || isUserRoom(room);
  const candidates = rooms.filter((room) => !isReserved(room));
  try {
    const restored = validate(
      await restore(client, { rooms: [...candidates], data: data as Untyped }),
      candidates,
    );
    if (restored === false) return false;
    const chosen = new Set(restored.rooms ?? candidates);
    if (chosen.size < candidates.length) {
      const remaining = rooms.filter((room) => isReserved(room) || chosen.has(room));
      if (!(await found.restrictTo(remaining))) return false;
      found.session = { ...found.session, rooms: remaining };
    }
    if ('data' in restored) found.session = { ...found.session, data: restored.data };
    return true;
  } catch (error) {
    client._report(error, 'the option recovery.restore failed: the client gets a new session');
    return false;
  }
}

/** Returns the result of `recovery.restore`. Throws a TypeError if it is invalid. */
function validate(restored: unknown, candidates: readonly Room[]): Partial<Restored> | false {
  if (restored === undefined || restored === null) return {};
  if (restored === false) return false;
  if (typeof restored !== 'object')
    throw withCode(
      'ERR_ENVELOPE_INVALID_RETURN_VALUE',
      new TypeError(`recovery.restore returned ${String(restored)}: return { rooms, data }, or false`),
    );
  const { rooms } = restored as { rooms?: unknown };
  if (rooms === undefined) return restored;
  if (!Array.isArray(rooms) || !rooms.every((room) => candidates.includes(room as Room)))
    throw withCode(
      'ERR_ENVELOPE_INVALID_RETURN_VALUE',
      new TypeError(
        'recovery.restore returned rooms that the session does not contain. It can only omit rooms: join others in handleConnection',
      ),
    );
  return restored;
}
