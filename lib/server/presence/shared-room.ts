/** A member of a shared room, as clients receive it. */
export interface SharedMember {
  readonly key: string;
  /** The metas of its connections on all nodes. */
  readonly metas: readonly unknown[];
}

/** What clients in a shared room receive: all members, their number if they are too many, or changes. */
export type SharedNews =
  | { readonly room: string; readonly rev: number; readonly all: readonly SharedMember[] }
  | { readonly room: string; readonly rev: number; readonly count: number }
  | {
      readonly room: string;
      readonly rev: number;
      readonly join?: readonly SharedMember[];
      readonly update?: readonly SharedMember[];
      readonly leave?: readonly string[];
    };

/**
 * Characters of JSON of the members that clients receive. Metas may come from clients: without a bound, a few could make a list that
 * exceeds `maxBufferedBytes` and disconnects everybody who joins.
 */
const MAX_LENGTH = 500_000;

/** The members of one shared room as this node has told its clients. */
export class SharedRoom {
  /** The ids of the clients that have not received the members yet. */
  readonly newcomers = new Set<string>();
  /** Runs until the next news. */
  timer: ReturnType<typeof setTimeout> | undefined;
  private rev = 0;
  /** The metas by key, as JSON. */
  private readonly told = new Map<string, string>();
  /** The characters of the keys and metas in `told`. */
  private length = 0;
  private readonly changed = new Set<string>();
  private wasTooLarge = false;

  /** @param metasOf returns the metas of a member on all nodes */
  constructor(
    private readonly room: string,
    private readonly maxMembers: number,
    private readonly metasOf: (key: string) => unknown[],
  ) {}

  /** The metas of a member may have changed. */
  mark(key: string): void {
    this.changed.add(key);
  }

  /** Returns what is new for those who know the members, and what newcomers receive; `undefined`: nothing. */
  news(): { known: SharedNews | undefined; all: SharedNews | undefined } {
    const changes = this.takeChanges();
    const { room } = this;
    const hasChanged = changes !== undefined;
    const rev = hasChanged ? ++this.rev : this.rev;
    const isTooLarge = this.told.size > this.maxMembers || this.length > MAX_LENGTH;
    const wasTooLarge = this.wasTooLarge;
    this.wasTooLarge = isTooLarge;
    const count = { room, rev, count: this.told.size };
    const all = (): SharedNews => (isTooLarge ? count : { room, rev, all: this.members() });
    const isWhole = isTooLarge || wasTooLarge;
    return {
      known: hasChanged ? (isWhole ? all() : { room, rev, ...changes }) : undefined,
      all: this.newcomers.size > 0 ? all() : undefined,
    };
  }

  private takeChanges(): object | undefined {
    const join: SharedMember[] = [];
    const update: SharedMember[] = [];
    const leave: string[] = [];
    for (const key of this.changed) {
      const metas = this.metasOf(key);
      const before = this.told.get(key);
      if (metas.length === 0) {
        if (before === undefined) continue;
        this.told.delete(key);
        this.length -= key.length + before.length;
        leave.push(key);
        continue;
      }
      // as other nodes have them, where JSON has no undefined
      const text = JSON.stringify(metas);
      if (text === before) continue;
      this.told.set(key, text);
      this.length += text.length + (before === undefined ? key.length : -before.length);
      (before === undefined ? join : update).push({ key, metas });
    }
    this.changed.clear();
    const changes = Object.entries({ join, update, leave }).filter(([, { length }]) => length > 0);
    return changes.length === 0 ? undefined : Object.fromEntries(changes);
  }

  private members(): SharedMember[] {
    return [...this.told].map(([key, metas]) => ({ key, metas: JSON.parse(metas) as unknown[] }));
  }
}
