const PATIENCE = 10_000;

/** Things that come one after the other, each given out once; waits for those that are not there yet. */
export class Awaited<Thing> {
  /** All that came, in order. */
  readonly all: Thing[] = [];
  private readonly taken = new Set<number>();
  private readonly looks = new Set<() => void>();

  constructor(private readonly what: string) {}

  add(thing: Thing): void {
    this.all.push(thing);
    for (const look of [...this.looks]) look();
  }

  take(matches: (thing: Thing) => boolean = () => true): Promise<Thing> {
    const error = new Error();
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.looks.delete(look);
      };
      const timer = setTimeout(() => {
        finish();
        error.message = `${this.what} did not come within ${PATIENCE} ms; there are ${JSON.stringify(this.open)}`;
        reject(error);
      }, PATIENCE);
      const look = (): void => {
        const index = this.all.findIndex((thing, at) => !this.taken.has(at) && matches(thing));
        if (index === -1) return;
        this.taken.add(index);
        finish();
        resolve(this.all[index]!);
      };
      this.looks.add(look);
      look();
    });
  }

  /** Those that nobody has taken. */
  get open(): Thing[] {
    return this.all.filter((_, index) => !this.taken.has(index));
  }
}
