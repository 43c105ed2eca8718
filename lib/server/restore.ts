import type { Room } from 'socket.io-adapter';
import type { Untyped } from '../protocol/typed-events.js';
import type { Conversation } from './conversation.js';
import type { Resumption } from './recovery.js';
import { isUserRoom } from './user-name.js';

/** What a client gets back of its session. */
export interface Restored {
  /** The rooms that it was in, without its own and that of its user. */
  readonly rooms: readonly Room[];
  /** What was in `data` when it left, without what its guards had put there. */
  readonly data: Untyped;
}

/**
 * Decides what a client gets back, after its guards have let it in and before it is connected.
 *
 * @param client the client as its guards have it now; it has a new id still
 * @param session what it had
 * @returns what it gets back (what is left out comes back as it was; rooms may be left out, not added), `undefined` for
 * all of it, or `false` for a new session
 */
export type Restore = (
  client: Untyped,
  session: Restored,
) => Partial<Restored> | false | undefined | void | Promise<Partial<Restored> | false | undefined | void>;

/**
 * Asks the application what a client gets back.
 *
 * @returns whether it gets its session back; not where the application failed to say
 */
export async function choose(client: Conversation, found: Resumption): Promise<boolean> {
  const { restore } = client.nsp._mount;
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
      if (!(await found.narrow(left))) return false;
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
    throw new TypeError(`recovery.restore returned ${String(chosen)}: it takes { rooms, data }, or false`);
  const { rooms: kept } = chosen as { rooms?: unknown };
  if (kept === undefined) return chosen;
  if (!Array.isArray(kept) || !kept.every((room) => rooms.includes(room as Room)))
    throw new TypeError(
      'recovery.restore returned rooms that the session does not have: leave rooms out there, and join others in handleConnection',
    );
  return chosen;
}
