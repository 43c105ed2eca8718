/** The number of entries from which on those without a debt are removed. */
const SWEEP_AT = 1_000;

/**
 * The used budget of addresses. Stores for each the time at which its budget will be full again (see `TokenBucket`).
 * Removes addresses whose budget is full.
 */
export class BudgetLedger {
  private readonly fullAt = new Map<string, number>();
  private sweepAt = SWEEP_AT;

  /** The number of stored addresses. */
  get size(): number {
    return this.fullAt.size;
  }

  /** Returns the time at which the budget of an address is full; 0, or a time in the past, if it is full now. */
  get(name: string): number {
    return this.fullAt.get(name) ?? 0;
  }

  /**
   * Sets the time at which the budget of an address is full.
   *
   * @param now the current time of the same clock, in milliseconds
   */
  set(name: string, fullAt: number, now: number): void {
    this.fullAt.set(name, fullAt);
    if (this.fullAt.size < this.sweepAt) return;
    for (const [other, time] of this.fullAt) if (time <= now) this.fullAt.delete(other);
    this.sweepAt = Math.max(SWEEP_AT, 2 * this.fullAt.size);
  }
}
