/** Entries past which those without a debt are looked for. */
const SWEEP_AT = 1_000;

/**
 * What addresses have used up: for each, the moment at which it would have paid for everything (see `Rate`). Forgets
 * addresses that owe nothing.
 */
export class Ledger {
  private readonly paid = new Map<string, number>();
  private sweepAt = SWEEP_AT;

  /** How many addresses are kept. */
  get size(): number {
    return this.paid.size;
  }

  /** @returns the moment; one in the past, or 0, where the address owes nothing */
  get(name: string): number {
    return this.paid.get(name) ?? 0;
  }

  /** @param now milliseconds of the clock that `paid` is told by */
  set(name: string, paid: number, now: number): void {
    this.paid.set(name, paid);
    if (this.paid.size < this.sweepAt) return;
    for (const [other, moment] of this.paid) if (moment <= now) this.paid.delete(other);
    this.sweepAt = Math.max(SWEEP_AT, 2 * this.paid.size);
  }
}
