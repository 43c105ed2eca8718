// Measures the rows of the page, within a budget of time.
import { measureRound } from '../measure.js';
import { isInstalled, PEERS } from '../peers.js';
import { LABEL, takeTurns } from '../turns.js';
import { WORKLOADS } from '../workloads.js';

/** More rounds than this change no median much. */
const MAX_ROUNDS = 8;

const installed = (names) =>
  Object.fromEntries(['ours', ...names].filter(isInstalled).map((name) => [name, PEERS[name]]));

/** Returns one list of a key's values: rows of the same workload are measured together. */
function grouped(rows, kind) {
  const groups = new Map();
  for (const row of rows.filter((each) => each.kind === kind)) {
    const group = groups.get(row.workload) ?? { peers: new Set(), rounds: 0, share: 1 };
    for (const name of row.peers) group.peers.add(name);
    group.rounds = Math.max(group.rounds, row.rounds ?? 0);
    group.share = row.share ?? 1;
    groups.set(row.workload, group);
  }
  return groups;
}

/**
 * Measures all rows: first those whose servers take turns, then rounds of the others until the time is up, at least two.
 *
 * @param until when to begin no further round, as `performance.now()` counts
 * @returns the rounds of each workload, by kind and name
 */
export async function measureRows(rows, until) {
  const results = { turns: {}, processes: {} };
  for (const [workload, { peers, rounds }] of grouped(rows, 'turns')) {
    process.stderr.write(`${workload}: ${rounds} turns                         \r`);
    results.turns[workload] = await takeTurns(workload, installed([...peers]), rounds);
  }
  const groups = grouped(rows, 'processes');
  let slowest = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const begin = performance.now();
    if (round > 1 && begin + slowest > until) break;
    for (const [name, { peers, share }] of groups) {
      const workload = WORKLOADS.find((each) => each.name === name);
      const options = { share, isReversed: round % 2 === 1 };
      const figures = await measureRound(workload, installed([...peers]), options);
      (results.processes[name] ??= []).push(figures);
    }
    slowest = Math.max(slowest, performance.now() - begin);
  }
  return results;
}

/** Returns the figures of a row: for each peer what this package costs of it, and its own figure. */
export function figuresOf({ kind, workload, figure = LABEL, peers }, results) {
  const rounds = results[kind][workload];
  const of = (name) => rounds.map((round) => round[name].figures[figure]);
  const ours = of('ours');
  const measured = peers.filter((name) => rounds[0][name] !== undefined);
  const others = measured.map((name) => {
    const theirs = of(name);
    return { name, theirs, ratios: ours.map((value, i) => value / theirs[i]) };
  });
  return { ours, others, rounds: rounds.length };
}
