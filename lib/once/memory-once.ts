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
  readonly owner: Owner;
}

interface Claim {
  readonly value: string;
  readonly owner: string;
}

/** What the store keeps of one user. */
interface Owner {
  readonly name: string;
  /** The oldest first. */
  readonly names: Set<string>;
  bytes: number;
  /** The owners of about the same size. */
  rank: number;
}

/** Bytes of an entry beside its value, about. */
const OVERHEAD = 200;

/**
 * Keeps the answers of `@Once()` in the memory of one node. Beyond its limits it forgets: then the same request runs the handler
 * again. The oldest answer of those users goes first who have the most, within a factor of two, so that one with many keys does
 * not push out the answers of others; without a user, the address counts. What runs is never forgotten. Without the option
 * `onceStore`, each path has such a store with the default limits.
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
  private readonly claims = new Map<string, Claim>();
  /** The oldest first. */
  private readonly kept = new Map<string, Kept>();
  private readonly owners = new Map<string, Owner>();
  /** The owners by the binary logarithm of what they keep. In each rank, the one that came first is first. */
  private readonly ranks: Set<Owner>[] = [];
  private bytes = 0;

  constructor(
    private readonly maxKeys: number,
    private readonly maxBytes: number,
  ) {}

  async claim(name: string, value: string, _time?: number, owner = ''): Promise<string | undefined> {
    const before = this.claims.get(name)?.value ?? this.answerOf(name);
    if (before === undefined) this.claims.set(name, { value, owner });
    return before;
  }

  async replace(name: string, expected: string, value: string | undefined, time: number): Promise<void> {
    const claim = this.claims.get(name);
    if (claim?.value !== expected) return;
    // a claim ends with its process: it needs no time
    if (value === expected) return;
    this.claims.delete(name);
    if (value === undefined) return;
    const bytes = Buffer.byteLength(value) + OVERHEAD;
    const owner = this.ownerOf(claim.owner);
    this.kept.set(name, { value, bytes, until: Date.now() + time, owner });
    this.bytes += bytes;
    owner.names.add(name);
    owner.bytes += bytes;
    this.place(owner);
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
      if (entry.until > now) break;
      this.remove(name, entry);
    }
    while (this.kept.size > this.maxKeys || this.bytes > this.maxBytes) {
      const [largest] = this.ranks.at(-1)!;
      const [name] = largest!.names;
      this.remove(name!, this.kept.get(name!)!);
    }
  }

  private remove(name: string, { bytes, owner }: Kept): void {
    this.kept.delete(name);
    this.bytes -= bytes;
    owner.names.delete(name);
    owner.bytes -= bytes;
    this.place(owner);
  }

  private ownerOf(name: string): Owner {
    const found = this.owners.get(name);
    if (found !== undefined) return found;
    const owner: Owner = { name, names: new Set(), bytes: 0, rank: -1 };
    this.owners.set(name, owner);
    return owner;
  }

  /** Moves an owner to the rank of its size. */
  private place(owner: Owner): void {
    const count = owner.names.size;
    const share = Math.max(count, Math.ceil((owner.bytes * this.maxKeys) / this.maxBytes));
    const rank = count === 0 ? -1 : Math.floor(Math.log2(share));
    if (rank !== owner.rank) {
      this.ranks[owner.rank]?.delete(owner);
      while (this.ranks.length <= rank) this.ranks.push(new Set());
      this.ranks[rank]?.add(owner);
      owner.rank = rank;
      while (this.ranks.at(-1)?.size === 0) this.ranks.pop();
    }
    if (count === 0) this.owners.delete(owner.name);
  }
}
