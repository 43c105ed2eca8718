import * as fc from 'fast-check';
import { CLOSE_CODES, isCloseCode, truncateReason } from '../../lib/protocol/close-codes.js';

const bytes = (text: string): number => Buffer.byteLength(text);

describe('close reasons', () => {
  it('are cut between characters, to the longest text of at most 123 bytes', () => {
    const character = fc.constantFrom('a', 'ü', '€', '😀', '\ud83d', '\udc00', '\u0000', '\u0301');
    const text = fc.oneof(
      fc.array(character, { maxLength: 200 }).map((list) => list.join('')),
      fc.string({ unit: 'binary', maxLength: 200 }),
    );
    fc.assert(
      fc.property(text, (reason) => {
        const cut = truncateReason(reason);
        expect(reason.startsWith(cut)).toBe(true);
        expect(bytes(cut)).toBeLessThanOrEqual(123);
        if (cut === reason) return;
        const [kept, rest] = [Array.from(cut), Array.from(reason.slice(cut.length))];
        expect(bytes(cut) + bytes(rest[0]!)).toBeGreaterThan(123);
        // no character is cut in two
        expect([...kept, ...rest]).toEqual(Array.from(reason));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a'.repeat(123), 123],
    ['a'.repeat(124), 123],
    ['ü'.repeat(61), 61],
    ['ü'.repeat(62), 61],
    ['€'.repeat(41), 41],
    ['€'.repeat(42), 41],
    ['😀'.repeat(30), 60],
    ['😀'.repeat(31), 60],
    [`aaa${'😀'.repeat(31)}`, 63],
    ['', 0],
  ])('%j keeps %d units', (reason, length) => {
    expect(truncateReason(reason)).toHaveLength(length);
  });
});

describe('close codes', () => {
  it('that may be sent are those of RFC 6455, of its registry, and 3000 to 4999', () => {
    const sendable = Array.from({ length: 70_000 }, (_, code) => code).filter(isCloseCode);
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    expect(sendable).toEqual([...range(1000, 1003), ...range(1007, 1014), ...range(3000, 4999)]);
    for (const code of [-1000, 1000.5, NaN, Infinity, '1000', null, undefined, 1000n]) {
      expect(isCloseCode(code)).toBe(false);
    }
  });

  it('of this package may all be sent, and are unique', () => {
    const codes = Object.values(CLOSE_CODES).map(({ code }) => code);
    expect(codes.every(isCloseCode)).toBe(true);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
