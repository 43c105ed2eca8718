import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of the heap, buffers included, that are in use after a garbage collection. */
export function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * How many bytes of the heap something keeps alive: those that become free when it goes. What was in use before may
 * become free at any time, since a test before this one has ended.
 */
export async function heldBytes<Kept extends object>(
  make: () => Kept,
  look: (kept: Kept) => void,
): Promise<number> {
  const box: { kept?: Kept | undefined } = {};
  box.kept = make();
  look(box.kept);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  const full = heapBytes();
  box.kept = undefined;
  return full - heapBytes();
}
