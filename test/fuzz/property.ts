import * as fc from 'fast-check';
import { newSeed } from '../support/random.js';
import { TIMES } from './fuzz.js';
import { KEPT_PATHS } from './seeds.js';

/** `it`, for a property of random values that fast-check makes, and makes smaller where it fails. */
export function property<Value>(
  name: string,
  cases: number,
  values: fc.Arbitrary<Value>,
  holds: (value: Value) => void,
): void {
  it(
    name,
    () => {
      const checked = fc.property(values, holds);
      for (const kept of KEPT_PATHS[name] ?? []) fc.assert(checked, kept);
      // a failure says its seed and path
      fc.assert(checked, { seed: newSeed(), numRuns: cases * TIMES });
    },
    15_000 * Math.max(1, TIMES),
  );
}
