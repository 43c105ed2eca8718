import { LONGEST_WAIT } from './longest-wait.js';

// of Node, also where a spec replaces the clock later
const { setImmediate, setTimeout, performance } = globalThis;
const now = performance.now.bind(performance);

/** How long a wait uses the processor fully: most conditions hold after a few turns. */
const EAGER_MS = 20;
/** The longest pause between two checks, for conditions that ask other processes. */
const LONGEST_PAUSE = 50;

/**
 * Resolves when the condition holds, and fails after LONGEST_WAIT. Checks it on each turn of the event loop for 20 ms, then in
 * pauses that grow from 2 to 50 ms, so that the processor is free for what the test waits for.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  milliseconds = LONGEST_WAIT,
): Promise<void> {
  const start = now();
  while (!(await condition())) {
    const waited = now() - start;
    if (waited > milliseconds) throw new Error(`${what} did not happen within ${milliseconds} ms`);
    await new Promise<void>((resolve) => {
      if (waited < EAGER_MS) setImmediate(resolve);
      else setTimeout(resolve, Math.min(LONGEST_PAUSE, 1 + waited / EAGER_MS));
    });
  }
}

/** Returns a promise with its `resolve` and `reject`. */
export function deferred<Value = void>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (error: Error) => void;
} {
  let resolve!: (value: Value) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Value>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}
