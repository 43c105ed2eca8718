import { clearTimeout, setTimeout } from 'node:timers';

/** Milliseconds that a broker or a store has for an answer. */
export const BROKER_TIMEOUT = 1_500;
/** Milliseconds after which such a wait ends, however busy this process is. */
export const LONGEST_BROKER_WAIT = 3 * BROKER_TIMEOUT;
/** A turn of the event loop counts as so many milliseconds at most. */
const TICK = 20;

/**
 * Resolves with the answer of a broker or a store, or with `fallback` if it does not come in time. Rejects if the work does.
 *
 * The time in which this process works counts little: an answer that has arrived meanwhile, and is not read yet, is not late. A node
 * that is busy for a second, as after a start or when thousands of clients connect, would otherwise give up on a broker that is well.
 * The timer does not keep the process alive. It is a plain one, since ending one of `node:timers/promises` makes an error with its
 * stack each time: a message with a key took 84 µs of the server instead of 34.
 */
export function fromBroker<Value, Fallback>(
  work: Promise<Value>,
  fallback: Fallback,
): Promise<Value | Fallback> {
  return new Promise((resolve, reject) => {
    const end = performance.now() + LONGEST_BROKER_WAIT;
    let ticks = BROKER_TIMEOUT / TICK;
    const timer = setTimeout(() => {
      if (--ticks > 0 && performance.now() < end) timer.refresh();
      else resolve(fallback);
    }, TICK).unref();
    work.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
