import type { Adapter } from 'socket.io-adapter';
import { callSafely } from '../util/safe-call.js';
import { TimeoutError } from '../../protocol/timeout-error.js';

/** Milliseconds that adapters wait for other nodes where nobody says otherwise, and some for their own timers to be first. */
const PATIENCE = 5_000;
const GRACE = 1_000;

/**
 * Sends an event to the servers of the same path on the other nodes. A last argument that is a function is called
 * once, with an error or with the answers.
 *
 * @param report hears of what nobody else awaits
 */
export function serverSideEmit(
  adapter: Adapter,
  event: string,
  args: readonly unknown[],
  report: (error: unknown) => void,
): void {
  const last: unknown = args.at(-1);
  if (typeof last !== 'function') {
    const sent: unknown = adapter.serverSideEmit([event, ...args]);
    // cluster adapters answer with promises
    if (sent instanceof Promise) sent.catch(report);
    return;
  }
  let isOver = false;
  const callback = (...answer: unknown[]): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    callSafely(() => Reflect.apply(last, undefined, answer) as unknown, report);
  };
  // an adapter asks its broker for the number of nodes first, and waits for one that has stalled as long as it does
  const patience = (Reflect.get(adapter, 'requestsTimeout') as number | undefined) ?? PATIENCE;
  const timer = setTimeout(() => callback(new TimeoutError(), []), patience + GRACE).unref();
  const sent: unknown = adapter.serverSideEmit([event, ...args.slice(0, -1), callback]);
  if (sent instanceof Promise) sent.catch((error: unknown) => callback(error, []));
}
