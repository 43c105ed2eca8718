import { MAX_DELAY } from '../../protocol/max-delay.js';
import { withCode } from '../../protocol/with-code.js';

/** A time before 1973 in milliseconds is a time in seconds. */
const FIRST_PLAUSIBLE = 1e11;

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'object' ? 'an object' : String(value);
}

/** Ends one connection at a set time, or at the end of its lifetime, whichever is earlier. */
export class ConnectionExpiry {
  /** The time that the application has set, in milliseconds since the epoch. */
  at: number | undefined;
  private lifetimeEnds = Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly onOver: (reason: string) => void) {}

  /**
   * Sets the time. `undefined`, `null`, `Infinity`, `NaN` and an invalid `Date` remove it.
   *
   * @returns whether it was `NaN` or an invalid `Date`, the result of `undefined * 1000`
   * @throws RangeError on a value that is no time, or is in seconds, such as a JWT's `exp`
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

  /** Starts the lifetime again, in milliseconds; `Infinity`: no limit. */
  limit(lifetime: number): void {
    this.lifetimeEnds = Date.now() + lifetime;
    this.arm();
  }

  /**
   * What the client learns of the end: when, in milliseconds since the epoch, and in how many milliseconds, since its clock may
   * differ; `undefined`: the connection does not end by itself.
   */
  get told(): { readonly expiresAt: number; readonly expiresIn: number } | undefined {
    const { end } = this;
    return end === Infinity ? undefined : { expiresAt: end, expiresIn: Math.max(0, end - Date.now()) };
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
    // a timer with a longer delay would expire at once: it is set again when it does
    const delay = Math.min(Math.max(0, end - Date.now()), MAX_DELAY);
    this.timer = setTimeout(() => this.check(), delay).unref();
  }

  private check(): void {
    if (!this.isOver) return this.arm();
    this.onOver(this.at !== undefined && Date.now() >= this.at ? 'expired' : 'end of the lifetime');
  }
}
