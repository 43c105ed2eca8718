import type { Room } from 'socket.io-adapter';

/** A change of a client's rooms: it joined or left some. */
export interface RoomChange {
  /** The offset of the log at the change. */
  readonly at: string;
  /** `null` after a broker has stored an `undefined`. */
  readonly joined?: readonly Room[] | null | undefined;
  readonly left?: readonly Room[] | null | undefined;
}

/** A range of the log, and the client's rooms during it. */
interface Period {
  readonly rooms: readonly Room[];
  /** The last offset of the range; `undefined` for the current range. */
  readonly until: string | undefined;
}

type IsLater = (offset: string, than: string) => boolean;

/** The maximum number of rooms in all changes of one client. Beyond that, the oldest changes are removed. */
const MAX_ROOMS = 200;

/**
 * Adds a change to a client's list of changes.
 *
 * @returns the new list, and the offset of the last change that was removed from it because it was full
 */
export function withChange(
  changes: readonly RoomChange[],
  change: RoomChange,
): { changes: RoomChange[]; forgotten: string | undefined } {
  const kept = [...changes, change];
  let forgotten: string | undefined;
  let count = kept.reduce((sum, { joined, left }) => sum + (joined?.length ?? 0) + (left?.length ?? 0), 0);
  while (count > MAX_ROOMS) {
    const { at, joined, left } = kept.shift()!;
    forgotten = at;
    count -= (joined?.length ?? 0) + (left?.length ?? 0);
  }
  return { changes: kept, forgotten };
}

/**
 * Returns the ranges of the log since an offset, with a client's rooms in each. The changes must reach back to that
 * offset.
 */
export function periodsSince(
  offset: string,
  rooms: readonly Room[],
  changes: readonly RoomChange[],
  isLater: IsLater,
): Period[] {
  const current = new Set(rooms);
  const periods: Period[] = [{ rooms, until: undefined }];
  for (const { at, joined, left } of [...changes].reverse()) {
    if (!isLater(at, offset)) break;
    for (const room of joined ?? []) current.delete(room);
    for (const room of left ?? []) current.add(room);
    // of several changes at one offset, the rooms before the first one count
    if (periods[0]!.until === at) periods.shift();
    periods.unshift({ rooms: [...current], until: at });
  }
  return periods;
}

/** Returns the rooms of the period that contains an offset. */
export function roomsAt(offset: string, periods: readonly Period[], isLater: IsLater): readonly Room[] {
  return periods.find(({ until }) => until === undefined || !isLater(offset, until))!.rooms;
}
