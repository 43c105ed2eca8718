import { LONGEST_WAIT } from '../../support/longest-wait.js';

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

/** Resolves once the condition holds. It is checked with pauses, because other processes share the machine. */
export async function eventually(
  event: string,
  condition: () => boolean | Promise<boolean>,
  timeout = LONGEST_WAIT,
): Promise<void> {
  const deadline = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${event} did not happen within ${timeout} ms`);
    await pause(50);
  }
}
