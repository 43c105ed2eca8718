import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Returns the bytes of the heap and of buffers that are in use after a garbage collection. */
export function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Resolves with `heapBytes()` when earlier garbage is collected: finalizers run in later turns, and free more. */
async function settled(): Promise<number> {
  let before = Infinity;
  for (let turn = 0; turn < 20; turn++) {
    const now = heapBytes();
    if (before - now < 10_000) return now;
    before = now;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return before;
}

/** How many turns count. One more goes before them: it compiles the code, and fills what is bounded. */
const TURNS = 3;

/**
 * Returns by how many bytes the heap grows at least while `act` runs. V8 takes memory for itself at times, once some 600 kB: `act`
 * runs several times, and a leak shows in each of them. `act` may resolve with a function that frees what was measured.
 */
export async function leastGrowth(act: (turn: number) => Promise<(() => unknown) | void>): Promise<number> {
  let least = Infinity;
  let before = 0;
  for (let turn = 0; turn <= TURNS; turn++) {
    const free = await act(turn);
    const after = await settled();
    if (turn > 0) least = Math.min(least, after - before);
    await free?.();
    // a garbage collection takes seconds on a busy machine
    before = free === undefined ? after : await settled();
  }
  return least;
}

/** Returns how many bytes an object keeps alive: those that are freed with it. */
export async function retainedBytes<Kept extends object>(
  make: () => Kept,
  look: (kept: Kept) => void,
): Promise<number> {
  await settled();
  const box: { kept?: Kept | undefined } = {};
  box.kept = make();
  look(box.kept);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  const full = heapBytes();
  box.kept = undefined;
  return full - heapBytes();
}
