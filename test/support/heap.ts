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

/** How many bytes of the heap are in use that were not before. Some hundred kilobytes are noise. */
export function heapGrowth(act: () => void): number {
  const before = heapBytes();
  act();
  return heapBytes() - before;
}
