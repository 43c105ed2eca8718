import { TokenBucket } from '../util/token-bucket.js';
import { rateKeyOf, type RateOwner } from './rate-owner.js';
import { SHARED_ADDRESS_FACTOR } from '../handshake/client-info.js';
import { BudgetLedger } from './budget-ledger.js';

/** The units of work of one step. A unit is the check of one room or one message. */
const STEP = 500;
/** The maximum units of work of all resumes together in one turn of the event loop: about a millisecond. */
const TURN = 2_000;
/** The units that every resume counts in addition to its work. */
const START = 50;
/** The units of work per second for one address, and the burst after a pause. Further work waits. */
const UNITS_PER_SECOND = 250_000;
const BURST = 1_000_000;
/** The maximum debt of an address, in units: one large resume must not make it wait for minutes. */
const MAX_DEBT = 1_000_000;
/** The maximum number of concurrent resumes, since each keeps its intermediate results in memory. */
const MAX_RUNNING = 8;

/** Counts the work of one resume. */
export class Work {
  units = 0;
  readonly step = STEP;
  private due = STEP;

  /** Counts units of work. Returns whether the step is complete. */
  add(units: number): boolean {
    this.units += units;
    if (this.units < this.due) return false;
    this.due = this.units + this.step;
    return true;
  }
}

/** Searches the messages of one client, in steps. */
type Search<Result> = (work: Work) => Iterator<void, Result>;

interface Job {
  readonly owner: string;
  readonly by: RateOwner;
  readonly steps: Iterator<void, unknown>;
  readonly work: Work;
  readonly isOver: () => boolean;
  readonly resolve: (result: unknown) => void;
  /** The units that were charged already. */
  charged: number;
}

/**
 * Shares the event loop among the clients that resume their sessions. The work of all of them is limited in each turn
 * of the loop. Addresses take turns, with one resume at a time each, and wait once they have used up their budget. So a
 * client that requests much work does not delay others.
 */
export class ResumeQueue {
  /** The number of turns of the event loop so far that were too short for all work. */
  turns = 0;
  /** The units of work so far. */
  units = 0;
  private readonly waiting = new Map<string, Job[]>();
  private running: Job[] = [];
  private readonly owners = new Set<string>();
  private readonly rate = new TokenBucket(UNITS_PER_SECOND, BURST);
  private readonly ledger = new BudgetLedger();
  private remaining = TURN;
  private isTurnDue = false;
  private timer: NodeJS.Timeout | undefined;

  /**
   * Runs a search now, as far as the limit of this turn of the event loop allows, and the rest in later turns.
   *
   * @param by the address to charge
   * @param isOver called between two steps; once it returns `true`, the search ends
   * @returns the result; `undefined` if the search ended early
   */
  run<Result>(by: RateOwner, search: Search<Result>, isOver: () => boolean): Promise<Result | undefined> {
    return new Promise((resolve) => {
      const work = new Work();
      work.add(START);
      const owner = rateKeyOf(by);
      const job: Job = {
        owner,
        by,
        steps: search(work),
        work,
        isOver,
        resolve: resolve as (result: unknown) => void,
        charged: 0,
      };
      const queue = this.waiting.get(owner);
      if (queue === undefined) this.waiting.set(owner, [job]);
      else queue.push(job);
      this.runJobs();
    });
  }

  private runJobs(): void {
    this.start();
    while (this.running.length > 0 && this.remaining > 0) {
      const job = this.running.shift()!;
      if (!this.step(job)) this.running.push(job);
      else this.start();
    }
    if (this.remaining < TURN || this.running.length > 0) this.scheduleTurn();
    else if (this.waiting.size > 0) this.waitForBudget();
  }

  /** Runs one step of a job. Returns whether the job is done. */
  private step(job: Job): boolean {
    let result: unknown;
    let isDone = true;
    try {
      if (!job.isOver()) {
        const { done, value } = job.steps.next();
        isDone = done === true;
        result = value;
      }
    } catch (error) {
      result = Promise.reject(error as Error);
    }
    const units = job.work.units - job.charged;
    job.charged = job.work.units;
    this.remaining -= units;
    this.units += units;
    this.charge(job.by, units);
    if (!isDone) return false;
    this.owners.delete(job.owner);
    job.resolve(result);
    return true;
  }

  /** Starts waiting jobs, one per address. */
  private start(): void {
    for (const [owner, jobs] of this.waiting) {
      if (this.running.length >= MAX_RUNNING) return;
      if (this.owners.has(owner) || this.delayOf(owner) > 0) continue;
      this.running.push(jobs.shift()!);
      this.owners.add(owner);
      // the address goes to the end of the queue
      this.waiting.delete(owner);
      if (jobs.length > 0) this.waiting.set(owner, jobs);
    }
  }

  private scheduleTurn(): void {
    if (this.isTurnDue) return;
    this.isTurnDue = true;
    setImmediate(() => {
      this.isTurnDue = false;
      if (this.remaining <= 0) this.turns++;
      this.remaining = TURN;
      this.runJobs();
    });
  }

  /** Continues when the first of the waiting addresses has budget again. */
  private waitForBudget(): void {
    clearTimeout(this.timer);
    const delay = Math.min(...[...this.waiting.keys()].map((owner) => this.delayOf(owner)));
    this.timer = setTimeout(() => this.runJobs(), Math.ceil(delay)).unref();
  }

  /**
   * Waits for the turn of an address whose work a broker or an adapter does. That work is charged afterwards.
   *
   * @param units the units to charge at once
   */
  async waitForTurn(by: RateOwner, units: number, isOver: () => boolean): Promise<void> {
    await this.run(by, (work) => spend(work, units), isOver);
  }

  /** Charges units of work to an address. */
  charge(by: RateOwner, units: number): void {
    const owner = rateKeyOf(by);
    const now = performance.now();
    const { interval } = this.rate;
    const cost = (units * interval) / (by.isShared ? SHARED_ADDRESS_FACTOR : 1);
    const fullAt = Math.max(this.ledger.get(owner), now) + cost;
    this.ledger.set(owner, Math.min(fullAt, now + (BURST + MAX_DEBT) * interval), now);
  }

  /** Returns the milliseconds until an address may continue. */
  private delayOf(owner: string): number {
    return this.ledger.get(owner) - performance.now() - BURST * this.rate.interval;
  }
}

function* spend(work: Work, units: number): Generator<void, void> {
  if (work.add(units)) yield;
}

/** The queue of the process. All servers share it, since they share the event loop. */
export const resumes = new ResumeQueue();
