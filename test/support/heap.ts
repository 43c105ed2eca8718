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

/** Resolves when earlier garbage is collected: finalizers run in later turns, and free more. */
async function settled(): Promise<void> {
  let before = Infinity;
  for (let turn = 0; turn < 20; turn++) {
    const now = heapBytes();
    if (before - now < 10_000) return;
    before = now;
    await new Promise((resolve) => setImmediate(resolve));
  }
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
