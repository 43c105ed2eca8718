import { AsyncLocalStorage } from 'node:async_hooks';

/** A session that is being restored, and whether what was missed has been read. */
export interface Pass {
  isRead: boolean;
}

/**
 * Within it the log of a Redis stream has been read to its end when it was read once. The adapter reads on until
 * nothing comes any more, up to a hundred times: where others write faster than Redis answers, a client would wait for
 * a hundred answers. What is written meanwhile the node reads by itself.
 */
export const singlePass = new AsyncLocalStorage<Pass>();

/** Whether a command of a Redis client is one too many. */
export function isReadAgain(command: string | symbol, args: readonly unknown[]): boolean {
  // XRANGE key start end
  if (command !== 'xRange' && command !== 'xrange') return false;
  const pass = singlePass.getStore();
  if (pass === undefined || args[2] !== '+') return false;
  const isAgain = pass.isRead;
  pass.isRead = true;
  return isAgain;
}
