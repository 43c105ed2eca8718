import { AsyncResource } from 'node:async_hooks';

const root = new AsyncResource('nestjs-envelope', { requireManualDestroy: true });

/**
 * Runs what is not the running code's own doing in the context that this file was loaded in: a message that waited has
 * its turn when another one ends, and a line that is read on brings messages, neither of which belongs to that one's
 * request, trace, or whatever else the application keeps in an `AsyncLocalStorage`.
 */
export function outside<Result>(work: () => Result): Result {
  return root.runInAsyncScope(work);
}
