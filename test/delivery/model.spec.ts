import { check, type Fault, type Run, type ViolationKind } from './model.js';
import { PerfectSubject, type Mutant } from './perfect-subject.js';
import { play } from './run.js';
import { FAULTS, scheduleOf, type Step } from './schedule.js';
import type { ClientView, Entrance, Said } from './subject.js';

/**
 * Without pauses, which a system in memory does not need; without kills and rooms that clients leave, since what is lost then may
 * not count.
 */
function schedule(seed = 7) {
  const faults = FAULTS.filter((kind) => kind !== 'kill');
  const written = scheduleOf(seed, { steps: 200, faults });
  return { ...written, steps: written.steps.filter((step) => step.do !== 'pause' && step.do !== 'leave') };
}
const playOn = (mutant?: Mutant) => play(new PerfectSubject(mutant), schedule(), 20);

describe('the schedules of faults', () => {
  it('are the same for a seed, differ between seeds, and have all faults, each with its end', () => {
    expect(scheduleOf(1)).toEqual(scheduleOf(1));
    expect(scheduleOf(1)).not.toEqual(scheduleOf(2));
    const steps = Array.from({ length: 30 }, (_, seed) => scheduleOf(seed).steps).flat();
    const kinds = new Set(steps.map((step) => step.do));
    for (const kind of [...FAULTS, 'back', 'fast', 'restart', 'resume', 'heal'] as Step['do'][])
      expect([kind, kinds.has(kind)]).toEqual([kind, true]);
    expect(scheduleOf(3, { faults: ['cut'] }).steps.some((step) => step.do === 'kill')).toBe(false);
  });
});

describe('the model of delivery', () => {
  it('finds nothing in a system without a fault', async () => {
    const { violations, counts, faults } = await playOn();
    expect(violations).toEqual([]);
    expect(counts.said).toBeGreaterThan(50);
    expect(counts.handled).toBe(counts.reliable);
    expect(faults.cut).toBeGreaterThan(0);
  });

  it.each<[Mutant, ViolationKind]>([
    ['drops a message', 'missing'],
    ['sends a message twice', 'twice'],
    ['swaps two messages', 'order'],
    ['sends what was never said', 'unknown message'],
    ['handles a message twice', 'handled twice'],
    ['handles a message under another key', 'handled without its key'],
    ['handles a message without its key', 'handled without its key'],
    ['does not handle a message, and answers', 'not handled'],
    ['never answers a message', 'no answer'],
    ['handles two messages in another order', 'handled in another order'],
    ['forgets a member', 'presence'],
    ['keeps a member that has left', 'presence'],
    ['shows an old meta', 'presence'],
    ['shows a member twice', 'presence'],
    ['says that its lists are out of date', 'presence'],
  ])('finds a system that %s', async (mutant, kind) => {
    const { violations } = await playOn(mutant);
    expect(violations.map((violation) => violation.kind)).toContain(kind);
  });
});

/** Six messages of one node, of which the client does not get the third and the fourth. */
function runWith(change: {
  entrances?: readonly Partial<Entrance>[];
  faults?: readonly Fault[];
  stored?: readonly string[];
  isLossy?: boolean;
}): Run {
  const said = [10, 20, 30, 40, 50, 60].map((at, i): Said => ({ room: 0, node: 'n0', number: i + 1, at }));
  const arrivals = said.filter(({ number }) => number !== 3 && number !== 4);
  const first: Entrance = { room: 0, askedAt: 0, from: 0, at: 5, to: 0, isGap: false };
  const view: ClientView = {
    client: 0,
    arrivals,
    entrances: [first, ...(change.entrances ?? []).map((entrance) => ({ ...first, ...entrance }))],
    exits: [],
    sent: [],
    rooms: [0],
    meta: 0,
    connections: 1,
    recoveries: 0,
  };
  const stored = change.stored === undefined ? {} : { 0: new Set(change.stored) };
  return {
    schedule: { seed: 1 },
    isLossyBetweenNodes: change.isLossy ?? false,
    views: [view],
    ledger: { said, handled: [], stored },
    faults: change.faults ?? [],
  };
}

describe('a message that is missing', () => {
  const kill: Fault = { kind: 'kill', process: 'n0', from: 45, to: 90 };
  const told = { at: 45, from: 2, to: 2, isGap: true };
  it.each<[string, Parameters<typeof runWith>[0], object]>([
    ['by itself', {}, { violations: 2 }],
    ['where the client was told', { entrances: [told] }, { toldMissing: 2 }],
    ['where it was told that none is', { entrances: [{ ...told, isGap: false }] }, { violations: 2 }],
    ['where it was told before', { entrances: [{ ...told, at: 25 }] }, { violations: 2 }],
    [
      'where it was told of a later gap',
      { entrances: [{ ...told, at: 70, from: 4, to: 4 }] },
      { violations: 2 },
    ],
    ['where it was told of another room', { entrances: [{ ...told, room: 1 }] }, { violations: 2 }],
    ['of a node that was killed', { faults: [kill] }, { lostWithNode: 2 }],
    [
      'of a node that was killed long after',
      { faults: [{ ...kill, from: 9_000 }], stored: ['n0:3', 'n0:4'] },
      { violations: 2 },
    ],
    [
      'of a killed node that had not stored it',
      { faults: [{ ...kill, from: 9_000 }], stored: ['n0:3'] },
      { violations: 1, lostWithNode: 1 },
    ],
    ['while another node was killed', { faults: [{ ...kill, process: 'n1' }] }, { violations: 2 }],
    [
      'between nodes that lose messages',
      { faults: [{ kind: 'partition', from: 25, to: 45 }], isLossy: true },
      { lostBetweenNodes: 2 },
    ],
    [
      'between nodes that lose none',
      { faults: [{ kind: 'partition', from: 25, to: 45 }] },
      { violations: 2 },
    ],
    [
      'after the broker was back',
      { faults: [{ kind: 'stall', from: -9_000, to: -6_000 }], isLossy: true },
      { violations: 2 },
    ],
  ])('%s', (_, change, expected) => {
    const { violations, counts } = check(runWith(change));
    const { toldMissing, lostWithNode, lostBetweenNodes } = counts;
    const found = { violations: violations.length, toldMissing, lostWithNode, lostBetweenNodes };
    expect(found).toEqual({
      violations: 0,
      toldMissing: 0,
      lostWithNode: 0,
      lostBetweenNodes: 0,
      ...expected,
    });
  });
});

describe('a message that comes again', () => {
  const again = (change: Partial<Entrance>): ReturnType<typeof check> => {
    const run = runWith({ entrances: [{ askedAt: 62, at: 65, isGap: true, ...change }] });
    const [view] = run.views as [ClientView];
    const arrivals = [...view.arrivals, { ...view.arrivals[1]!, at: 70 }];
    return check({ ...run, views: [{ ...view, arrivals }] });
  };
  const kinds = (verdict: ReturnType<typeof check>): string[] => verdict.violations.map(({ kind }) => kind);

  it('is counted where the client was told in between that it is new', () => {
    const verdict = again({});
    expect([kinds(verdict).includes('twice'), verdict.counts.toldAgain]).toEqual([false, 1]);
  });

  it.each<[string, Partial<Entrance>]>([
    ['was told so before', { askedAt: 5, at: 10 }],
    ['was told so afterwards', { askedAt: 75, at: 80 }],
    ['was told that none is missing', { isGap: false }],
    ['was told so of another room', { room: 1 }],
  ])('is a violation where the client %s', (_, change) => {
    expect(kinds(again(change))).toContain('twice');
  });
});
