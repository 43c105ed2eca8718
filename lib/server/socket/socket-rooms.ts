import type { Room } from 'socket.io-adapter';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { publishLimit } from '../diagnostics/channels.js';
import type { ObservedSocket } from '../diagnostics/types.js';
import { nameOfUser, type ClientWithUser } from '../handshake/user-identity.js';
import { user } from '../handshake/user-name.js';
import { refuseJoin, refuseLeave, INVALID_NAME, roomList, type RoomRefusal } from '../rooms/room-names.js';
import type { Rooms } from '../rooms/adapter-types.js';
import { enterRooms, listOfRooms } from '../rooms/memory-adapter.js';
import { enterUserRoom, leaveUserRoom } from '../rooms/user-room.js';
import type { DisconnectReason } from '../transport/disconnect-reason.js';
import type { HistoryStart, JoinedHistory } from '../rooms/history.js';
import type { Handled } from '../util/handled.js';
import { callSafely } from '../util/safe-call.js';
import type { NamespaceContract } from './namespace-contract.js';
import { joinWithHistory, type HistorySocket } from './socket-history.js';

/** What the rooms of a socket need of it. */
interface RoomSocket extends Omit<ObservedSocket, 'nsp'>, HistorySocket {
  readonly id: string;
  readonly nsp: NamespaceContract;
  readonly rooms: Set<Room>;
  _userRoom: string | undefined;
  _report(error: unknown, where: string): void;
  _end(reason: DisconnectReason, code?: number, text?: string): void;
}

/** Makes a client join; with `start`, one room with its history. See `EnvelopeSocket.join`. */
export function join(
  client: RoomSocket,
  rooms: Rooms,
  start: HistoryStart | undefined,
): Handled | Promise<JoinedHistory> | void {
  // the function is made in another one: here it would cost each join without a history 90 bytes
  if (start !== undefined) return joinFrom(client, rooms as Room, start);
  if (!client._isEnded) return joinRooms(client, rooms);
}

function joinFrom(client: RoomSocket, room: Room, start: HistoryStart): Promise<JoinedHistory> {
  return joinWithHistory(client, room, start, () => joinRooms(client, room));
}

/**
 * Makes a client join all of the rooms, or none; see `EnvelopeSocket.join`.
 *
 * @throws (rejects) RoomLimitError if a room is not allowed
 */
function joinRooms(client: RoomSocket, rooms: Rooms): Promise<void> | void {
  const { id, nsp } = client;
  const joined = roomList(rooms);
  if (joined === undefined) return refuse(client, 'join', INVALID_NAME);
  const current = listOfRooms(nsp.adapter, id);
  const refused = refuseJoin(joined, current, client.nsp._config.limits);
  if (refused !== undefined) return refuse(client, 'join', refused);
  if (client._session?.current !== undefined) {
    const added = joined.filter((room) => current?.has(room) !== true);
    if (added.length > 0) client._session.changeRooms({ joined: added });
  }
  return watched(client, enterRooms(nsp.adapter, id, joined));
}

/**
 * Makes a client leave all of the rooms, or none; see `EnvelopeSocket.leave`.
 *
 * @throws (rejects) RoomLimitError if a room is not allowed
 */
export function leaveRooms(client: RoomSocket, rooms: Rooms): Promise<void> | void {
  const { id, nsp } = client;
  const left = roomList(rooms);
  if (left === undefined) return refuse(client, 'leave', INVALID_NAME);
  const refused = refuseLeave(left, id, client.nsp._config.limits);
  if (refused !== undefined) return refuse(client, 'leave', refused);
  if (client._session?.current !== undefined) {
    const { rooms: current } = client;
    const removed = left.filter((room) => current.has(room));
    if (removed.length > 0) client._session.changeRooms({ left: removed });
  }
  let all: Promise<void> | undefined;
  for (const room of left) {
    const done = watched(client, nsp.adapter.del(id, room));
    // not awaited before the next one: adapters keep the order of calls
    if (done instanceof Promise)
      all = all === undefined ? done : Promise.all([all, done]).then(() => undefined);
  }
  // each failure was reported already
  all?.catch(() => undefined);
  return all;
}

function refuse(client: RoomSocket, what: 'join' | 'leave', { why, limit }: RoomRefusal): Promise<void> {
  if (limit !== undefined) publishLimit(limit, client);
  client.nsp._warn(limit ?? what, why);
  // rejected, not thrown: an adapter may make many sockets join in one loop, and few callers await a join
  const rejected = Promise.reject<void>(client.nsp._config.gateway.errors.roomLimit(why));
  rejected.catch(() => undefined);
  return rejected;
}

/** Reports a rejection of a cluster adapter, because few callers await a join. Those who do get it as well. */
function watched(client: RoomSocket, done: Promise<void> | void): Promise<void> | void {
  if (done instanceof Promise) done.catch((error: unknown) => client._report(error, 'the adapter failed'));
  return done;
}

/** Disconnects a client that an operator has blocked, by its address or its user. */
export function endBlocked(client: Pick<RoomSocket, '_end'>): void {
  client._end('server namespace disconnect', CLOSE_CODES.POLICY_VIOLATION.code, 'blocked for a time');
}

/** Puts a client into the room of its user, after code of the application may have set the user, or another one. */
export function updateUserRoom(client: RoomSocket & ClientWithUser): void {
  const failed = (error: unknown): void =>
    client._report(error, 'a client could not join the room of its user');
  const name = nameOfUser(client);
  // the option identify may have disconnected the client
  if (client._isEnded) return;
  if (name !== undefined && client.nsp._config.services.isUserBlocked(name)) return endBlocked(client);
  const room = name === undefined ? undefined : user(name);
  const { _userRoom: former } = client;
  if (room === former) return;
  client._userRoom = room;
  const { adapter } = client.nsp;
  if (former !== undefined) callSafely(() => leaveUserRoom(adapter, former, client.id), failed);
  if (room !== undefined) callSafely(() => enterUserRoom(adapter, room, client), failed);
}
