import { setTimeout as pause } from 'node:timers/promises';
import { BROKER_TIMEOUT, LONGEST_BROKER_WAIT } from '../util/from-broker.js';
import { TokenBucket } from '../util/token-bucket.js';
import { rateKeyOf, type RateOwner } from './rate-owner.js';
import { SHARED_ADDRESS_FACTOR } from '../handshake/client-info.js';

/** The maximum number of unknown tokens per second and address that are looked up on other nodes. */
const UNKNOWN_PER_SECOND = 20;
/** The maximum number of waiting clients of one address. */
const MAX_WAITING = 100;
/** The number of addresses from which on those without a debt are removed. */
const SWEEP_AT = 1_000;

interface Account {
  fullAt: number;
  waiting: number;
}

/**
 * Limits how often the clients of one address can make a node request a session from all other nodes. Only tokens that
 * no node issued count. So invented tokens do not affect other addresses, and genuine clients never use up the budget.
 */
export class TakeOverBudget {
  private readonly accounts = new Map<string, Account>();
  private sweepAt = SWEEP_AT;
  private readonly single = new TokenBucket(UNKNOWN_PER_SECOND, UNKNOWN_PER_SECOND);
  private readonly shared = new TokenBucket(
    UNKNOWN_PER_SECOND * SHARED_ADDRESS_FACTOR,
    UNKNOWN_PER_SECOND * SHARED_ADDRESS_FACTOR,
  );

  /**
   * Runs a search if the address has budget left. Charges the address if the token was unknown.
   *
   * @returns whether the token was known; also `false` if the address has no budget left
   */
  async spend(by: RateOwner, search: () => Promise<boolean>): Promise<boolean> {
    const rate = by.isShared ? this.shared : this.single;
    const account = this.accountOf(by);
    if (!(await take(account, rate))) return false;
    const isKnown = await search();
    if (isKnown) account.fullAt -= rate.interval;
    return isKnown;
  }

  private accountOf(by: RateOwner): Account {
    const key = rateKeyOf(by);
    let account = this.accounts.get(key);
    if (account === undefined) {
      if (this.accounts.size >= this.sweepAt) this.sweep();
      account = { fullAt: 0, waiting: 0 };
      this.accounts.set(key, account);
    }
    return account;
  }

  private sweep(): void {
    const now = performance.now();
    for (const [key, { fullAt, waiting }] of this.accounts)
      if (fullAt <= now && waiting === 0) this.accounts.delete(key);
    this.sweepAt = Math.max(SWEEP_AT, this.accounts.size * 2);
  }
}

/**
 * Takes one token, and waits for one if necessary: clients whose sessions exist return their tokens within
 * milliseconds.
 */
async function take(account: Account, rate: TokenBucket): Promise<boolean> {
  const deadline = performance.now() + LONGEST_BROKER_WAIT;
  // a busy process waits as often as an idle one: its other clients return their tokens later, too
  for (let left = BROKER_TIMEOUT / rate.interval; ; left--) {
    const now = performance.now();
    const fullAt = rate.take(account.fullAt, now);
    if (fullAt !== 0) {
      account.fullAt = fullAt;
      return true;
    }
    if (left <= 0 || now > deadline || account.waiting >= MAX_WAITING) return false;
    account.waiting++;
    await pause(rate.interval, undefined, { ref: false });
    account.waiting--;
  }
}
