import type { Room } from 'socket.io-adapter';
import type { Conversation } from './conversation.js';
import { publishLimit } from '../diagnostics/channels.js';
import { refuseJoin, refuseLeave, INVALID_NAME, parseRooms, type RoomRefusal } from '../rooms/room-names.js';
import type { Rooms } from '../rooms/adapter-types.js';

/**
 * Makes a client join rooms. All or none: see `EnvelopeSocket.join`.
 *
 * @throws (rejects) RoomLimitError where it may not
 */
export function joinRooms(client: Conversation, rooms: Rooms): Promise<void> | void {
  const { id, nsp } = client;
  const joined = parseRooms(rooms);
  if (joined === undefined) return refuse(client, 'join', INVALID_NAME);
  const current = nsp.adapter.socketRooms(id);
  const refused = refuseJoin(joined, current, client._limits);
  if (refused !== undefined) return refuse(client, 'join', refused);
  if (client._session !== undefined) {
    const added = [...joined].filter((room) => current?.has(room) !== true);
    if (added.length > 0) client._tellRooms({ joined: added });
  }
  return watched(client, nsp.adapter.addAll(id, joined as Set<Room>));
}

/**
 * Makes a client leave rooms. All or none: see `EnvelopeSocket.leave`.
 *
 * @throws (rejects) RoomLimitError where it may not
 */
export function leaveRooms(client: Conversation, rooms: Rooms): Promise<void> | void {
  const { id, nsp } = client;
  const left = parseRooms(rooms);
  if (left === undefined) return refuse(client, 'leave', INVALID_NAME);
  const refused = refuseLeave(left, id, client._limits);
  if (refused !== undefined) return refuse(client, 'leave', refused);
  if (client._session !== undefined) {
    const { rooms: current } = client;
    const removed = [...left].filter((room) => current.has(room));
    if (removed.length > 0) client._tellRooms({ left: removed });
  }
  let all: Promise<void> | undefined;
  for (const room of left) {
    const done = watched(client, nsp.adapter.del(id, room));
    // the next one does not wait: adapters keep the order of calls
    if (done instanceof Promise)
      all = all === undefined ? done : Promise.all([all, done]).then(() => undefined);
  }
  // each failure was reported
  all?.catch(() => undefined);
  return all;
}

function refuse(client: Conversation, what: 'join' | 'leave', { why, limit }: RoomRefusal): Promise<void> {
  if (limit !== undefined) publishLimit(limit, client);
  client.nsp._warn(limit ?? what, why);
  // not thrown: an adapter may have many sockets join in one loop; and few await a join
  const rejected = Promise.reject<void>(client.nsp._mount.failures.roomLimit(why));
  rejected.catch(() => undefined);
  return rejected;
}

/** Reports what a cluster adapter rejects with: few await a join. Those who do get the rejection as well. */
function watched(client: Conversation, done: Promise<void> | void): Promise<void> | void {
  if (done instanceof Promise) done.catch((error: unknown) => client._report(error, 'the adapter failed'));
  return done;
}
