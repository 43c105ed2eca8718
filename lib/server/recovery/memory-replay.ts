import type { Room } from 'socket.io-adapter';
import type { Encoding } from '../transport/encoding.js';
import { joinFrames, type Frame } from '../transport/frame.js';
import { periodsSince, type RoomChange } from './membership.js';
import type { MessageLog, Missed } from './message-log.js';
import type { Work } from './resume-queue.js';
import type { RunOffsets } from './run-offsets.js';

/** The messages that a client missed, with the bytes to send. */
export interface Replay extends Missed {
  /** In chunks; `undefined`: they are written one by one. */
  readonly bytes: Buffer[] | undefined;
}

/** Whose messages are replayed. */
interface ReplayQuery {
  readonly server: string;
  /** The rooms of the session, and the changes that led to them. */
  readonly former: readonly Room[];
  readonly changes: readonly RoomChange[];
  /** The rooms of the session that are restored. */
  readonly rooms: readonly Room[];
  readonly maxBytes: number;
  readonly encoding: Encoding;
}

/** The bytes of one chunk of a replay. The outbox writes each chunk separately. */
const CHUNK = 66_000;

/**
 * Finds the messages after a number that a client missed, and encodes them, in steps that `work` ends.
 *
 * @returns `undefined` if the client needs a new session: messages are no longer in the log, or more than `maxBytes` are
 * missing
 */
export function* prepareReplay(
  log: MessageLog,
  offsets: RunOffsets,
  from: number,
  query: ReplayQuery,
  work: Work,
): Generator<void, Replay | undefined> {
  if (!log.reachesBack(from)) return undefined;
  const missed = yield* searchPeriods(log, offsets, from, query, work);
  if (missed === undefined) return undefined;
  // frames of other encodings are written one by one
  if (!query.encoding.isJson) return { ...missed, bytes: undefined };
  const bytes: Buffer[] = [];
  let chunk: string[] = [];
  let size = 0;
  let total = 0;
  for (const frame of missed.frames) {
    const text = frame.withOffset.payload as string;
    chunk.push(text);
    size += text.length;
    if (size > CHUNK) {
      const joined = joinFrames(chunk);
      if ((total += joined.length) > query.maxBytes) return undefined;
      bytes.push(joined);
      chunk = [];
      size = 0;
    }
    if (work.add(1)) yield;
  }
  if (chunk.length > 0) bytes.push(joinFrames(chunk));
  return { ...missed, bytes };
}

/**
 * Searches the log with the rooms that the client had at each entry. Its offset is earlier than a change of its
 * rooms if it lost the connection before it received a message after the change.
 */
function* searchPeriods(
  log: MessageLog,
  offsets: RunOffsets,
  from: number,
  { server, former, changes, rooms, maxBytes, encoding }: ReplayQuery,
  work: Work,
): Generator<void, Missed | undefined> {
  const restored = rooms === former ? undefined : new Set(rooms);
  const frames: Frame[] = [];
  let until = from;
  let bytes = 0;
  const isLater = (offset: string, than: string): boolean => offsets.isLater(offset, than);
  for (const period of periodsSince(offsets.of(from), former, changes, isLater)) {
    const searched =
      restored === undefined ? period.rooms : period.rooms.filter((room) => restored.has(room));
    const found = yield* log.search(
      until,
      {
        server,
        rooms: searched,
        former: period.rooms,
        encoding,
        maxBytes: maxBytes - bytes,
        end: period.until === undefined ? undefined : offsets.numberOf(period.until),
      },
      work,
    );
    if (found === undefined) return undefined;
    for (const frame of found.frames) {
      bytes += frame.length;
      frames.push(frame);
    }
    until = found.until;
  }
  return { frames, until };
}
