/** Who is blocked: an address, or a user by its name. */
export interface BlockSubject {
  readonly kind: 'address' | 'user';
  /** The key that limits count the address by, or the name of the user. */
  readonly name: string;
}

/** A block, or the end of one, as nodes send it to each other. */
export interface BlockEntry extends BlockSubject {
  /** When an operator decided it, in milliseconds since the epoch: of two entries for one subject, the later one counts. */
  readonly at: number;
  /** When it ends, in milliseconds since the epoch. */
  readonly until: number;
  /** Whether the block was ended early. The entry is kept until `until`, because another node may not know yet. */
  readonly isLifted: boolean;
  readonly by: string | undefined;
  readonly reason: string | undefined;
}

/** The maximum number of entries. Beyond it, the one that ends first is dropped. */
const MAX_ENTRIES = 10_000;

/** The maximum number of characters of a name in an entry of another node: that of a user's name. */
const MAX_NAME = 1_000;

/** The addresses and users that may not connect for a time. It is in memory, and other nodes have the same list. */
export class BlockList {
  private readonly bySubject = new Map<string, BlockEntry>();

  /** Whether it is empty: most are, and then nothing else needs to be looked up. */
  get isEmpty(): boolean {
    return this.bySubject.size === 0;
  }

  /** Adds an entry. @returns whether it is news: neither over, nor older than what the list knows of its subject */
  add(entry: BlockEntry): boolean {
    if (entry.until <= Date.now()) return false;
    const key = keyOf(entry);
    const known = this.find(entry);
    if (known !== undefined && known.at >= entry.at) return false;
    this.bySubject.set(key, entry);
    if (this.bySubject.size > MAX_ENTRIES) this.makeRoom();
    return true;
  }

  /** Returns the block of a subject; `undefined`: it is not blocked. */
  blockOf(subject: BlockSubject): BlockEntry | undefined {
    if (this.isEmpty) return undefined;
    const entry = this.find(subject);
    return entry === undefined || entry.isLifted ? undefined : entry;
  }

  /** Returns all entries that are not over, those of ended blocks included. */
  entries(): BlockEntry[] {
    return [...this.bySubject.values()].filter((entry) => this.find(entry) === entry);
  }

  /** Returns the entry of a subject; `undefined` if there is none, or if it is over. */
  find(subject: BlockSubject): BlockEntry | undefined {
    const key = keyOf(subject);
    const entry = this.bySubject.get(key);
    if (entry === undefined || entry.until > Date.now()) return entry;
    this.bySubject.delete(key);
    return undefined;
  }

  private makeRoom(): void {
    let first: BlockEntry | undefined;
    for (const entry of this.bySubject.values())
      if (first === undefined || entry.until < first.until) first = entry;
    this.bySubject.delete(keyOf(first!));
  }
}

/** Reads an entry that another node sent. @returns `undefined` if it is none */
export function readBlockEntry(value: unknown): BlockEntry | undefined {
  const { kind, name, at, until, isLifted, by, reason } = Object(value) as Partial<BlockEntry>;
  if ((kind !== 'address' && kind !== 'user') || typeof name !== 'string' || name.length > MAX_NAME)
    return undefined;
  if (!Number.isSafeInteger(at) || !Number.isFinite(until) || typeof isLifted !== 'boolean') return undefined;
  return { kind, name, at: at!, until: until!, isLifted, by: textOf(by), reason: textOf(reason) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MAX_NAME) : undefined;
}

function keyOf({ kind, name }: BlockSubject): string {
  return `${kind} ${name}`;
}
