import { isDeeperThan } from '../../lib/protocol/json.js';
import { growth } from '../support/growth.js';
import { Random } from '../support/random.js';

/** The reference implementation: walks the parsed value. */
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

  it('counts open brackets, not all brackets', () => {
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
  ])('ignores %s', (_, text) => {
    expect(depthOf(JSON.parse(text))).toBe(1);
    expect(isDeeperThan(text, 1)).toBe(false);
  });

  it('counts brackets after a string', () => {
    expect(isDeeperThan('["\\\\",[["x"]]]', 2)).toBe(true);
    expect(isDeeperThan('{"\\"":[{}]}', 2)).toBe(true);
  });

  it('agrees with the reference implementation on random values', () => {
    const random = new Random(7);
    const strings = ['', '[', '"', '\\', '\\"[', '{"a":[', 'ü', '\\\\'];
    const make = (maxDepth: number): unknown => {
      if (maxDepth === 0 || random.chance(0.2)) return random.pick([1, null, true, ...strings]);
      const inner = Array.from({ length: random.below(4) }, () => make(maxDepth - 1));
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

  it('takes time proportional to the length of the text', async () => {
    for (const part of ['"', '\\', '\\"']) {
      const read = (size: number): void =>
        expect(isDeeperThan(JSON.stringify(part.repeat(size)), 1)).toBe(false);
      expect(await growth(read, 50_000)).toBeLessThan(8);
    }
  });
});
