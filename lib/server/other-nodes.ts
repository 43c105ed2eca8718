import type { Adapter } from 'socket.io-adapter';
import { attempt } from './attempt.js';

/**
 * Sends an event to the servers of the same path on the other nodes. A last argument that is a function is called
 * once, with an error or with the answers.
 *
 * @param report hears of what nobody else awaits
 */
export function emitToOtherNodes(
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
    attempt(() => Reflect.apply(last, undefined, answer) as unknown, report);
  };
  const sent: unknown = adapter.serverSideEmit([event, ...args.slice(0, -1), callback]);
  if (sent instanceof Promise) sent.catch((error: unknown) => callback(error, []));
}
