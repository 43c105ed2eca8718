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

describe('the expiry of a connection', () => {
  it.each([
    ['milliseconds', NOW + 1_000],
    ['a Date', new Date(NOW + 1_000)],
  ])('happens at the time given as %s, not earlier', (_, when) => {
    expiry.set(when);
    expect(expiry.at).toBe(NOW + 1_000);
    jest.advanceTimersByTime(999);
    expect([ended, expiry.isOver]).toEqual([[], false]);
    jest.advanceTimersByTime(1);
    expect([ended, expiry.isOver]).toEqual([['expired'], true]);
  });

  it('happens in the next turn of the event loop for a time in the past', () => {
    expiry.set(NOW - DAY);
    expect([ended, expiry.isOver]).toEqual([[], true]);
    jest.advanceTimersByTime(1);
    expect(ended).toEqual(['expired']);
  });

  it.each([25, 50, 400, 36_500])('may be %i days ahead, beyond the maximum delay of a timer', (days) => {
    expiry.set(NOW + days * DAY);
    for (let day = 0; day < days - 1; day += 10) jest.advanceTimersByTime(Math.min(10, days - 1 - day) * DAY);
    jest.setSystemTime(NOW + days * DAY - 1);
    expect(ended).toEqual([]);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(25 * DAY);
    expect(ended).toEqual(['expired']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('never happens without a time or a limit', () => {
    expiry.limit(Infinity);
    expiry.set(undefined);
    expiry.set(Infinity);
    expect(jest.getTimerCount()).toBe(0);
    expect(expiry.isOver).toBe(false);
  });

  it('can be postponed and cleared', () => {
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
    ['the time', 1_000, 2_000, 'expired'],
    ['the lifetime', 2_000, 1_000, 'end of the lifetime'],
  ])('uses the earlier of the time and the limit: %s', (_, time, lifetime, reason) => {
    expiry.limit(lifetime);
    expiry.set(NOW + time);
    jest.advanceTimersByTime(1_000);
    expect(ended).toEqual([reason]);
    jest.advanceTimersByTime(DAY);
    expect(ended).toHaveLength(1);
  });

  it('is postponed when the lifetime begins again', () => {
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
    ['NaN, the result of undefined * 1000', NaN, true],
    ['an invalid Date', new Date('tomorrow'), true],
  ])('never happens when set to %s', (_, when, isSuspect) => {
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
  ])('rejects %s, and keeps the previous time', (_, when) => {
    expiry.set(NOW + 5_000);
    expect(() => expiry.set(when)).toThrow(RangeError);
    expect(() => expiry.set(when)).toThrow(/milliseconds since the epoch.*exp \* 1000/);
    // the previous time still applies
    expect([expiry.at, jest.getTimerCount()]).toEqual([NOW + 5_000, 1]);
  });
});
