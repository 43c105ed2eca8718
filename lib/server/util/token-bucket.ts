/**
 * A token bucket that stores one number per client: the time at which the bucket will be full again (the generic cell
 * rate algorithm).
 */
export class TokenBucket {
  /** Milliseconds until one token is refilled. */
  readonly interval: number;
  private readonly capacity: number;

  /**
   * @param perSecond the number of tokens that are refilled each second
   * @param burst the maximum number of tokens
   */
  constructor(perSecond: number, burst: number) {
    this.interval = 1_000 / perSecond;
    // half a token for rounding errors, so that the last of `burst` tokens is granted
    this.capacity = this.interval * (burst + 0.5);
  }

  /**
   * Takes one token.
   *
   * @param fullAt the result of the last call, 0 at first
   * @param now milliseconds of a monotonic clock
   * @returns the `fullAt` of the next call; 0 if no token is left
   */
  take(fullAt: number, now: number): number {
    const next = (fullAt > now ? fullAt : now) + this.interval;
    return next - now > this.capacity ? 0 : next;
  }
}
