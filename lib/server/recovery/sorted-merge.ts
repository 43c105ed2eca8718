import type { EntryList, Numbered } from './room-index.js';

interface Cursor<Entry extends Numbered> {
  readonly list: EntryList<Entry>;
  index: number;
  /** The entry at the index. */
  entry: Entry;
}

/** Merges several sorted lists: returns their entries in the order of their numbers, each entry once. */
export class SortedMerge<Entry extends Numbered> {
  /** A binary heap. Its first cursor has the lowest number. */
  private readonly heap: Cursor<Entry>[] = [];
  private last = 0;

  /** @param until the number of the last entry to return */
  constructor(private readonly until: number) {}

  /** Adds the entries of a list after a number. */
  add(list: EntryList<Entry>, after: number): void {
    const index = list.indexAfter(after);
    const entry = list.at(index);
    if (entry === undefined || entry.number > this.until) return;
    const { heap } = this;
    let child = heap.push({ list, index, entry }) - 1;
    while (child > 0) {
      const parent = (child - 1) >>> 1;
      if (heap[parent]!.entry.number <= entry.number) break;
      this.swap(parent, child);
      child = parent;
    }
  }

  /** Returns the next entry; `undefined` at the end; `null` if the next entry was returned before. */
  next(): Entry | undefined | null {
    const [cursor] = this.heap;
    if (cursor === undefined) return undefined;
    const { entry } = cursor;
    const following = cursor.list.at(++cursor.index);
    if (following !== undefined && following.number <= this.until) {
      cursor.entry = following;
    } else {
      const end = this.heap.pop()!;
      if (end !== cursor) this.heap[0] = end;
    }
    this.siftDown();
    if (entry.number === this.last) return null;
    this.last = entry.number;
    return entry;
  }

  private siftDown(): void {
    const { heap } = this;
    for (let parent = 0; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2])
        if (child < heap.length && heap[child]!.entry.number < heap[least]!.entry.number) least = child;
      if (least === parent) return;
      this.swap(parent, least);
      parent = least;
    }
  }

  private swap(one: number, other: number): void {
    const { heap } = this;
    const cursor = heap[one]!;
    heap[one] = heap[other]!;
    heap[other] = cursor;
  }
}
