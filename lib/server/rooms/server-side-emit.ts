import type { Adapter } from 'socket.io-adapter';
import { callSafely, catchRejection } from '../util/safe-call.js';
import { TimeoutError } from '../../protocol/timeout-error.js';

/** The default timeout of adapters for other nodes, in milliseconds. */
const DEFAULT_TIMEOUT = 5_000;
/** Milliseconds that are added to the timeout, so that the adapter's own timer is first. */
const GRACE = 1_000;

/**
 * Sends an event to the servers of the same path on the other nodes. If the last argument is a function, it is called
 * once, with an error or with the responses.
 *
 * @param report logs an error that no caller can catch
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
    catchRejection(sent, report);
    return;
  }
  let isOver = false;
  const callback = (...result: unknown[]): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    callSafely(() => Reflect.apply(last, undefined, result) as unknown, report);
  };
  // adapters start their own timer only after the broker has returned the number of nodes, and a stalled broker never
  // does
  const timeout = (Reflect.get(adapter, 'requestsTimeout') as number | undefined) ?? DEFAULT_TIMEOUT;
  const timer = setTimeout(() => callback(new TimeoutError(), []), timeout + GRACE).unref();
  const sent: unknown = adapter.serverSideEmit([event, ...args.slice(0, -1), callback]);
  catchRejection(sent, (error) => callback(error, []));
}
