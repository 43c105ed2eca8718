import type { Random } from '../support/random.js';

/** Longer texts find no more, and cost time. */
const MAX_LENGTH = 4_000;

/** Changes texts at random: by characters, and by the tokens of a language, so that many still parse. */
export class Mutator {
  constructor(
    private readonly corpus: readonly string[],
    private readonly tokens: readonly string[],
  ) {}

  /** A text of the corpus, changed in some places, or in none. */
  next(random: Random): string {
    let text = random.pick(this.corpus);
    for (let changes = random.below(random.chance(0.2) ? 8 : 3); changes > 0; changes--)
      text = this.change(random, text);
    return text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text;
  }

  change(random: Random, text: string): string {
    const at = random.below(text.length + 1);
    const length = random.below(Math.min(12, text.length - at + 1));
    const [before, piece, after] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
    switch (random.below(9)) {
      case 0: // another character
        return before + randomCharacter(random) + text.slice(at + 1);
      case 1: // one more
        return before + randomCharacter(random) + text.slice(at);
      case 2: // a token more
      case 3:
        return before + random.pick(this.tokens) + text.slice(at);
      case 4: // a token instead
        return before + random.pick(this.tokens) + after;
      case 5: // a piece less
        return before + after;
      case 6: // a piece again and again
        return before + piece.repeat(1 + random.below(random.chance(0.1) ? 200 : 4)) + after;
      case 7: // cut, and another text behind
        return before + random.pick(this.corpus).slice(random.below(20));
      default: // a piece elsewhere
        return this.insert(random, before + after, piece);
    }
  }

  private insert(random: Random, text: string, piece: string): string {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + piece + text.slice(at);
  }
}

/** Mostly printable; also controls, what is more than one byte, halves of surrogate pairs. */
export function randomCharacter(random: Random): string {
  switch (random.below(8)) {
    case 0:
      return String.fromCharCode(random.below(32));
    case 1:
      return String.fromCharCode(0x80 + random.below(0x780));
    case 2:
      return String.fromCharCode(random.below(0x10000));
    case 3:
      return String.fromCodePoint(0x10000 + random.below(0x100000));
    default:
      return String.fromCharCode(32 + random.below(95));
  }
}

/** Changes bytes at random: bits, whole bytes, pieces that go, come twice or change places. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = 1 + random.below(4); changes > 0 && result.length > 0; changes--) {
    const at = random.below(result.length);
    const length = Math.min(random.below(8), result.length - at);
    const [before, piece, after] = [
      result.subarray(0, at),
      result.subarray(at, at + length),
      result.subarray(at + length),
    ];
    switch (random.below(6)) {
      case 0:
        result[at]! ^= 1 << random.below(8);
        break;
      case 1:
        result[at] = random.below(256);
        break;
      case 2:
        result = Buffer.concat([before, after]);
        break;
      case 3:
        result = Buffer.concat([before, piece, piece, after]);
        break;
      case 4:
        result = Buffer.concat([before, Buffer.from([random.below(256)]), piece, after]);
        break;
      default:
        result = Buffer.concat([after, piece, before]);
    }
  }
  return result;
}
