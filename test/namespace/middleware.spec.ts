import * as fc from 'fast-check';
import { CatchAllListeners } from '../../lib/server/socket/catch-all-listeners.js';
import { callSafely } from '../../lib/server/util/safe-call.js';
import { UserEvents } from '../../lib/server/util/user-events.js';
import { runChain, type Step } from '../../lib/server/socket/middleware.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

const ignore = (): void => undefined;

/** Runs a chain. Resolves with its error, or `undefined`. */
function outcome(steps: readonly Step<string[]>[], subject: string[] = []): Promise<Error | undefined> {
  return new Promise((resolve) => runChain(steps, subject, resolve, ignore));
}

const KINDS = {
  sync: (next) => next(),
  later: (next) => void setImmediate(next),
  promised: async (next) => next(),
  'twice, and fails after': async (next) => {
    next();
    next(new Error('too late'));
    throw new Error('too late');
  },
  'with null': (next) => next(null as unknown as undefined),
} satisfies Record<string, (next: (error?: Error) => void) => unknown>;

const FAILURES = {
  'next(error)': (next) => next(new Error('no')),
  'next(error) later': (next) => void setImmediate(next, new Error('no')),
  'next(text)': (next) => next('no' as unknown as Error),
  throws: () => {
    throw new Error('no');
  },
  'throws a text': () => {
    throw 'no'; // eslint-disable-line
  },
  rejects: () => Promise.reject(new Error('no')),
} satisfies Record<string, (next: (error?: Error) => void) => unknown>;

describe('a chain of middlewares', () => {
  expectNoUnhandledErrors();

  it('runs its steps in order, each after the previous one called next', async () => {
    const kinds = fc.array(fc.constantFrom(...Object.values(KINDS)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(kinds, async (list) => {
        const seen: string[] = [];
        const steps = list.map((kind, index): Step<string[]> => (subject, next) => {
          subject.push(`${index}`);
          return kind(next) as void;
        });
        expect(await outcome(steps, seen)).toBeUndefined();
        expect(seen).toEqual(list.map((_, index) => `${index}`));
      }),
      { numRuns: 100 },
    );
  });

  it.each(Object.entries(FAILURES))('stops at a step that fails: %s', async (_how, fail) => {
    const seen: string[] = [];
    const before: Step<string[]> = (_subject, next) => (seen.push('before'), next());
    const after: Step<string[]> = (_subject, next) => (seen.push('after'), next());
    const error = await outcome([before, (_subject, next) => fail(next) as void, after]);
    expect(error).toBeInstanceOf(Error);
    expect(error?.message).toBe('no');
    expect(seen).toEqual(['before']);
  });

  it('calls back synchronously when all steps do, and without steps', () => {
    const calls: unknown[] = [];
    runChain([], [], (error) => calls.push(error), ignore);
    runChain(
      [(_subject, next) => next(), (_subject, next) => next()],
      [],
      (error) => calls.push(error),
      ignore,
    );
    expect(calls).toEqual([undefined, undefined]);
  });

  it('calls back once', async () => {
    let calls = 0;
    const repeated: Step<string[]> = (_subject, next) => {
      next();
      next();
      setImmediate(next);
      throw new Error('too late');
    };
    runChain([repeated, repeated], [], () => calls++, ignore);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(calls).toBe(1);
  });
});

describe("errors of users' code", () => {
  expectNoUnhandledErrors();
  const tick = () => new Promise((resolve) => setImmediate(resolve));

  it('reach the given error handler, thrown or rejected', async () => {
    const errors: unknown[] = [];
    const work = [() => 1, () => Promise.resolve(), () => Promise.reject(new Error('a')), FAILURES.throws];
    for (const one of work) callSafely(one as () => unknown, (error) => errors.push(error));
    await tick();
    expect(errors.map(String).sort()).toEqual(['Error: a', 'Error: no']);
  });

  it('of a listener reach the error handler, with the event', async () => {
    const errors: unknown[] = [];
    const events = new UserEvents((error, event) => errors.push(event, error));
    events.on('x', async () => {
      throw new Error('a');
    });
    events.emit('x');
    await tick();
    expect(errors).toEqual(['x', new Error('a')]);
  });

  it('catch-all listeners can be added and removed while they are called', async () => {
    const seen: string[] = [];
    const listeners = new CatchAllListeners();
    const call = (event: string) => listeners.call(event, [], (error) => seen.push(String(error)));
    expect(call('unheard')).toBe(false);
    const once = (): void => {
      seen.push('once');
      listeners.remove(once);
      listeners.add(() => seen.push('added'));
    };
    listeners.add(once);
    listeners.prepend(async () => {
      throw new Error('first');
    });
    expect(call('a')).toBe(true);
    expect(call('b')).toBe(true);
    await tick();
    expect(seen).toEqual(['once', 'added', 'Error: first', 'Error: first']);
    listeners.remove(() => undefined);
    expect(listeners.list()).toHaveLength(2);
    listeners.remove();
    expect(listeners.list()).toEqual([]);
  });
});
