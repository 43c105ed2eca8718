import type { Room } from 'socket.io-adapter';
import type { Untyped } from '../../protocol/typed-events.js';
import { withCode } from '../../protocol/with-code.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import type { Restored, Resumption } from '../recovery/types.js';
import { isUserRoom } from '../handshake/user-name.js';

/**
 * Asks the application what a client gets back.
 *
 * @returns whether it gets its session back; not where the application failed to say
 */
export async function applyRestoreOption(client: EnvelopeSocket, found: Resumption): Promise<boolean> {
  const { restore } = client.nsp._config.services;
  if (restore === undefined) return true;
  const { id, rooms, data } = found.session;
  const isOwned = (room: Room): boolean => room === id || isUserRoom(room);
  const open = rooms.filter((room) => !isOwned(room));
  try {
    const chosen = check(await restore(client, { rooms: [...open], data: data as Untyped }), open);
    if (chosen === false) return false;
    const kept = new Set(chosen.rooms ?? open);
    if (kept.size < open.length) {
      const left = rooms.filter((room) => isOwned(room) || kept.has(room));
      if (!(await found.restrictTo(left))) return false;
      found.session = { ...found.session, rooms: left };
    }
    if ('data' in chosen) found.session = { ...found.session, data: chosen.data };
    return true;
  } catch (error) {
    client._report(error, 'the option recovery.restore failed: the client gets a new session');
    return false;
  }
}

function check(chosen: unknown, rooms: readonly Room[]): Partial<Restored> | false {
  if (chosen === undefined || chosen === null) return {};
  if (chosen === false) return false;
  if (typeof chosen !== 'object')
    throw withCode(
      'ERR_ENVELOPE_INVALID_RETURN_VALUE',
      new TypeError(`recovery.restore returned ${String(chosen)}: it takes { rooms, data }, or false`),
    );
  const { rooms: kept } = chosen as { rooms?: unknown };
  if (kept === undefined) return chosen;
  if (!Array.isArray(kept) || !kept.every((room) => rooms.includes(room as Room)))
    throw withCode(
      'ERR_ENVELOPE_INVALID_RETURN_VALUE',
      new TypeError(
        'recovery.restore returned rooms that the session does not have: leave rooms out there, and join others in handleConnection',
      ),
    );
  return chosen;
}
