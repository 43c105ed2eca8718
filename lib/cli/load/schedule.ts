/** Milliseconds of work after which other events of the process get their turn. */
const TURN = 5;

/** Milliseconds for tasks that are late, after the last planned time. */
const GRACE = 2_000;

/** When something is done at a constant rate. */
export interface Schedule {
  /** How often in a second. */
  readonly rate: number;
  /** How often in all. */
  readonly total: number;
}

/**
 * Runs a task at a constant rate, whatever the earlier tasks do: a slow server delays no later request. Tasks that are late, because
 * this process was busy, run as soon as possible; their planned times do not move. Ends at the latest two seconds after the
 * last planned time.
 *
 * @param task gets the number of the run and its planned time, by `performance.now()`
 * @returns how many runs there were; fewer than `total` if this process could not keep up or the signal aborted
 */
export function runOnSchedule(
  { rate, total }: Schedule,
  task: (index: number, planned: number) => void,
  signal: AbortSignal,
): Promise<number> {
  const start = performance.now();
  const plannedAt = (index: number): number => start + (index * 1_000) / rate;
  const end = plannedAt(total) + GRACE;
  let done = 0;
  return new Promise((resolve) => {
    const turn = (): void => {
      const turnStart = performance.now();
      let now = turnStart;
      while (done < total && !signal.aborted && plannedAt(done) <= now) {
        task(done, plannedAt(done));
        done++;
        if (performance.now() - turnStart > TURN) break;
        now = performance.now();
      }
      now = performance.now();
      if (done === total || signal.aborted || now > end) return resolve(done);
      const pause = plannedAt(done) - now;
      if (pause <= 0) setImmediate(turn);
      else setTimeout(turn, Math.min(pause, 100));
    };
    turn();
  });
}
