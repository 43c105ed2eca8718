import * as fc from 'fast-check';
import { newSeed } from '../support/random.js';
import { TIMES } from './fuzz.js';
import { SAVED_PATHS } from './seeds.js';

/** Defines a test of a property with random values of fast-check, which also shrinks a failing value. */
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
      for (const saved of SAVED_PATHS[name] ?? []) fc.assert(checked, saved);
      // a failure prints its seed and path
      fc.assert(checked, { seed: newSeed(), numRuns: cases * TIMES });
    },
    60_000 * Math.max(1, TIMES),
  );
}
