import * as fc from 'fast-check';
import { Frame, frameAscii, frameText, joinFrames, type Outgoing } from '../../lib/server/transport/frame.js';
import type { Random } from '../support/random.js';
import { check, fuzz } from './fuzz.js';
import { randomCharacter } from './mutator.js';
import { property } from './property.js';
import { readServerFrames } from './rfc6455.js';

/** The lengths around each change of the length encoding. */
const BOUNDARIES = [0, 1, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537];
const REPLACEMENT = Buffer.from([0xef, 0xbf, 0xbd]);

/** Encodes UTF-8 by RFC 3629. Replaces a lone surrogate, which is not a character. */
function utf8(text: string): Buffer {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point >= 0xd800 && point < 0xe000) bytes.push(...REPLACEMENT);
    else if (point < 0x10000)
      bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else
      bytes.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 63),
        0x80 | ((point >> 6) & 63),
        0x80 | (point & 63),
      );
  }
  return Buffer.from(bytes);
}

function randomText(random: Random): string {
  if (random.chance(0.002)) {
    // an exact number of bytes, all ASCII except one character at a random place
    const character = random.pick(['', 'ü', '€', '😀', '\ud83d']);
    const left = random.pick(BOUNDARIES) - utf8(character).length;
    const before = random.below(Math.max(1, left));
    return 'a'.repeat(before) + character + 'a'.repeat(Math.max(0, left - before));
  }
  const length = random.chance(0.3) ? 110 + random.below(30) : random.below(12);
  if (random.chance(0.4)) return 'x'.repeat(length);
  return Array.from({ length }, () => randomCharacter(random)).join('');
}

function randomItem(random: Random): Outgoing {
  if (random.chance(0.5)) return randomText(random);
  if (random.chance(0.7)) return new Frame(randomText(random));
  const length = random.chance(0.01) ? random.pick(BOUNDARIES) : random.below(140);
  return new Frame(Buffer.alloc(length, random.below(256)));
}

/** Whether a string can be written as Latin-1. */
function isShortAscii(text: string): boolean {
  return text.length < 65_536 && utf8(text).length === text.length;
}

/** Parses the bytes, and compares each frame with its source. */
function readBack(bytes: Buffer, items: readonly Outgoing[]): void {
  const { frames, rest } = readServerFrames(bytes);
  check(rest.length === 0, 'bytes are left over', rest.length);
  check(frames.length === items.length, 'another number of frames', frames.length, items.length);
  for (const [index, { opcode, payload }] of frames.entries()) {
    const item = items[index]!;
    const source = (typeof item === 'string' ? item : item.payload) as string | Buffer;
    check(opcode === (typeof source === 'string' ? 1 : 2), 'another opcode', opcode, source);
    check(payload.equals(typeof source === 'string' ? utf8(source) : source), 'other bytes', payload, source);
  }
}

describe('the frame writer', () => {
  fuzz('writes frames that parse to the same messages', 4_000, (random) => {
    const items = Array.from({ length: 1 + random.below(6) }, () => randomItem(random));
    // a shared frame is written more than once, before or after its bytes were read
    if (random.chance(0.3)) items.push(random.pick(items));
    if (random.chance(0.3)) for (const item of items) if (typeof item !== 'string') void item.bytes;
    readBack(joinFrames(items), items);
    const texts = items.filter((item) => typeof item === 'string');
    const ascii = frameAscii(texts);
    if (ascii !== undefined) readBack(Buffer.from(ascii, 'latin1'), texts);
    else check(!texts.every(isShortAscii), 'ASCII was not written as Latin-1', texts);
    for (const item of items) {
      if (typeof item === 'string') readBack(frameText(item), [item]);
      else readBack(item.bytes, [item]);
    }
  });

  property(
    'joins any texts and bytes of fast-check',
    100,
    fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
        fc.uint8Array({ maxLength: 300 }).map((bytes) => new Frame(Buffer.from(bytes))),
      ),
      { maxLength: 8 },
    ),
    (items) => readBack(joinFrames(items), items),
  );
});
