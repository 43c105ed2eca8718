import { TokenBucket } from '../util/token-bucket.js';
import { nameOf, type Asker } from './rate-owner.js';
import { SHARED_ADDRESS_FACTOR } from '../handshake/client-info.js';
import { Ledger } from './budget-ledger.js';

/** Units of work after which a step ends. A unit is one look at a room or at a message. */
const STEP = 500;
/** Units of work that all resumes together may do in one turn of the event loop: about a millisecond. */
const TURN = 2_000;
/** Units that every resume counts as, beside what it does. */
const START = 50;
/** Units of work each second for one address, and at once after a pause. What is beyond that waits. */
const UNITS_PER_SECOND = 250_000;
const BURST = 1_000_000;
/** Units that an address may owe at most: what it did at once is no reason to let it wait for minutes. */
const MAX_DEBT = 1_000_000;
/** Resumes that may be under way at a time; each keeps what it has found so far. */
const MAX_RUNNING = 8;

/** Counts the work of one resume. */
export class Work {
  units = 0;
  readonly step = STEP;
  private due = STEP;

  /** @returns whether a step's work is done */
  add(units: number): boolean {
    this.units += units;
    if (this.units < this.due) return false;
    this.due = this.units + this.step;
    return true;
  }
}

/** What looks for the messages of one client, in steps. */
type Search<Result> = (work: Work) => Iterator<void, Result>;

interface Job {
  readonly owner: string;
  readonly by: Asker;
  readonly steps: Iterator<void, unknown>;
  readonly work: Work;
  readonly isOver: () => boolean;
  readonly end: (result: unknown) => void;
  /** Units that were counted already. */
  counted: number;
}

/**
 * Shares the event loop among clients that come back. Each turn of the loop has a limit for the work of all of them.
 * Addresses take turns, one resume each at a time, and wait once they have used up their budget: a client chooses how
 * much it asks for, but not how long others wait for it.
 */
export class ResumeQueue {
  /** Turns of the event loop that were not enough for the work at hand, since the start. */
  turns = 0;
  /** Units of work since the start. */
  units = 0;
  private readonly waiting = new Map<string, Job[]>();
  private running: Job[] = [];
  private readonly owners = new Set<string>();
  private readonly rate = new TokenBucket(UNITS_PER_SECOND, BURST);
  private readonly ledger = new Ledger();
  private left = TURN;
  private isTurnDue = false;
  private timer: NodeJS.Timeout | undefined;

  /**
   * Does the work now, as far as this turn of the event loop allows, and the rest later.
   *
   * @param by what counts as one address
   * @param isOver asked between two steps; once it returns `true`, the work ends
   * @returns `undefined` where the work ended before it was done
   */
  run<Result>(by: Asker, search: Search<Result>, isOver: () => boolean): Promise<Result | undefined> {
    return new Promise((resolve) => {
      const work = new Work();
      work.add(START);
      const end = resolve as (result: unknown) => void;
      const owner = nameOf(by);
      const job: Job = { owner, by, steps: search(work), work, isOver, end, counted: 0 };
      const queue = this.waiting.get(owner);
      if (queue === undefined) this.waiting.set(owner, [job]);
      else queue.push(job);
      this.goOn();
    });
  }

  private goOn(): void {
    this.start();
    while (this.running.length > 0 && this.left > 0) {
      const job = this.running.shift()!;
      if (!this.step(job)) this.running.push(job);
      else this.start();
    }
    if (this.left < TURN || this.running.length > 0) this.takeTurn();
    else if (this.waiting.size > 0) this.wait();
  }

  /** @returns whether the job is done */
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
    const units = job.work.units - job.counted;
    job.counted = job.work.units;
    this.left -= units;
    this.units += units;
    this.charge(job.by, units);
    if (!isDone) return false;
    this.owners.delete(job.owner);
    job.end(result);
    return true;
  }

  /** Starts what waits, one resume for each address. */
  private start(): void {
    for (const [owner, jobs] of this.waiting) {
      if (this.running.length >= MAX_RUNNING) return;
      if (this.owners.has(owner) || this.delayOf(owner) > 0) continue;
      this.running.push(jobs.shift()!);
      this.owners.add(owner);
      // the others have their turn first
      this.waiting.delete(owner);
      if (jobs.length > 0) this.waiting.set(owner, jobs);
    }
  }

  private takeTurn(): void {
    if (this.isTurnDue) return;
    this.isTurnDue = true;
    setImmediate(() => {
      this.isTurnDue = false;
      if (this.left <= 0) this.turns++;
      this.left = TURN;
      this.goOn();
    });
  }

  /** All that wait have used up their budgets. */
  private wait(): void {
    clearTimeout(this.timer);
    const delay = Math.min(...[...this.waiting.keys()].map((owner) => this.delayOf(owner)));
    this.timer = setTimeout(() => this.goOn(), Math.ceil(delay)).unref();
  }

  /**
   * Waits until an address may go on, where others do the work: a broker, an adapter. What they did is charged later.
   *
   * @param units what is charged at once
   */
  async enter(by: Asker, units: number, isOver: () => boolean): Promise<void> {
    await this.run(by, (work) => spend(work, units), isOver);
  }

  /** Adds to what an address has used up. */
  charge(by: Asker, units: number): void {
    const owner = nameOf(by);
    const now = performance.now();
    const { interval } = this.rate;
    const cost = (units * interval) / (by.isShared ? SHARED_ADDRESS_FACTOR : 1);
    const paid = Math.max(this.ledger.get(owner), now) + cost;
    this.ledger.set(owner, Math.min(paid, now + (BURST + MAX_DEBT) * interval), now);
  }

  /** Milliseconds until an address may go on. */
  private delayOf(owner: string): number {
    return this.ledger.get(owner) - performance.now() - BURST * this.rate.interval;
  }
}

function* spend(work: Work, units: number): Generator<void, void> {
  if (work.add(units)) yield;
}

/** Of the whole process, as the event loop is. */
export const resumes = new ResumeQueue();
