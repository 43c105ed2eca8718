import type { EntryList, Positioned } from './room-index.js';

interface Cursor<Entry extends Positioned> {
  readonly list: EntryList<Entry>;
  place: number;
  /** What is at the place. */
  entry: Entry;
}

/** The entries of several lists behind a position, as one list: in order, and each of them once. */
export class MergedLists<Entry extends Positioned> {
  /** A binary heap: the cursor with the lowest position is first. */
  private readonly heap: Cursor<Entry>[] = [];
  private last = 0;

  constructor(private readonly until: number) {}

  add(list: EntryList<Entry>, behind: number): void {
    const place = list.placeBehind(behind);
    const entry = list.at(place);
    if (entry === undefined || entry.number > this.until) return;
    const { heap } = this;
    let child = heap.push({ list, place, entry }) - 1;
    while (child > 0) {
      const parent = (child - 1) >>> 1;
      if (heap[parent]!.entry.number <= entry.number) break;
      this.swap(parent, child);
      child = parent;
    }
  }

  /** @returns the next entry; `undefined` at the end; `null` where it was returned before */
  next(): Entry | undefined | null {
    const [cursor] = this.heap;
    if (cursor === undefined) return undefined;
    const { entry } = cursor;
    const following = cursor.list.at(++cursor.place);
    if (following !== undefined && following.number <= this.until) {
      cursor.entry = following;
    } else {
      const end = this.heap.pop()!;
      if (end !== cursor) this.heap[0] = end;
    }
    this.sink();
    if (entry.number === this.last) return null;
    this.last = entry.number;
    return entry;
  }

  private sink(): void {
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
