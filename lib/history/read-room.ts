import { assertOptions, refuseOption } from '../protocol/refuse.js';
import type { HistoryMessage, HistoryQuery } from '../server/rooms/history.js';
import { positionOf, readCursor } from './cursor.js';
import { findLast, messagesOf, type ReadEntry } from './replay.js';
import type { OpenRoom } from './open-room.js';

const DEFAULT_LIMIT = 50;

/**
 * Reads a page of a room's history.
 *
 * @throws (rejects) TypeError on an invalid option; the error of the store
 */
export async function readRoom(room: OpenRoom, query: HistoryQuery = {}): Promise<HistoryMessage[]> {
  assertOptions('history.read', query, ['before', 'after', 'limit'], '{ before: position, limit: 50 }');
  const { before, after, limit = DEFAULT_LIMIT } = query;
  if (!(Number.isSafeInteger(limit) && limit > 0))
    refuseOption('history.read', 'limit', limit, 'a positive whole number, such as 50');
  const [from, until] = await Promise.all([idOf(room, after), idOf(room, before)]);
  const { store, key, limits } = room;
  const page = await store.read(
    key,
    {
      after: from,
      before: until,
      limit: Math.min(limit, limits.size),
      fromStart: after !== undefined && before === undefined,
    },
    limits,
  );
  return messagesOf(page).map(({ sender, number, id, event, args, time }) => ({
    event,
    data: args.length > 1 ? args : args[0],
    position: positionOf(sender, number, id),
    time,
  }));
}

/**
 * Returns the id of the entry at a position.
 *
 * @throws TypeError if the position is malformed, or not in the history any more
 */
async function idOf({ store, key, limits }: OpenRoom, position: unknown): Promise<string | undefined> {
  if (position === undefined) return undefined;
  const cursor = readCursor(position, store);
  if (cursor?.since !== undefined) return cursor.since;
  const all = cursor && messagesOf(await store.read(key, { limit: limits.size }, limits));
  const isSeen = ({ sender, number }: ReadEntry): boolean => cursor?.seen.get(sender) === number;
  const found = findLast(all ?? [], isSeen);
  if (found === undefined)
    refuseOption(
      'history.read',
      'position',
      position,
      'the position of a message that the history still has',
    );
  return found.id;
}
