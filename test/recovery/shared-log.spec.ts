import { jest } from '@jest/globals';
import { SharedLog } from '../../lib/server/recovery/shared-log.js';

describe('SharedLog', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('writes nothing while the broker does not answer: its client might buffer everything', () => {
    let isAway = false;
    let seeds = 0;
    const log = new SharedLog('node', () => isAway);
    log.start(() => seeds++);
    jest.advanceTimersByTime(100);
    expect(seeds).toBe(2);
    isAway = true;
    jest.advanceTimersByTime(60_000);
    expect(seeds).toBe(2);
    isAway = false;
    jest.advanceTimersByTime(100);
    expect(seeds).toBe(3);
    log.stop();
    jest.advanceTimersByTime(1_000);
    expect(seeds).toBe(3);
  });
});
