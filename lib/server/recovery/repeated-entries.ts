/** Messages of each node that are remembered: those that a client of the broker may have under way when it reconnects. */
const MAX_MARKS = 1_000;
/** Nodes, and repeated entries, that are remembered. */
const MAX_KNOWN = 1_000;

/**
 * Finds entries that were written twice. A client of the broker that loses its connection sends commands without an answer once
 * more, though the broker may have run them.
 */
export class RepeatedEntries {
  private readonly marks = new Map<string, Set<number>>();
  private readonly offsets = new Set<string>();

  /**
   * @param uid the node that wrote the entry
   * @param mark the number of the message on that node
   * @returns whether the message was there before
   */
  add(uid: string, mark: number, offset: string): boolean {
    let marks = this.marks.get(uid);
    if (marks === undefined) {
      this.marks.set(uid, (marks = new Set()));
      // each start of a node has a new name
      forgetOldest(this.marks, MAX_KNOWN);
    }
    if (!marks.has(mark)) {
      marks.add(mark);
      forgetOldest(marks, MAX_MARKS);
      return false;
    }
    this.offsets.add(offset);
    forgetOldest(this.offsets, MAX_KNOWN);
    return true;
  }

  /** Whether the entry at an offset repeats an earlier one. */
  has(offset: string): boolean {
    return this.offsets.has(offset);
  }
}

function forgetOldest<Key>(
  collection: { readonly size: number; keys(): IterableIterator<Key>; delete(key: Key): boolean },
  most: number,
): void {
  if (collection.size <= most) return;
  const { value, done } = collection.keys().next();
  if (done !== true) collection.delete(value);
}
