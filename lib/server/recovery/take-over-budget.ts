import { setTimeout as pause } from 'node:timers/promises';
import { TokenBucket } from '../util/token-bucket.js';
import { nameOf, type Asker } from './rate-owner.js';
import { SHARED_ADDRESS_FACTOR } from '../handshake/client-info.js';

/** Tokens that no node knows, per second and address, for which the other nodes are asked. */
const UNKNOWN_PER_SECOND = 20;
/** Milliseconds that a client waits for its turn, and clients of one address that may wait. */
const PATIENCE = 1_500;
const MAX_WAITING = 100;
/** So many addresses are kept before those without a debt are looked for. */
const SWEEP_AT = 1_000;

interface Account {
  paid: number;
  waiting: number;
}

/**
 * Bounds how often the clients of one address can make a node ask all others for a session. Only tokens that nobody
 * issued count: invented ones neither cost other addresses anything, nor does a real client ever use up the budget.
 */
export class TakeOverBudget {
  private readonly accounts = new Map<string, Account>();
  private sweepAt = SWEEP_AT;
  private readonly own = new TokenBucket(UNKNOWN_PER_SECOND, UNKNOWN_PER_SECOND);
  private readonly shared = new TokenBucket(
    UNKNOWN_PER_SECOND * SHARED_ADDRESS_FACTOR,
    UNKNOWN_PER_SECOND * SHARED_ADDRESS_FACTOR,
  );

  /**
   * Runs a search when the address has a share left, and charges it where the token was unknown.
   *
   * @returns whether the token was known; `false` also where the address has used up its share
   */
  async spend(by: Asker, search: () => Promise<boolean>): Promise<boolean> {
    const rate = by.isShared ? this.shared : this.own;
    const account = this.accountOf(by);
    if (!(await take(account, rate))) return false;
    const isKnown = await search();
    if (isKnown) account.paid -= rate.interval;
    return isKnown;
  }

  private accountOf(by: Asker): Account {
    const key = nameOf(by);
    let account = this.accounts.get(key);
    if (account === undefined) {
      if (this.accounts.size >= this.sweepAt) this.sweep();
      account = { paid: 0, waiting: 0 };
      this.accounts.set(key, account);
    }
    return account;
  }

  private sweep(): void {
    const now = performance.now();
    for (const [key, { paid, waiting }] of this.accounts)
      if (paid <= now && waiting === 0) this.accounts.delete(key);
    this.sweepAt = Math.max(SWEEP_AT, this.accounts.size * 2);
  }
}

/** Clients whose sessions exist give back what they took within milliseconds: who finds nothing left tries again. */
async function take(account: Account, rate: TokenBucket): Promise<boolean> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const now = performance.now();
    const paid = rate.take(account.paid, now);
    if (paid !== 0) {
      account.paid = paid;
      return true;
    }
    if (now > deadline || account.waiting >= MAX_WAITING) return false;
    account.waiting++;
    await pause(rate.interval, undefined, { ref: false });
    account.waiting--;
  }
}
