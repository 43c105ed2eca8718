import { MAX_DELAY } from '../protocol/max-delay.js';

/** A moment before 1973 is no moment in milliseconds, but one in seconds. */
const FIRST_PLAUSIBLE = 1e11;

/** The moments at which one connection ends by itself; the first that comes counts. */
export class Expiry {
  /** Milliseconds since the epoch, as the application has set it. */
  at: number | undefined;
  private lifetimeEnds = Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly onOver: (reason: string) => void) {}

  /** @throws RangeError on what is no moment, or one in seconds, as in a JWT's `exp` */
  set(when: number | Date | undefined): void {
    const at = when instanceof Date ? when.getTime() : when;
    if (at !== undefined && !(typeof at === 'number' && at >= FIRST_PLAUSIBLE))
      throw new RangeError(
        `expiresAt is ${String(at)}: it takes a Date or milliseconds since the epoch. A JWT's exp is in seconds: exp * 1000`,
      );
    this.at = at;
    this.arm();
  }

  /** Begins the lifetime anew, in milliseconds; `Infinity`: there is no end to it. */
  limit(lifetime: number): void {
    this.lifetimeEnds = Date.now() + lifetime;
    this.arm();
  }

  get isOver(): boolean {
    return Date.now() >= this.end;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private get end(): number {
    return Math.min(this.at ?? Infinity, this.lifetimeEnds);
  }

  private arm(): void {
    this.stop();
    const { end } = this;
    if (end === Infinity) return;
    // one that is too far comes by, and is set again
    const delay = Math.min(Math.max(0, end - Date.now()), MAX_DELAY);
    this.timer = setTimeout(() => this.check(), delay).unref();
  }

  private check(): void {
    if (!this.isOver) return this.arm();
    this.onOver(this.at !== undefined && Date.now() >= this.at ? 'expired' : 'end of the lifetime');
  }
}
