import { clearTimeout, setTimeout } from 'node:timers';
import { MAX_DELAY } from '../../protocol/max-delay.js';

/**
 * Resolves with the result of some work, or with `fallback` after the timeout. Rejects if the work does.
 *
 * @param milliseconds the timeout; none applies above `MAX_DELAY`, the maximum of Node's timers
 * @param ref whether the timer keeps the process alive; the default is `true`
 */
export function withTimeout<Value, Fallback>(
  milliseconds: number,
  work: Promise<Value>,
  fallback: Fallback,
  ref = true,
): Promise<Value | Fallback> {
  if (milliseconds > MAX_DELAY) return work;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(fallback), milliseconds);
    if (!ref) timer.unref();
    work.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
