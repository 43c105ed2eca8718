import { jest } from '@jest/globals';
import type { BudgetLedger } from '../../lib/server/recovery/budget-ledger.js';
import { ResumeQueue, type Work } from '../../lib/server/recovery/resume-queue.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const from = (address: string): { address: string; isShared: boolean } => ({ address, isShared: false });
const never = (): boolean => false;

/** Does `count` units of work. */
function* doWork(count: number, work: Work, done: () => void = () => undefined): Generator<void, number> {
  for (let i = 0; i < count; i++) if (work.add(1)) yield;
  done();
  return count;
}

describe('ResumeQueue', () => {
  let queue: ResumeQueue;
  let ended: string[];
  const run = (owner: string, count: number, name = owner): Promise<number | undefined> =>
    queue.run(from(owner), (work) => doWork(count, work, () => ended.push(name)), never);

  beforeEach(() => {
    queue = new ResumeQueue();
    ended = [];
  });
  afterEach(() => void jest.useRealTimers());

  it('does a small job at once', async () => {
    const result = run('a', 100);
    expect(ended).toEqual(['a']);
    expect(await result).toBe(100);
    expect(queue.turns).toBe(0);
  });

  it('splits a large job over turns of the event loop, with a limit for each turn', async () => {
    const result = run('a', 50_000);
    expect(ended).toEqual([]);
    let maxUnits = queue.units;
    let before = queue.units;
    while (ended.length === 0) {
      await nextTurn();
      maxUnits = Math.max(maxUnits, queue.units - before);
      before = queue.units;
    }
    expect(await result).toBe(50_000);
    expect(maxUnits).toBeLessThanOrEqual(2_500);
    expect(queue.turns).toBeGreaterThanOrEqual(20);
  });

  it('applies the limit to all jobs together: many small jobs are split, too', async () => {
    const all = Promise.all(Array.from({ length: 200 }, (_, index) => run(`${index}`, 100)));
    expect(ended.length).toBeLessThan(20);
    await all;
    expect(ended).toHaveLength(200);
    expect(queue.turns).toBeGreaterThanOrEqual(10);
  });

  it('serves addresses in turn: one with many jobs does not delay others', async () => {
    const all = [
      ...Array.from({ length: 20 }, (_, index) => run('flood', 20_000, `flood ${index}`)),
      ...Array.from({ length: 5 }, (_, index) => run(`other ${index}`, 100)),
    ];
    await Promise.all(all);
    const last = Math.max(...ended.flatMap((name, index) => (name.startsWith('other') ? [index] : [])));
    expect(last).toBeLessThan(7);
  });

  it('delays an address that has used up its budget, and no other', async () => {
    // budgets grow with the time, of which a busy machine takes more
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    queue = new ResumeQueue();
    let done = 0;
    const flood = Array.from({ length: 30 }, () => run('flood', 50_000).then(() => done++));
    // the budget allows 20 times 50,000 at once
    for (let turn = 0; turn < 800; turn++) await nextTurn();
    expect(done).toBe(20);
    const { units } = queue;
    expect(await run('other', 100)).toBe(100);
    expect(queue.units - units).toBeLessThan(60_000);
    for (; done < 30; await nextTurn()) jest.advanceTimersByTime(10);
    await Promise.all(flood);
  });

  it('stops a job whose result is no longer needed', async () => {
    let isOver = false;
    const result = queue.run(
      from('a'),
      (work) => doWork(50_000, work, () => ended.push('a')),
      () => isOver,
    );
    await nextTurn();
    isOver = true;
    expect(await result).toBeUndefined();
    expect(ended).toEqual([]);
    expect(queue.units).toBeLessThan(10_000);
    expect(await run('a', 10)).toBe(10);
  });

  it('rejects with what the job throws, and continues with other jobs', async () => {
    const broken = (work: Work): Generator<void, number> =>
      doWork(1, work, () => {
        throw new Error('broken');
      });
    const failing = queue.run(from('a'), broken, never);
    await expect(failing).rejects.toThrow('broken');
    expect(await run('a', 10)).toBe(10);
  });

  it('drops addresses whose budget is full again', async () => {
    for (let index = 0; index < 5_000; index++) await run(`address ${index}`, 1);
    expect((Reflect.get(queue, 'ledger') as BudgetLedger).size).toBeLessThanOrEqual(2_000);
  });
});
