import type { Count } from './views.js';

/** Names that one list of counts has at most. Few of the counted names are a client's choice; the others share one. */
const MAX_NAMES = 100;
/** Stands for all names beyond those. */
const OTHER = '_OTHER';

/** Counts by name. */
export class NamedCounts {
  private readonly counts = new Map<string, number>();

  add(name: string, by = 1): void {
    const known = this.counts.has(name) || this.counts.size < MAX_NAMES;
    const key = known ? name : OTHER;
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }

  /** The counts, the largest first. */
  get all(): readonly Count[] {
    return [...this.counts]
      .map(([name, count]) => ({ name, count }))
      .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  }
}
