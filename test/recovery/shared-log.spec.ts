import { jest } from '@jest/globals';
import { SharedLog } from '../../lib/server/recovery/shared-log.js';

describe('SharedLog', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('writes nothing while the broker does not answer: its client might buffer everything', () => {
    let isUnreachable = false;
    let seeds = 0;
    const log = new SharedLog('node', () => isUnreachable);
    log.start(() => seeds++);
    jest.advanceTimersByTime(100);
    expect(seeds).toBe(2);
    isUnreachable = true;
    jest.advanceTimersByTime(60_000);
    expect(seeds).toBe(2);
    isUnreachable = false;
    jest.advanceTimersByTime(100);
    expect(seeds).toBe(3);
    log.stop();
    jest.advanceTimersByTime(1_000);
    expect(seeds).toBe(3);
  });
});
