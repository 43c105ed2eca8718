/** The first few of many items, in order. Most items cost one comparison. */
export class TopList<Item> {
  private readonly items: Item[] = [];

  /** @param compare negative: the first item comes before the second */
  constructor(
    private readonly size: number,
    private readonly compare: (a: Item, b: Item) => number,
  ) {}

  /** Whether an item would be added: to be asked before work is done for it. */
  takes(item: Item): boolean {
    return this.items.length < this.size || this.compare(item, this.items.at(-1)!) < 0;
  }

  add(item: Item): void {
    if (!this.takes(item)) return;
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(this.items[middle]!, item) <= 0) low = middle + 1;
      else high = middle;
    }
    this.items.splice(low, 0, item);
    if (this.items.length > this.size) this.items.pop();
  }

  get all(): readonly Item[] {
    return this.items;
  }
}

/** The order of names in pages: that of their UTF-16 code units, on every node the same. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
