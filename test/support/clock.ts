import { setTimeout as pause } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { until } from './wait.js';

/** Milliseconds of the stopped clock, and of the real one, between two looks. */
const STEP = 10;
const REAL_STEP = 1;

/** Stops the clock of this process until the end of the test, from the next timer on. The network stays real. */
export function stopClock(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] });
}

afterEach(() => void jest.useRealTimers());

/**
 * Resolves when the condition holds. Lets the stopped clock go on meanwhile, by ten milliseconds in a turn of the event loop: where
 * the process stands still, its clock does, too, and nothing times out that the network has brought meanwhile.
 */
export async function passUntil(what: string, condition: () => boolean): Promise<void> {
  await until(what, async () => {
    if (condition()) return true;
    await pause(REAL_STEP);
    jest.advanceTimersByTime(STEP);
    return false;
  });
}
