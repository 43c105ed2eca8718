import { AsyncResource } from 'node:async_hooks';

const root = new AsyncResource('nestjs-envelope', { requireManualDestroy: true });

/**
 * Runs a function outside the current async context, in the one that loaded this file. So a queued message, or one
 * that is read after a pause, does not inherit another request's trace or `AsyncLocalStorage`.
 */
export function runDetached<Result>(work: () => Result): Result {
  return root.runInAsyncScope(work);
}
