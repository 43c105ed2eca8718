/**
 * A token bucket that needs one number per client: the moment at which it would have paid for all that it did
 * (the generic cell rate algorithm).
 */
export class TokenBucket {
  /** Milliseconds that one token costs. */
  readonly interval: number;
  private readonly capacity: number;

  /**
   * @param perSecond how many tokens come back each second
   * @param burst how many there are at most
   */
  constructor(perSecond: number, burst: number) {
    this.interval = 1_000 / perSecond;
    // half a token for what floating point loses: the n-th of n is let through
    this.capacity = this.interval * (burst + 0.5);
  }

  /**
   * Takes one token.
   *
   * @param paid what the last call gave, 0 at first
   * @param now milliseconds of a clock that never goes back
   * @returns what to give to the next call; 0: no token is left
   */
  take(paid: number, now: number): number {
    const next = (paid > now ? paid : now) + this.interval;
    return next - now > this.capacity ? 0 : next;
  }
}
