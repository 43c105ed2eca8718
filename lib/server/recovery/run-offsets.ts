import { randomBytes } from 'node:crypto';

/**
 * The offsets of a log in memory: each has a part that says which run of the program issued it, since another run starts at 1
 * again.
 */
export class RunOffsets {
  private readonly run = randomBytes(6).toString('base64url');

  of(number: number): string {
    return `${this.run}.${number}`;
  }

  /** Returns the number of the entry with an offset; `undefined` if this run of the program did not issue it. */
  numberOf(offset: string): number | undefined {
    const [run, number] = offset.split('.');
    return run === this.run && /^\d{1,15}$/.test(number ?? '') ? Number(number) : undefined;
  }

  isLater(offset: string, than: string): boolean {
    return (this.numberOf(offset) ?? 0) > (this.numberOf(than) ?? 0);
  }
}
