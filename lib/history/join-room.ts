import type { Room } from 'socket.io-adapter';
import type { HistoryClient, HistoryStart, JoinedHistory } from '../server/rooms/history.js';
import { OutgoingMessage } from '../server/rooms/outgoing-message.js';
import { fromBroker } from '../server/util/from-broker.js';
import { positionOf, readCursor, readPosition, type Cursor } from './cursor.js';
import type { RecentMessage } from './recent-messages.js';
import { after, rewind, type ReadEntry, type Replay } from './replay.js';
import type { OpenRoom } from './open-room.js';

/** Entries that are read beyond those for a new client, to know which messages of other nodes the store has. */
const MARGIN = 100;

/** The event that tells a client where in the history it begins. */
const POSITION = '$position';

/**
 * Makes a client join a room, and sends it the messages of the history before those that are sent to the room from now on:
 * each once, and none is missing between them.
 */
export async function joinRoom(
  room: OpenRoom,
  client: HistoryClient,
  name: Room,
  { after: positions, rewind: last }: HistoryStart,
): Promise<JoinedHistory> {
  // the application may pass on what a client sent
  const count = Number.isSafeInteger(last) && last! > 0 ? last! : 0;
  if (client.rooms.has(name)) {
    await client.join();
    // it receives the messages of the room already
    return { complete: true, replayed: 0 };
  }
  const before = room.recent?.count ?? 0;
  const held = client.hold(room.name);
  const cursor = positions === undefined ? undefined : readCursor(positions, room.store);
  let replay: Replay | undefined;
  try {
    const joined = client.join();
    if (joined !== undefined) await joined;
    const read = readReplay(room, cursor, count);
    // if the store does not answer, the client receives only what is sent from now on
    replay = read instanceof Promise ? await fromBroker(read, undefined) : read;
  } catch (error) {
    if (!client.rooms.has(name)) {
      client.release(held);
      throw error;
    }
    room.report(error);
  }
  if (client._isEnded || !client.rooms.has(name)) {
    client.release(held);
    return { complete: false, replayed: 0 };
  }
  if (replay === undefined || held.isOver) {
    client.send([], held, () => true, false);
    return { complete: false, replayed: 0 };
  }
  const messages = replay.messages
    .filter(({ except }) => !except.some((excluded) => client.rooms.has(excluded)))
    .map((message) => toMessage(room.name, message));
  const isNew = newTo(replay, cursor);
  const recent = count === 0 && positions === undefined ? [] : (room.recent?.of(room.name, before) ?? []);
  for (const message of recent) if (isNew(message.packet.meta)) messages.push(replayedAgain(message));
  // the last ones that may be sent at once
  let free = client.freeBytes;
  let first = messages.length;
  while (first > 0 && (free -= client.encode(messages[first - 1]!)) >= 0) first--;
  const sent = messages.slice(first);
  if (client.takesPosition && replay.start !== undefined) sent.unshift(begin(room.name, replay.start));
  client.send(sent, held, isNew, room.store.isShared);
  const isComplete = first === 0 && replay.isComplete && !room.missing.has(room.key);
  const isKnown = positions === undefined || cursor !== undefined;
  return { complete: isComplete && isKnown, replayed: messages.length - first };
}

function readReplay(
  { store, key, limits }: OpenRoom,
  cursor: Cursor | undefined,
  count: number,
): Promise<Replay> | Replay {
  const { size } = limits;
  if (cursor === undefined) {
    const limit = store.isShared ? count + MARGIN : count;
    const page = store.read(key, { limit: Math.min(size, limit) }, limits);
    return page instanceof Promise ? page.then((read) => rewind(read, count)) : rewind(page, count);
  }
  const { since } = cursor;
  const page = store.read(key, { after: since, limit: size }, limits);
  const isSince = since !== undefined;
  return page instanceof Promise
    ? page.then((read) => after(read, cursor, isSince))
    : after(page, cursor, isSince);
}

/**
 * Returns a function that tells whether a message that was sent meanwhile is not among those of the history. It remembers
 * those that it has accepted.
 */
function newTo({ known }: Replay, cursor: Cursor | undefined): (meta: unknown) => boolean {
  const last = new Map(cursor?.seen);
  for (const [sender, number] of known) last.set(sender, Math.max(number, last.get(sender) ?? 0));
  return (meta) => {
    const position = readPosition((Object(meta) as { position?: unknown }).position);
    if (position === undefined) return true;
    if (position.number <= (last.get(position.sender) ?? -1)) return false;
    last.set(position.sender, position.number);
    return true;
  };
}

function toMessage(room: string, { sender, number, id, event, args, meta }: ReadEntry): OutgoingMessage {
  const position = positionOf(sender, number, id);
  return new OutgoingMessage({ data: [event, ...args], meta: { ...meta, room, position, replayed: true } });
}

function replayedAgain({ packet: { data, meta } }: RecentMessage): OutgoingMessage {
  return new OutgoingMessage({ data, meta: { ...meta, replayed: true } });
}

function begin(room: string, start: string): OutgoingMessage {
  return new OutgoingMessage({ data: [POSITION], meta: { room, position: positionOf('', 0, start) } });
}
