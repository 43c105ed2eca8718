import { inspect } from 'node:util';

/**
 * A Map of Sets of texts that keeps small sets as one text each, until code asks for the Set: 150 bytes less for each. Most
 * rooms have one member, and most clients are in at most one room beside their own. A Set that code has is kept, and is live.
 */
export class CompactSets extends Map<string, Set<string>> {
  static {
    // for code that compares or prints it
    Object.defineProperty(this.prototype, 'constructor', { value: Map });
  }

  readonly #expand: (key: string, text: string) => Set<string>;

  /** @param expand makes the Set that a text stands for */
  constructor(expand: (key: string, text: string) => Set<string>) {
    super();
    this.#expand = expand;
  }

  /** Returns the Set of a key, or the text that stands for it. */
  peek(key: string): Set<string> | string | undefined {
    return super.get(key);
  }

  /** Keeps a text in place of a Set. */
  setText(key: string, text: string): void {
    super.set(key, text as unknown as Set<string>);
  }

  override get(key: string): Set<string> | undefined {
    const value: unknown = super.get(key);
    if (typeof value !== 'string') return value as Set<string> | undefined;
    const made = this.#expand(key, value);
    super.set(key, made);
    return made;
  }

  override *entries(): Generator<[string, Set<string>], undefined> {
    for (const key of this.keys()) yield [key, this.get(key)!];
  }
  override *values(): Generator<Set<string>, undefined> {
    for (const key of this.keys()) yield this.get(key)!;
  }
  override [Symbol.iterator](): Generator<[string, Set<string>], undefined> {
    return this.entries();
  }
  override forEach(
    callback: (value: Set<string>, key: string, map: Map<string, Set<string>>) => void,
    self?: unknown,
  ): void {
    for (const [key, value] of this) callback.call(self, value, key, this);
  }

  [inspect.custom](): Map<string, Set<string>> {
    return new Map(this);
  }
}
