import { ConformanceError } from './suite.js';

/** Resolves when the condition holds. Checks it on each turn of the event loop, and fails after five seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new ConformanceError(`${what} did not happen within 5 seconds`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
