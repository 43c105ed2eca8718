import { jest } from '@jest/globals';
import { LogSampler } from '../../lib/nest/logging/log-sampler.js';

describe('LogSampler', () => {
  let told: string[];
  let sampler: LogSampler;
  const log = (subject: string, times = 1): void => {
    for (let i = 0; i < times; i++) sampler.log(subject, () => told.push(subject));
  };

  beforeEach(() => {
    jest.useFakeTimers();
    told = [];
    sampler = new LogSampler((subject, times) => told.push(`${subject} +${times}`));
  });
  afterEach(() => {
    sampler.close();
    jest.useRealTimers();
  });

  it('tells of a subject five times, and counts the rest until the minute ends', () => {
    log('a', 1_000);
    expect(told).toEqual(Array(5).fill('a'));
    jest.advanceTimersByTime(59_999);
    expect(told).toHaveLength(5);
    jest.advanceTimersByTime(1);
    expect(told.slice(5)).toEqual(['a +995']);
    told.length = 0;
    log('a', 6);
    expect(told).toEqual(Array(5).fill('a'));
  });

  it('keeps subjects apart, and says nothing at the end of those that it told of each time', () => {
    log('a', 5);
    log('b', 6);
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([...Array(5).fill('a'), ...Array(5).fill('b'), 'b +1']);
  });

  it('has no timer while there is nothing to count', () => {
    expect(jest.getTimerCount()).toBe(0);
    log('a', 10);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(60_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('tells what it has counted when it is closed', () => {
    log('a', 7);
    sampler.close();
    expect(told.at(-1)).toBe('a +2');
    expect(jest.getTimerCount()).toBe(0);
    sampler.close();
    expect(told).toHaveLength(6);
  });

  it('of subjects without end, all that are too many are one: told of, and counted', () => {
    for (let i = 0; i < 100_000; i++) log(`subject ${i}`);
    expect(told.length).toBeLessThan(1_000);
    const before = told.length;
    log('what matters');
    jest.advanceTimersByTime(60_000);
    const summary = told.slice(before).join();
    const counted = Number(/\+(\d+)$/.exec(summary)?.[1]);
    expect(before + counted).toBe(100_001);
    told.length = 0;
    log('what matters');
    expect(told).toEqual(['what matters']);
  });

  it('of subjects without end that quote a name, all that are too many are counted by what they have in common', () => {
    for (let i = 0; i < 10_000; i++) log(`/ws: "name "${i}"\n" threw`);
    const before = told.length;
    expect(before).toBe(205);
    log('/ws: "save" failed', 7);
    log('/ws: a hook threw', 7);
    expect(told.slice(before)).toEqual([
      ...Array(5).fill('/ws: "save" failed'),
      ...Array(5).fill('/ws: a hook threw'),
    ]);
    jest.advanceTimersByTime(60_000);
    expect(told.slice(before + 10)).toEqual([
      '/ws: "…" threw +9795',
      '/ws: "…" failed +2',
      '/ws: a hook threw +2',
    ]);
  });
});
