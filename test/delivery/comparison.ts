import { hasHistory } from './envelope-client.js';
import { play } from './run.js';
import { FAULTS, scheduleOf, type FaultKind } from './schedule.js';
import type { Subject } from './subject.js';
import {
  NO_MESSAGES,
  NOTHING_SENT,
  sentTallyOf,
  sumOf,
  tallyOf,
  type SentTally,
  type Tally,
} from './tally.js';

/** The schedules that are compared: without faults, with each kind alone, and with all. */
export const COMPARED: readonly { name: string; faults: readonly FaultKind[] }[] = [
  { name: 'no fault', faults: [] },
  { name: 'connections end at some byte', faults: ['cut'] },
  { name: 'clients lose their network', faults: ['away'] },
  { name: 'clients stop reading', faults: ['slow'] },
  { name: 'nodes are killed', faults: ['kill'] },
  { name: 'the broker is suspended', faults: ['stall'] },
  { name: 'nodes are cut off from the broker', faults: ['partition'] },
  { name: 'all of these', faults: FAULTS },
];

/** A system that is compared. */
export interface Compared {
  readonly name: string;
  readonly subject: Subject;
  /** Its kinds of rooms, which have a row each. */
  readonly rooms: readonly { readonly name: string; readonly counts: (room: number) => boolean }[];
}

export const ALL_ROOMS = [{ name: '', counts: () => true }];
export const ROOMS_BY_HISTORY = [
  { name: ', room with a history', counts: hasHistory },
  { name: ', room without', counts: (room: number) => !hasHistory(room) },
];

interface Sums {
  readonly rooms: Tally[];
  sent: SentTally;
  /** Messages that nodes sent, and faults. */
  said: number;
  faults: number;
  seconds: number;
}

/**
 * Plays the same schedules on all systems, in turns.
 *
 * @param quiet see {@link play}
 * @param only a part of the names of those in {@link COMPARED} that are played
 * @returns tables in Markdown
 */
export async function compare(
  systems: readonly Compared[],
  runs: number,
  quiet: number,
  only: string,
): Promise<string> {
  const compared = COMPARED.filter(({ name }) => name.includes(only));
  const messages: (string | number)[][] = [];
  const reliable: (string | number)[][] = [];
  const totals = systems.map(() => ({ said: 0, faults: 0, seconds: 0 }));
  for (const { name, faults } of compared) {
    const sums = await Promise.all(systems.map(async ({ rooms }) => noSums(rooms.length)));
    for (let seed = 1; seed <= runs; seed++) {
      const order = [...systems.keys()];
      if (seed % 2 === 0) order.reverse();
      for (const index of order)
        await add(sums[index]!, systems[index]!, scheduleOf(seed, { faults }), quiet);
      process.stderr.write(`${name}: schedule ${seed} of ${runs}, ${JSON.stringify(sums)}\n`);
    }
    for (const [index, { name: system, rooms }] of systems.entries()) {
      const { rooms: tallies, sent, said, faults: count, seconds } = sums[index]!;
      for (const [at, { name: kind }] of rooms.entries())
        messages.push([at + index === 0 ? name : '', system + kind, ...Object.values(tallies[at]!)]);
      reliable.push([index === 0 ? name : '', system, ...Object.values(sent)]);
      const total = totals[index]!;
      totals[index] = {
        said: total.said + said,
        faults: total.faults + count,
        seconds: total.seconds + seconds,
      };
    }
  }
  const counts = systems.map(({ name, subject }, index) => {
    const { said, faults, seconds } = totals[index]!;
    return `${name} (${subject.name}): ${runs * compared.length} runs, ${said} messages to rooms, ${faults} faults, ${Math.round(seconds)} s`;
  });
  return [
    ...counts,
    '',
    table(['fault', 'system', 'due', 'lost', 'told', 'twice', 'out of order'], messages),
    '',
    table(
      ['fault', 'system', 'sent', 'handled again', 'lost', 'without an answer', 'out of order'],
      reliable,
    ),
    '',
  ].join('\n');
}

async function add(
  sums: Sums,
  { subject, rooms }: Compared,
  schedule: ReturnType<typeof scheduleOf>,
  quiet: number,
): Promise<void> {
  const begin = Date.now();
  const { run, faults } = await play(subject, schedule, quiet);
  const { views, ledger } = run;
  for (const [at, { counts }] of rooms.entries())
    sums.rooms[at] = sumOf(sums.rooms[at]!, tallyOf(views, ledger, counts));
  sums.sent = sumOf(sums.sent, sentTallyOf(views, ledger));
  sums.said += ledger.said.length;
  sums.faults += Object.values(faults).reduce((sum, count) => sum + count, 0);
  sums.seconds += (Date.now() - begin) / 1_000;
}

function noSums(rooms: number): Sums {
  return {
    rooms: Array.from({ length: rooms }, () => NO_MESSAGES),
    sent: NOTHING_SENT,
    ...{ said: 0, faults: 0, seconds: 0 },
  };
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const show = (cell: string | number): string =>
    typeof cell === 'number' ? cell.toLocaleString('en') : cell;
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map(show).join(' | ')} |`)
    .join('\n');
}
