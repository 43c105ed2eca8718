import { jest } from '@jest/globals';
import { SharedLog } from '../../lib/server/recovery/shared-log.js';

describe('Feed', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('writes nothing into a log that is away: the client of a broker may keep it all for later', () => {
    let isAway = false;
    let seeds = 0;
    const feed = new SharedLog('node', () => isAway);
    feed.start(() => seeds++);
    jest.advanceTimersByTime(100);
    expect(seeds).toBe(2);
    isAway = true;
    jest.advanceTimersByTime(60_000);
    expect(seeds).toBe(2);
    isAway = false;
    jest.advanceTimersByTime(100);
    expect(seeds).toBe(3);
    feed.stop();
    jest.advanceTimersByTime(1_000);
    expect(seeds).toBe(3);
  });
});
