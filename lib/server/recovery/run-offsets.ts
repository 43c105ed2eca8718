import { randomBytes } from 'node:crypto';

/** The offsets of a log in memory: each has a part that says which run of the program issued it, since another run starts at 1 again. */
export class RunOffsets {
  private readonly run = randomBytes(6).toString('base64url');

  of(position: number): string {
    return `${this.run}.${position}`;
  }

  /** Returns the position of an offset; `undefined` if this run of the program did not issue it. */
  positionOf(offset: string): number | undefined {
    const [run, position] = offset.split('.');
    return run === this.run && /^\d{1,15}$/.test(position ?? '') ? Number(position) : undefined;
  }

  isLater(offset: string, than: string): boolean {
    return (this.positionOf(offset) ?? 0) > (this.positionOf(than) ?? 0);
  }
}
