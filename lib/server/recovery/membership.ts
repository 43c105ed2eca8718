import type { Room } from 'socket.io-adapter';

/** A change of a client's rooms: it joined or left some. */
export interface RoomChange {
  /** The position of the log at the change. */
  readonly at: string;
  /** `null` after a broker has stored an `undefined`. */
  readonly joined?: readonly Room[] | null | undefined;
  readonly left?: readonly Room[] | null | undefined;
}

/** A range of the log, and the client's rooms during it. */
interface Period {
  readonly rooms: readonly Room[];
  /** The last position of the range; `undefined` for the current range. */
  readonly until: string | undefined;
}

type IsLater = (position: string, than: string) => boolean;

/** The maximum number of rooms in all changes of one client. Beyond that, the oldest changes are removed. */
const MAX_ROOMS = 200;

/**
 * Adds a change to a client's list of changes.
 *
 * @returns the new list, and the position of the last change that was removed from it because it was full
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
 * Returns the ranges of the log since a position, with a client's rooms in each. The changes must reach back to that
 * position.
 */
export function periodsSince(
  position: string,
  rooms: readonly Room[],
  changes: readonly RoomChange[],
  isLater: IsLater,
): Period[] {
  const current = new Set(rooms);
  const periods: Period[] = [{ rooms, until: undefined }];
  for (const { at, joined, left } of [...changes].reverse()) {
    if (!isLater(at, position)) break;
    for (const room of joined ?? []) current.delete(room);
    for (const room of left ?? []) current.add(room);
    // of several changes at one position, the rooms before the first one count
    if (periods[0]!.until === at) periods.shift();
    periods.unshift({ rooms: [...current], until: at });
  }
  return periods;
}

/** Returns the rooms of the period that contains a position. */
export function roomsAt(position: string, periods: readonly Period[], isLater: IsLater): readonly Room[] {
  return periods.find(({ until }) => until === undefined || !isLater(position, until))!.rooms;
}
