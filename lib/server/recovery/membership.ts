import type { Room } from 'socket.io-adapter';

/** A client came into rooms, or left some. */
export interface RoomChange {
  /** Where the log stood. */
  readonly at: string;
  /** A broker may make `null` of `undefined`. */
  readonly joined?: readonly Room[] | null | undefined;
  readonly left?: readonly Room[] | null | undefined;
}

/** A stretch of the log, and the rooms that a client was in meanwhile. */
export interface Period {
  readonly rooms: readonly Room[];
  /** Its last position; `undefined`: it lasts. */
  readonly until: string | undefined;
}

type IsLater = (position: string, than: string) => boolean;

/** Rooms that all changes of one client may name together: beyond that the oldest changes are forgotten. */
const MAX_ROOMS = 200;

/**
 * Writes a change down.
 *
 * @returns the changes to keep, and where the log stood at the last one that was forgotten
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

/** The rooms that a client was in since a position of the log, which is none before the changes began. */
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
    // several changes at one position: what was before all of them counts
    if (periods[0]!.until === at) periods.shift();
    periods.unshift({ rooms: [...current], until: at });
  }
  return periods;
}

/** The rooms of the period that a position belongs to. */
export function roomsAt(position: string, periods: readonly Period[], isLater: IsLater): readonly Room[] {
  return periods.find(({ until }) => until === undefined || !isLater(position, until))!.rooms;
}
