/** A member of a shared room, as clients receive it. */
export interface SharedMember {
  readonly key: string;
  /** The metas of its connections on all nodes. */
  readonly metas: readonly unknown[];
}

/** The state of one client in a room whose states are shared, as the clients there receive it. */
export interface SharedState {
  /** The id of the client. */
  readonly id: string;
  /** The key of the member that the client is, or else the name of its user; absent if it has neither. */
  readonly key?: string;
  readonly state: unknown;
}

/** What clients in a shared room receive: everything, the number if that is too much, or changes. */
export type SharedNews<Entry = SharedMember> =
  | { readonly room: string; readonly rev: number; readonly all: readonly Entry[] }
  | { readonly room: string; readonly rev: number; readonly count: number }
  | {
      readonly room: string;
      readonly rev: number;
      readonly join?: readonly Entry[];
      readonly update?: readonly Entry[];
      readonly leave?: readonly string[];
    };

/**
 * Characters of JSON of the entries that clients receive. They may come from clients: without a bound, a few could make a list that
 * exceeds `maxBufferedBytes` and disconnects everybody who joins.
 */
const MAX_LENGTH = 500_000;

/** What a node has told its clients about one shared room. */
export class SharedRoom {
  /** The ids of the clients that need everything, not the changes alone. */
  readonly newcomers = new Set<string>();
  /** Runs until the next news. */
  timer: ReturnType<typeof setTimeout> | undefined;
  private rev = 0;
  /** The entries by key, as JSON. */
  private readonly told = new Map<string, string>();
  /** The characters of the keys and entries in `told`. */
  private length = 0;
  private readonly changed = new Set<string>();
  private isTooLarge = false;

  /** @param entryOf returns what clients receive of a key; `undefined`: it is not in the room */
  constructor(
    private readonly room: string,
    private readonly maxMembers: number,
    private readonly entryOf: (key: string) => object | undefined,
  ) {}

  /** The entry of a key may have changed. */
  mark(key: string): void {
    this.changed.add(key);
  }

  /**
   * Returns what is new for those who know the room; `undefined`: nothing.
   *
   * @returns `only`: the key of the change, if there is one change alone. Not with everything or the number: that is new also to
   * who made the change
   */
  news(): { known: object | undefined; only: string | undefined } {
    const only = this.changed.size === 1 ? [...this.changed][0] : undefined;
    const changes = this.takeChanges();
    const wasTooLarge = this.isTooLarge;
    this.isTooLarge = this.told.size > this.maxMembers || this.length > MAX_LENGTH;
    const isWhole = this.isTooLarge || wasTooLarge;
    // of a room that is too large, clients know the number alone
    const hasChanged =
      changes !== undefined && (!this.isTooLarge || !wasTooLarge || 'join' in changes || 'leave' in changes);
    if (!hasChanged) return { known: undefined, only };
    this.rev++;
    if (isWhole) return { known: this.all(), only: undefined };
    return { known: { room: this.room, rev: this.rev, ...changes }, only };
  }

  /** Returns what newcomers receive. */
  all(): object {
    const { room, rev, told } = this;
    if (this.isTooLarge) return { room, rev, count: told.size };
    return { room, rev, all: [...told.values()].map((entry) => JSON.parse(entry) as object) };
  }

  private takeChanges(): object | undefined {
    const join: object[] = [];
    const update: object[] = [];
    const leave: string[] = [];
    for (const key of this.changed) {
      const entry = this.entryOf(key);
      const before = this.told.get(key);
      if (entry === undefined) {
        if (before === undefined) continue;
        this.told.delete(key);
        this.length -= key.length + before.length;
        leave.push(key);
        continue;
      }
      // as other nodes have them, where JSON has no undefined
      const text = JSON.stringify(entry);
      if (text === before) continue;
      this.told.set(key, text);
      this.length += text.length + (before === undefined ? key.length : -before.length);
      (before === undefined ? join : update).push(entry);
    }
    this.changed.clear();
    const changes = Object.entries({ join, update, leave }).filter(([, { length }]) => length > 0);
    return changes.length === 0 ? undefined : Object.fromEntries(changes);
  }
}
