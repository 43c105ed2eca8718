import type { Random } from '../support/random.js';

/** Longer texts take time and find no more faults. */
const MAX_LENGTH = 4_000;

/** Mutates texts by characters, and by the tokens of a language, so that many still parse. */
export class Mutator {
  constructor(
    private readonly corpus: readonly string[],
    private readonly tokens: readonly string[],
  ) {}

  /** Returns a text of the corpus with some mutations, or none. */
  next(random: Random): string {
    let text = random.pick(this.corpus);
    for (let changes = random.below(random.chance(0.2) ? 8 : 3); changes > 0; changes--)
      text = this.change(random, text);
    return text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text;
  }

  change(random: Random, text: string): string {
    const at = random.below(text.length + 1);
    const length = random.below(Math.min(12, text.length - at + 1));
    const [before, part, after] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
    switch (random.below(9)) {
      case 0: // replace a character
        return before + randomCharacter(random) + text.slice(at + 1);
      case 1: // insert a character
        return before + randomCharacter(random) + text.slice(at);
      case 2: // insert a token
      case 3:
        return before + random.pick(this.tokens) + text.slice(at);
      case 4: // replace a part by a token
        return before + random.pick(this.tokens) + after;
      case 5: // delete a part
        return before + after;
      case 6: // repeat a part
        return before + part.repeat(1 + random.below(random.chance(0.1) ? 200 : 4)) + after;
      case 7: // truncate, and append another text
        return before + random.pick(this.corpus).slice(random.below(20));
      default: // move a part
        return this.insert(random, before + after, part);
    }
  }

  private insert(random: Random, text: string, part: string): string {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + part + text.slice(at);
  }
}

/** Returns a character: usually printable, or a control, multi-byte or lone surrogate character. */
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

/** Mutates bytes: flips bits, replaces, inserts, deletes, repeats or moves bytes. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = 1 + random.below(4); changes > 0 && result.length > 0; changes--) {
    const at = random.below(result.length);
    const length = Math.min(random.below(8), result.length - at);
    const [before, part, after] = [
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
        result = Buffer.concat([before, part, part, after]);
        break;
      case 4:
        result = Buffer.concat([before, Buffer.from([random.below(256)]), part, after]);
        break;
      default:
        result = Buffer.concat([after, part, before]);
    }
  }
  return result;
}
