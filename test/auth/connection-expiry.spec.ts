import { jest } from '@jest/globals';
import { ConnectionExpiry } from '../../lib/server/socket/connection-expiry.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2030, 0, 1);

let ended: string[] = [];
let expiry: ConnectionExpiry;

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
  ended = [];
  expiry = new ConnectionExpiry((reason) => ended.push(reason));
});
afterEach(() => {
  jest.useRealTimers();
});

describe('the end of a connection', () => {
  it.each([
    ['milliseconds', NOW + 1_000],
    ['a Date', new Date(NOW + 1_000)],
  ])('comes at a moment in %s, not before', (_, when) => {
    expiry.set(when);
    expect(expiry.at).toBe(NOW + 1_000);
    jest.advanceTimersByTime(999);
    expect([ended, expiry.isOver]).toEqual([[], false]);
    jest.advanceTimersByTime(1);
    expect([ended, expiry.isOver]).toEqual([['expired'], true]);
  });

  it('comes in the next turn where the moment is past', () => {
    expiry.set(NOW - DAY);
    expect([ended, expiry.isOver]).toEqual([[], true]);
    jest.advanceTimersByTime(1);
    expect(ended).toEqual(['expired']);
  });

  it.each([25, 50, 400, 36_500])('may be %i days away, past what a timer takes', (days) => {
    expiry.set(NOW + days * DAY);
    for (let day = 0; day < days - 1; day += 10) jest.advanceTimersByTime(Math.min(10, days - 1 - day) * DAY);
    jest.setSystemTime(NOW + days * DAY - 1);
    expect(ended).toEqual([]);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(25 * DAY);
    expect(ended).toEqual(['expired']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is never, where nobody sets one', () => {
    expiry.limit(Infinity);
    expiry.set(undefined);
    expiry.set(Infinity);
    expect(jest.getTimerCount()).toBe(0);
    expect(expiry.isOver).toBe(false);
  });

  it('is put off and taken back', () => {
    expiry.set(NOW + 1_000);
    expiry.set(NOW + 5_000);
    jest.advanceTimersByTime(4_999);
    expect(ended).toEqual([]);
    expiry.set(undefined);
    expect([expiry.at, jest.getTimerCount()]).toEqual([undefined, 0]);
    expiry.set(NOW + 6_000);
    expiry.stop();
    jest.advanceTimersByTime(DAY);
    expect(ended).toEqual([]);
  });

  it.each([
    ['the moment', 1_000, 2_000, 'expired'],
    ['the lifetime', 2_000, 1_000, 'end of the lifetime'],
  ])('is the first of two: %s', (_, moment, lifetime, reason) => {
    expiry.limit(lifetime);
    expiry.set(NOW + moment);
    jest.advanceTimersByTime(1_000);
    expect(ended).toEqual([reason]);
    jest.advanceTimersByTime(DAY);
    expect(ended).toHaveLength(1);
  });

  it('by its lifetime is put off where that begins anew', () => {
    expiry.limit(1_000);
    jest.advanceTimersByTime(900);
    expiry.limit(1_000);
    jest.advanceTimersByTime(999);
    expect(ended).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(ended).toEqual(['end of the lifetime']);
  });

  it.each([
    ['undefined', undefined, false],
    ['null', null, false],
    ['Infinity', Infinity, false],
    ['NaN, as undefined * 1000 is', NaN, true],
    ['an invalid Date', new Date('tomorrow'), true],
  ])('is never, where it is set to %s', (_, when, isSuspect) => {
    expiry.set(NOW + 5_000);
    expect(expiry.set(when)).toBe(isSuspect);
    expect([expiry.at, jest.getTimerCount()]).toEqual([undefined, 0]);
  });

  it.each([
    ['seconds, as in a JWT', NOW / 1_000 + 3_600],
    ['a duration', 3_600_000],
    ['0', 0],
    ['a negative number', -NOW],
    ['text', 'tomorrow' as unknown as number],
    ['milliseconds as text', String(NOW + 1_000) as unknown as number],
    ['an object', {} as unknown as Date],
  ])('is no such thing as %s', (_, when) => {
    expiry.set(NOW + 5_000);
    expect(() => expiry.set(when)).toThrow(RangeError);
    expect(() => expiry.set(when)).toThrow(/milliseconds since the epoch.*exp \* 1000/);
    // the one before it holds
    expect([expiry.at, jest.getTimerCount()]).toEqual([NOW + 5_000, 1]);
  });
});
