import { jest } from '@jest/globals';
import { LogSampler } from '../../lib/nest/logging/log-sampler.js';

describe('LogSampler', () => {
  let logged: string[];
  let sampler: LogSampler;
  const log = (subject: string, times = 1): void => {
    for (let i = 0; i < times; i++) sampler.log(subject, () => logged.push(subject));
  };

  beforeEach(() => {
    jest.useFakeTimers();
    logged = [];
    sampler = new LogSampler((subject, times) => logged.push(`${subject} +${times}`));
  });
  afterEach(() => {
    sampler.close();
    jest.useRealTimers();
  });

  it('logs a subject five times, and counts the rest until the minute ends', () => {
    log('a', 1_000);
    expect(logged).toEqual(Array(5).fill('a'));
    jest.advanceTimersByTime(59_999);
    expect(logged).toHaveLength(5);
    jest.advanceTimersByTime(1);
    expect(logged.slice(5)).toEqual(['a +995']);
    logged.length = 0;
    log('a', 6);
    expect(logged).toEqual(Array(5).fill('a'));
  });

  it('samples each subject separately, and logs no summary when it suppressed nothing', () => {
    log('a', 5);
    log('b', 6);
    jest.advanceTimersByTime(60_000);
    expect(logged).toEqual([...Array(5).fill('a'), ...Array(5).fill('b'), 'b +1']);
  });

  it('runs a timer only while it counts', () => {
    expect(jest.getTimerCount()).toBe(0);
    log('a', 10);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(60_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('logs the counts when it is closed', () => {
    log('a', 7);
    sampler.close();
    expect(logged.at(-1)).toBe('a +2');
    expect(jest.getTimerCount()).toBe(0);
    sampler.close();
    expect(logged).toHaveLength(6);
  });

  it('counts all subjects beyond its limit as one', () => {
    for (let i = 0; i < 100_000; i++) log(`subject ${i}`);
    expect(logged.length).toBeLessThan(1_000);
    const before = logged.length;
    log('important');
    jest.advanceTimersByTime(60_000);
    const summary = logged.slice(before).join();
    const counted = Number(/\+(\d+)$/.exec(summary)?.[1]);
    expect(before + counted).toBe(100_001);
    logged.length = 0;
    log('important');
    expect(logged).toEqual(['important']);
  });

  it('counts subjects beyond its limit without their quoted names', () => {
    for (let i = 0; i < 10_000; i++) log(`/ws: "name "${i}"\n" threw`);
    const before = logged.length;
    expect(before).toBe(205);
    log('/ws: "save" failed', 7);
    log('/ws: a hook threw', 7);
    expect(logged.slice(before)).toEqual([
      ...Array(5).fill('/ws: "save" failed'),
      ...Array(5).fill('/ws: a hook threw'),
    ]);
    jest.advanceTimersByTime(60_000);
    expect(logged.slice(before + 10)).toEqual([
      '/ws: "…" threw +9795',
      '/ws: "…" failed +2',
      '/ws: a hook threw +2',
    ]);
  });
});
