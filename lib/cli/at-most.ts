import { setTimeout } from 'node:timers/promises';

/** Resolves when the promise settles, at the latest after a time in milliseconds, or when the signal aborts. */
export async function atMost(time: number, promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const finish = (): void => done.abort();
  signal.addEventListener('abort', finish);
  if (signal.aborted) finish();
  void promise.then(finish, finish);
  await setTimeout(time, undefined, { signal: done.signal }).catch(() => undefined);
  signal.removeEventListener('abort', finish);
}

/** Resolves after a time in milliseconds, or when the signal aborts. */
export function pause(time: number, signal: AbortSignal): Promise<void> {
  return atMost(time, new Promise(() => undefined), signal);
}
