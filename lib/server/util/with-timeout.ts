import { setTimeout as pause } from 'node:timers/promises';
import { MAX_DELAY } from '../../protocol/max-delay.js';

/**
 * What some work comes to, or `late` where that takes too long.
 *
 * @param milliseconds what Node's timers cannot count is for ever
 * @param ref whether waiting keeps the process alive
 */
export async function withTimeout<Value, Late>(
  milliseconds: number,
  work: Promise<Value>,
  late: Late,
  ref = true,
): Promise<Value | Late> {
  if (milliseconds > MAX_DELAY) return work;
  const over = new AbortController();
  const expired = pause(milliseconds, late, { signal: over.signal, ref }).catch(() => late);
  const first = await Promise.race([work, expired]);
  over.abort();
  return first;
}
