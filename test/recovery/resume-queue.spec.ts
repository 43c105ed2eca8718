import type { Ledger } from '../../lib/server/recovery/budget-ledger.js';
import { ResumeQueue, type Work } from '../../lib/server/recovery/resume-queue.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const from = (address: string): { address: string; isShared: boolean } => ({ address, isShared: false });
const never = (): boolean => false;

/** Looks at so many things. */
function* look(count: number, work: Work, done: () => void = () => undefined): Generator<void, number> {
  for (let i = 0; i < count; i++) if (work.add(1)) yield;
  done();
  return count;
}

describe('ResumeQueue', () => {
  let queue: ResumeQueue;
  let ended: string[];
  const run = (owner: string, count: number, name = owner): Promise<number | undefined> =>
    queue.run(from(owner), (work) => look(count, work, () => ended.push(name)), never);

  beforeEach(() => {
    queue = new ResumeQueue();
    ended = [];
  });

  it('does little work at once', async () => {
    const result = run('a', 100);
    expect(ended).toEqual(['a']);
    expect(await result).toBe(100);
    expect(queue.turns).toBe(0);
  });

  it('does much work in turns of the event loop, no more than a limit in each', async () => {
    const result = run('a', 50_000);
    expect(ended).toEqual([]);
    let most = queue.units;
    let before = queue.units;
    while (ended.length === 0) {
      await nextTurn();
      most = Math.max(most, queue.units - before);
      before = queue.units;
    }
    expect(await result).toBe(50_000);
    expect(most).toBeLessThanOrEqual(2_500);
    expect(queue.turns).toBeGreaterThanOrEqual(20);
  });

  it('counts the work of all together: many little ones are much work', async () => {
    const all = Promise.all(Array.from({ length: 200 }, (_, index) => run(`${index}`, 100)));
    expect(ended.length).toBeLessThan(20);
    await all;
    expect(ended).toHaveLength(200);
    expect(queue.turns).toBeGreaterThanOrEqual(10);
  });

  it('serves addresses in turn: one with much to do does not keep others waiting', async () => {
    const all = [
      ...Array.from({ length: 20 }, (_, index) => run('flood', 20_000, `flood ${index}`)),
      ...Array.from({ length: 5 }, (_, index) => run(`other ${index}`, 100)),
    ];
    await Promise.all(all);
    const last = Math.max(...ended.flatMap((name, index) => (name.startsWith('other') ? [index] : [])));
    expect(last).toBeLessThan(7);
  });

  it('has an address wait that has used up its budget, and no other', async () => {
    let done = 0;
    const flood = Array.from({ length: 30 }, () => run('flood', 50_000).then(() => done++));
    // 20 times 50,000 are allowed at once
    for (let turn = 0; turn < 800; turn++) await nextTurn();
    const atOnce = done;
    expect(atOnce).toBeGreaterThan(10);
    expect(atOnce).toBeLessThan(30);
    const { units } = queue;
    expect(await run('other', 100)).toBe(100);
    expect(queue.units - units).toBeLessThan(60_000);
    await Promise.all(flood);
    expect(done).toBe(30);
  });

  it('ends work that nobody waits for any more', async () => {
    let isOver = false;
    const result = queue.run(
      from('a'),
      (work) => look(50_000, work, () => ended.push('a')),
      () => isOver,
    );
    await nextTurn();
    isOver = true;
    expect(await result).toBeUndefined();
    expect(ended).toEqual([]);
    expect(queue.units).toBeLessThan(10_000);
    expect(await run('a', 10)).toBe(10);
  });

  it('passes on what the work throws, and goes on', async () => {
    const broken = (work: Work): Generator<void, number> =>
      look(1, work, () => {
        throw new Error('broken');
      });
    const failing = queue.run(from('a'), broken, never);
    await expect(failing).rejects.toThrow('broken');
    expect(await run('a', 10)).toBe(10);
  });

  it('forgets addresses that have their whole budget again', async () => {
    for (let index = 0; index < 5_000; index++) await run(`address ${index}`, 1);
    expect((Reflect.get(queue, 'ledger') as Ledger).size).toBeLessThanOrEqual(2_000);
  });
});
