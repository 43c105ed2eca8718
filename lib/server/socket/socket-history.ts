import type { Room } from 'socket.io-adapter';
import { withCode } from '../../protocol/with-code.js';
import { isEnvelopeV1 } from '../handshake/subprotocols.js';
import type { HistoryClient, HistoryStart, JoinedHistory, ServerHistory } from '../rooms/history.js';
import type { Connection } from '../transport/connection.js';
import { Frame } from '../transport/frame.js';
import { HeldRooms } from './held-rooms.js';
import type { NamespaceContract } from './namespace-contract.js';
import type { ResumableSession } from './resumable-session.js';

/** What the history of a room needs of a socket. */
export interface HistorySocket {
  readonly id: string;
  readonly nsp: NamespaceContract;
  readonly rooms: ReadonlySet<Room>;
  readonly protocol: string;
  readonly _isEnded: boolean;
  readonly _connection: Connection;
  readonly _session: ResumableSession | undefined;
  _held: HeldRooms | undefined;
}

/**
 * Returns the histories of a server.
 *
 * @throws Error if the server has none
 */
export function historyOf({
  _history: history,
}: {
  readonly _history: ServerHistory | undefined;
}): ServerHistory {
  if (history !== undefined) return history;
  throw withCode(
    'ERR_ENVELOPE_NO_HISTORY',
    new Error(
      "the option history is not set: new EnvelopeAdapter(app, { history: roomHistory({ rooms: { 'chat:*': {} } }) })",
    ),
  );
}

/**
 * Makes a client join a room, and sends it the history of the room from `start` on.
 *
 * @param join joins the room without its history
 */
export async function joinWithHistory(
  client: HistorySocket,
  room: Room,
  start: HistoryStart,
  join: () => Promise<void> | void,
): Promise<JoinedHistory> {
  const history = historyOf(client.nsp);
  if (client._isEnded) return NOTHING;
  const held = (client._held ??= heldRooms(client));
  const name = String(room);
  const underWay = held.joins.get(name);
  if (underWay !== undefined) {
    // the client may have left meanwhile
    await join();
    return underWay;
  }
  const joined = history.join(historyClient(client, held, join), room, start);
  held.joins.set(name, joined);
  try {
    return await joined;
  } finally {
    held.joins.delete(name);
    if (held.isEmpty && client._held === held) client._held = undefined;
  }
}

const NOTHING: JoinedHistory = { complete: false, replayed: 0 };

function heldRooms(client: HistorySocket): HeldRooms {
  return new HeldRooms(client.nsp._config.limits.maxBufferedBytes / 2, (frame) => sendLate(client, frame));
}

function historyClient(
  client: HistorySocket,
  held: HeldRooms,
  join: () => Promise<void> | void,
): HistoryClient {
  const { outbox, encoding } = client._connection;
  return {
    get id() {
      return client.id;
    },
    get rooms() {
      return client.rooms;
    },
    get _isEnded() {
      return client._isEnded;
    },
    takesPosition: isEnvelopeV1(client.protocol) && encoding.protocol === 'envelope',
    // the replay must not make the outbox overflow: the client would reconnect, and receive the same again
    get freeBytes() {
      return client.nsp._config.limits.maxBufferedBytes / 2 - outbox.bufferedAmount;
    },
    encode: (message) => message.frame(encoding).length,
    join,
    hold: (room) => held.hold(room),
    send(messages, room, isNew, isShared) {
      // before messages of this node that wait for their offset in the log of the recovery
      for (const message of messages) outbox.pushAhead(message.frame(encoding));
      const waiting = held.release(room, isShared ? isNew : undefined);
      for (const { message, frame } of waiting)
        if (isNew(message.meta)) sendLate(client, frame);
        else sendOffsetAlone(client, frame);
      client._session?.sendOffset();
    },
    release: (room) => void held.release(room),
  };
}

/**
 * Sends nothing but the offset of a message that the history had, if there is a recovery and the offset is not known yet. Until
 * it is, the client has received a message without its offset: if its connection is lost then, it gets a new session, since the
 * log would return the message once more.
 */
function sendOffsetAlone(
  { _session: session, _connection: { outbox, encoding } }: HistorySocket,
  frame: Frame,
): void {
  if (session?.current === undefined || frame.pendingOffset === undefined) return;
  session.noteSentWithoutOffset();
  outbox.pushPending(new Frame(encoding.event('$offset', []), true, frame.pendingOffset, encoding));
}

/**
 * Sends a message that was held back. With recovery, later messages may have been sent before it: its own offset in the log
 * would tell the client that it has not received those.
 */
function sendLate({ _session: session, _connection: { outbox } }: HistorySocket, frame: Frame): void {
  if (session?.current === undefined) return outbox.push(frame);
  if (frame.pendingOffset !== undefined) return outbox.pushPending(frame);
  if (frame.offset === undefined) {
    // logged, but the log did not respond
    if (frame.logOffset !== undefined) session.noteSentWithoutOffset();
  } else if (session.has(frame.offset)) return;
  outbox.pushAhead(frame);
}
