/** Names that the file of types uses itself. */
const OWN = ['ClientOptions', 'ClientSocket'];

/** Letters of later Unicode versions, which compilers may not know, are outside of the first plane. */
const PART = /(?:(?![\u{10000}-\u{10ffff}_])\p{ID_Continue})+/gu;

/**
 * Turns words into an identifier that begins with a capital: `ws-chat say.reply` becomes `WsChatSayReply`. An identifier of
 * TypeScript may contain letters of all alphabets.
 */
export function identifier(words: string): string {
  const name = (words.match(PART) ?? []).map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  return /^\p{ID_Start}/u.test(name) ? name : `_${name}`;
}

/** Gives each type of a file a name that no other one has. */
export class TypeNames {
  private readonly taken = new Set(OWN);

  /** Returns the name, with a number if it is taken, and takes it. */
  take(words: string): string {
    return this.takeAll(words, ['']);
  }

  /** Returns a name that is free with each of the endings, and takes it with all of them. */
  takeAll(words: string, endings: readonly string[]): string {
    const wanted = identifier(words);
    let name = wanted;
    for (let count = 2; endings.some((ending) => this.taken.has(name + ending)); count++)
      name = `${wanted}${count}`;
    for (const ending of endings) this.taken.add(name + ending);
    return name;
  }
}
