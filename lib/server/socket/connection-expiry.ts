import { MAX_DELAY } from '../../protocol/max-delay.js';
import { withCode } from '../../protocol/with-code.js';

/** A moment before 1973 is no moment in milliseconds, but one in seconds. */
const FIRST_PLAUSIBLE = 1e11;

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'object' ? 'an object' : String(value);
}

/** The moments at which one connection ends by itself; the first that comes counts. */
export class ConnectionExpiry {
  /** Milliseconds since the epoch, as the application has set it. */
  at: number | undefined;
  private lifetimeEnds = Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly onOver: (reason: string) => void) {}

  /**
   * `undefined`, `null`, `Infinity`, `NaN` and an invalid `Date` mean that there is no such moment.
   *
   * @returns whether that was said by a number or `Date` that is none, as `undefined * 1000` is
   * @throws RangeError on what is no moment, or one in seconds, as in a JWT's `exp`
   */
  set(when: number | Date | null | undefined): boolean {
    const at: unknown = (when instanceof Date ? when.getTime() : when) ?? Infinity;
    const isNone = Number.isNaN(at);
    if (!isNone && !(typeof at === 'number' && at >= FIRST_PLAUSIBLE))
      throw withCode(
        'ERR_ENVELOPE_INVALID_ARGUMENT',
        new RangeError(
          `client.expiresAt is ${show(at)}: it takes a Date, milliseconds since the epoch, or undefined for no end. ` +
            "A JWT's exp is in seconds: exp * 1000",
        ),
      );
    this.at = isNone || at === Infinity ? undefined : (at as number);
    this.arm();
    return isNone;
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
