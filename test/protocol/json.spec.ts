import { isDeeperThan } from '../../lib/protocol/json.js';
import { Random } from '../support/random.js';

/** The same, by the book: walks the value. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const lists = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const objects = (depth: number): string => '{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1);

describe('isDeeperThan', () => {
  it.each([1, 2, 3, 64, 1_000])('counts lists and objects, down to %d', (limit) => {
    for (const nest of [lists, objects]) {
      expect(isDeeperThan(nest(limit), limit)).toBe(false);
      expect(isDeeperThan(nest(limit + 1), limit)).toBe(true);
    }
    expect(isDeeperThan(lists(100_000), Infinity)).toBe(false);
  });

  it('counts what is open, not what there is', () => {
    expect(isDeeperThan(`[${Array(1_000).fill('[]').join(',')}]`, 2)).toBe(false);
    expect(isDeeperThan(`[${Array(1_000).fill('[{}]').join(',')}]`, 2)).toBe(true);
  });

  it.each([
    ['brackets in a string', JSON.stringify(['[[[[{{{{'])],
    ['a quote in a string', JSON.stringify(['"[[[["[[[['])],
    ['a backslash at the end of a string', JSON.stringify(['[[\\', '[[[['])],
    ['backslashes and quotes', JSON.stringify(['\\"[[', '\\\\"[[', '\\\\\\[[', '"\\'])],
    ['an escaped quote by its number', '["\\u0022[[[["]'],
    ['a key full of brackets', '{"[[[[\\"[[":"[["}'],
  ])('looks past %s', (_, text) => {
    expect(depthOf(JSON.parse(text))).toBe(1);
    expect(isDeeperThan(text, 1)).toBe(false);
  });

  it('finds what lies behind a string', () => {
    expect(isDeeperThan('["\\\\",[["x"]]]', 2)).toBe(true);
    expect(isDeeperThan('{"\\"":[{}]}', 2)).toBe(true);
  });

  it('agrees with a walk over the value, on anything', () => {
    const random = new Random(7);
    const strings = ['', '[', '"', '\\', '\\"[', '{"a":[', 'ü', '\\\\'];
    const make = (fuel: number): unknown => {
      if (fuel === 0 || random.chance(0.2)) return random.pick([1, null, true, ...strings]);
      const inner = Array.from({ length: random.below(4) }, () => make(fuel - 1));
      if (random.chance(0.5)) return inner;
      return Object.fromEntries(inner.map((value, i) => [`${random.pick(strings)}${i}`, value]));
    };
    for (let i = 0; i < 2_000; i++) {
      const value = make(1 + random.below(6));
      const text = random.chance(0.5) ? JSON.stringify(value) : JSON.stringify(value, undefined, 2);
      const limit = 1 + random.below(6);
      expect([text, isDeeperThan(text, limit)]).toEqual([text, depthOf(value) > limit]);
    }
  });

  it('takes time in proportion to the text', () => {
    const quotes = JSON.stringify('"'.repeat(2_000_000));
    const slashes = JSON.stringify('\\'.repeat(2_000_000));
    const mixed = JSON.stringify('\\"'.repeat(1_000_000));
    const began = performance.now();
    for (const text of [quotes, slashes, mixed]) expect(isDeeperThan(text, 1)).toBe(false);
    // some 30 ms; a quadratic walk takes minutes
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
