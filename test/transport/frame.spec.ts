import * as fc from 'fast-check';
import { Frame, frameText, joinFrames, type Outgoing } from '../../lib/server/transport/frame.js';
import { clientFrame, OP } from '../support/raw-client.js';

const expected = (opcode: number, payload: string | Buffer): Buffer =>
  clientFrame({ opcode, payload, mask: false });
const bytesOf = (item: Outgoing): Buffer => {
  if (typeof item === 'string') return expected(OP.text, item);
  const payload = item.payload as string | Buffer;
  return expected(typeof payload === 'string' ? OP.text : OP.binary, payload);
};

/** The values around each boundary between two classes of length. */
const LENGTHS = [0, 1, 124, 125, 126, 127, 255, 256, 65_534, 65_535, 65_536, 65_537, 100_000];
/** Functions that return a text of the given number of bytes, of characters of one to four bytes. */
const TEXTS: [string, (bytes: number) => string][] = [
  ['ASCII', (bytes) => 'a'.repeat(bytes)],
  ['latin', (bytes) => 'ü'.repeat(bytes >> 1) + 'a'.repeat(bytes & 1)],
  ['euro signs', (bytes) => '€'.repeat(Math.floor(bytes / 3)) + 'a'.repeat(bytes % 3)],
  ['emoji', (bytes) => '😀'.repeat(bytes >> 2) + 'a'.repeat(bytes & 3)],
  ['lone surrogates', (bytes) => '\ud83d'.repeat(Math.floor(bytes / 3)) + 'a'.repeat(bytes % 3)],
  [
    'ASCII with one other character at the end',
    (bytes) => (bytes < 2 ? 'a'.repeat(bytes) : `${'a'.repeat(bytes - 2)}ü`),
  ],
];

describe('frames', () => {
  it.each(TEXTS)('encode text of every class of length: %s', (_what, text) => {
    for (const length of LENGTHS) {
      const payload = text(length);
      expect(Buffer.byteLength(payload)).toBe(length);
      expect(frameText(payload).equals(expected(OP.text, payload))).toBe(true);
      expect(new Frame(payload).bytes.equals(expected(OP.text, payload))).toBe(true);
    }
  });

  it('encode binary messages of every class of length', () => {
    for (const length of LENGTHS) {
      const payload = Buffer.alloc(length, 0xfe);
      expect(new Frame(payload).bytes.equals(expected(OP.binary, payload))).toBe(true);
    }
  });

  it('are encoded once', () => {
    const frame = new Frame('ü');
    expect(frame.bytes).toBe(frame.bytes);
  });

  it('are joined in order, from any mix of texts and frames', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc
        .tuple(fc.constantFrom(...TEXTS), fc.constantFrom(...LENGTHS))
        .map(([[, make], length]) => make(length)),
    );
    const item: fc.Arbitrary<Outgoing> = fc.oneof(
      text,
      text.map((payload) => new Frame(payload)),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => new Frame(Buffer.from(bytes))),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), (items) => {
        expect(joinFrames(items).equals(Buffer.concat(items.map(bytesOf)))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
