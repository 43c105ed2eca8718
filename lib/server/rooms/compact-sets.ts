import { inspect } from 'node:util';

/**
 * A Map of Sets that keeps small sets in a shorter form each, a text or a list, until code asks for the Set: 150 bytes less for
 * each text. Most rooms have one member, and most clients are in few rooms beside their own. A Set that code has is kept, and is
 * live.
 */
export class CompactSets<Short extends string | string[]> extends Map<string, Set<string>> {
  static {
    // for code that compares or prints it
    Object.defineProperty(this.prototype, 'constructor', { value: Map });
  }

  readonly #expand: (key: string, short: Short) => Set<string>;

  /** @param expand makes the Set that a shorter form stands for */
  constructor(expand: (key: string, short: Short) => Set<string>) {
    super();
    this.#expand = expand;
  }

  /** Returns the Set of a key, or what stands for it. */
  peek(key: string): Set<string> | Short | undefined {
    return super.get(key);
  }

  /** Keeps a shorter form in place of a Set. */
  setShort(key: string, short: Short): void {
    super.set(key, short as unknown as Set<string>);
  }

  override get(key: string): Set<string> | undefined {
    const value: unknown = super.get(key);
    if (typeof value !== 'string' && !Array.isArray(value)) return value as Set<string> | undefined;
    const made = this.#expand(key, value as Short);
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
