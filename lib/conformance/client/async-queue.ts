const TIMEOUT = 10_000;

/** A queue whose `take` waits for an item. Each item is taken once. */
export class AsyncQueue<Item> {
  /** All added items, in order. */
  readonly all: Item[] = [];
  private readonly taken = new Set<number>();
  private readonly waiters = new Set<() => void>();

  constructor(private readonly what: string) {}

  add(item: Item): void {
    this.all.push(item);
    for (const check of [...this.waiters]) check();
  }

  take(matches: (item: Item) => boolean = () => true): Promise<Item> {
    const error = new Error();
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.waiters.delete(check);
      };
      const timer = setTimeout(() => {
        finish();
        error.message = `${this.what} did not arrive within ${TIMEOUT} ms; not taken: ${JSON.stringify(this.open)}`;
        reject(error);
      }, TIMEOUT);
      const check = (): void => {
        const index = this.all.findIndex((item, at) => !this.taken.has(at) && matches(item));
        if (index === -1) return;
        this.taken.add(index);
        finish();
        resolve(this.all[index]!);
      };
      this.waiters.add(check);
      check();
    });
  }

  /** The items that were not taken. */
  get open(): Item[] {
    return this.all.filter((_, index) => !this.taken.has(index));
  }
}
