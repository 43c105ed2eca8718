import type { ClientView, Ledger, Said } from './subject.js';

/**
 * What a run cost its users, whatever a system promises: the numbers by which two systems are compared. Counted are the messages
 * of rooms, for each client that was in the room from before the message until the end of the run.
 */
export interface Tally {
  /** How many should have arrived. */
  due: number;
  /** Did not arrive, and the client was not told afterwards that messages of the room may be missing. */
  lost: number;
  /** Did not arrive, and the client was told so. */
  told: number;
  /** Arrived again. */
  twice: number;
  /** Arrived after a later one of the same node. */
  disordered: number;
}

/** The same of reliable messages. */
export interface SentTally {
  sent: number;
  /** How often a handler ran again for the same message. */
  repeated: number;
  /** Were never handled, although the client has an answer. */
  dropped: number;
  /** The client has no answer, or was told that it is not known whether they were handled. */
  open: number;
  /** Were first handled after a later one of the same client. */
  swapped: number;
}

export const NO_MESSAGES: Tally = { due: 0, lost: 0, told: 0, twice: 0, disordered: 0 };
export const NOTHING_SENT: SentTally = { sent: 0, repeated: 0, dropped: 0, open: 0, swapped: 0 };

export function sumOf<Counts extends Tally | SentTally>(one: Counts, other: Counts): Counts {
  const entries = Object.entries(one) as [keyof Counts, number][];
  return Object.fromEntries(entries.map(([name, count]) => [name, count + Number(other[name])])) as never;
}

/** Counts the messages of the rooms that `counts` accepts. */
export function tallyOf(
  views: readonly ClientView[],
  { said }: Ledger,
  counts: (room: number) => boolean = () => true,
): Tally {
  const tally = { ...NO_MESSAGES };
  for (const view of views)
    for (const room of view.rooms.filter(counts)) {
      const ofRoom = said.filter((message) => message.room === room);
      countRoom(tally, view, room, ofRoom);
    }
  return tally;
}

function countRoom(tally: Tally, view: ClientView, room: number, said: readonly Said[]): void {
  const left = Math.max(-Infinity, ...view.exits.filter((exit) => exit.room === room).map(({ at }) => at));
  const entrances = view.entrances.filter((entrance) => entrance.room === room && entrance.at > left);
  const [first] = entrances;
  if (first === undefined) return;
  const gaps = entrances.filter(({ isGap }) => isGap);
  const lastGap = gaps.at(-1)?.at ?? -Infinity;
  const arrived = new Map<string, number>();
  const latest = new Map<string, number>();
  for (const { node, number } of view.arrivals.filter((arrival) => arrival.room === room)) {
    const name = `${node}:${number}`;
    const before = arrived.get(name) ?? 0;
    arrived.set(name, before + 1);
    const last = latest.get(node) ?? 0;
    if (before > 0) tally.twice++;
    else if (number < last) tally.disordered++;
    latest.set(node, Math.max(last, number));
  }
  for (const { node, number, at } of said) {
    if (at <= first.at) continue;
    tally.due++;
    if (arrived.has(`${node}:${number}`)) continue;
    if (lastGap >= at) tally.told++;
    else tally.lost++;
  }
}

/** Counts the reliable messages. */
export function sentTallyOf(views: readonly ClientView[], { handled }: Ledger): SentTally {
  const tally = { ...NOTHING_SENT };
  const times = new Map<string, number[]>();
  for (const { id, at } of handled) times.set(id, [...(times.get(id) ?? []), at]);
  for (const { sent } of views) {
    let last = -Infinity;
    for (const { id, outcome } of sent) {
      const all = times.get(id) ?? [];
      tally.sent++;
      tally.repeated += Math.max(0, all.length - 1);
      if (outcome !== 'answered') tally.open++;
      else if (all.length === 0) tally.dropped++;
      if (all.length === 0) continue;
      const first = Math.min(...all);
      if (first < last) tally.swapped++;
      last = Math.max(last, first);
    }
  }
  return tally;
}
