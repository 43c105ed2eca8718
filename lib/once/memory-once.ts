import type { OnceStore } from '../nest/options/once-store.js';
import { assertOptions, refuseOption } from '../protocol/refuse.js';

/** The limits of {@link memoryOnce}. */
export interface MemoryOnceOptions {
  /** Answers. Default: 10,000. */
  maxKeys?: number;
  /** Bytes of all answers together. Default: 16,000,000. */
  maxBytes?: number;
}

interface Kept {
  readonly value: string;
  readonly until: number;
  readonly bytes: number;
}

/** Bytes of an entry beside its value, about. */
const OVERHEAD = 200;

/**
 * Keeps the answers of `@Once()` in the memory of one node. Beyond its limits, the oldest are forgotten first: then the same request runs
 * the handler again. What runs is never forgotten. Without the option `onceStore`, each path has such a store with the default limits.
 *
 * @example
 * ```ts
 * app.useWebSocketAdapter(new EnvelopeAdapter(app, { onceStore: memoryOnce({ maxKeys: 100_000, maxBytes: 160_000_000 }) }));
 * ```
 *
 * @throws TypeError on an unknown or malformed option
 */
export function memoryOnce(options: MemoryOnceOptions = {}): OnceStore {
  assertOptions('memoryOnce', options, ['maxKeys', 'maxBytes'], '{ maxKeys: 10_000 }');
  const { maxKeys = 10_000, maxBytes = 16_000_000 } = options;
  for (const [name, value] of Object.entries({ maxKeys, maxBytes }))
    if (!Number.isInteger(value) || value < 1)
      refuseOption('memoryOnce', name, value, 'a whole number from 1 on');
  return new MemoryOnceStore(maxKeys, maxBytes);
}

class MemoryOnceStore implements OnceStore {
  private readonly claims = new Map<string, string>();
  /** The oldest first. */
  private readonly kept = new Map<string, Kept>();
  private bytes = 0;

  constructor(
    private readonly maxKeys: number,
    private readonly maxBytes: number,
  ) {}

  async claim(name: string, value: string): Promise<string | undefined> {
    const before = this.claims.get(name) ?? this.answerOf(name);
    if (before === undefined) this.claims.set(name, value);
    return before;
  }

  async replace(name: string, expected: string, value: string | undefined, time: number): Promise<void> {
    const claim = this.claims.get(name);
    if (claim !== expected) return;
    // a claim ends with its process: it needs no time
    if (value === expected) return;
    this.claims.delete(name);
    if (value === undefined) return;
    const bytes = Buffer.byteLength(value) + OVERHEAD;
    this.kept.set(name, { value, bytes, until: Date.now() + time });
    this.bytes += bytes;
    this.forget();
  }

  private answerOf(name: string): string | undefined {
    const found = this.kept.get(name);
    if (found === undefined || found.until > Date.now()) return found?.value;
    this.remove(name, found);
    return undefined;
  }

  private forget(): void {
    const now = Date.now();
    for (const [name, entry] of this.kept) {
      const isOver = this.kept.size > this.maxKeys || this.bytes > this.maxBytes;
      if (!isOver && entry.until > now) return;
      this.remove(name, entry);
    }
  }

  private remove(name: string, { bytes }: Kept): void {
    this.kept.delete(name);
    this.bytes -= bytes;
  }
}
