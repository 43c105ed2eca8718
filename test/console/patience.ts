import { jest } from '@jest/globals';
import { DEADLINE } from '../../lib/explorer/admin/peers.js';

/**
 * Lets the consoles of this process wait long for the answers of other nodes: on a busy machine, a process may take more than a
 * second, and its node would be silent.
 */
export function waitLong(): { mockRestore(): void } {
  const { setTimeout } = globalThis;
  const patient = (then: () => void, delay?: number): NodeJS.Timeout =>
    setTimeout(then, delay === DEADLINE ? 20 * DEADLINE : delay);
  return jest.spyOn(globalThis, 'setTimeout').mockImplementation(patient as typeof setTimeout);
}

/** The same for the tests of one `describe`. */
export function waitLongInEach(): void {
  let patience: ReturnType<typeof waitLong>;
  beforeEach(() => {
    patience = waitLong();
  });
  afterEach(() => patience.mockRestore());
}
