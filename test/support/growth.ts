/** Rounds of each size, and of those that follow while the result is too high: a busy machine slows down some of them. */
const ROUNDS = 5;
const MOST_ROUNDS = 100;

/**
 * Returns how many times as long work takes with four times the size: four times if the time is proportional to the size, 16 times
 * if it is quadratic. The quickest of several rounds counts. Never a time alone: machines differ.
 *
 * @param enough more rounds follow until the result is lower
 */
export const growth = (work: (size: number) => unknown, size: number, enough = 8): Promise<number> =>
  timesAsLong(
    () => work(4 * size),
    () => work(size),
    enough,
  );

/** Returns how many times as long one work takes as the other. The quickest of several rounds of each counts. */
export async function timesAsLong(
  one: () => unknown,
  other: () => unknown,
  enough = Infinity,
): Promise<number> {
  let [longer, shorter] = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS || (longer >= enough * shorter && round < MOST_ROUNDS); round++) {
    longer = Math.min(longer, await timeOf(one));
    shorter = Math.min(shorter, await timeOf(other));
  }
  return longer / shorter;
}

async function timeOf(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
