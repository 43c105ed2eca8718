import { TokenBucket } from '../../lib/server/util/token-bucket.js';

/** One client with a clock that the test sets. */
class Meter {
  paid = 0;
  constructor(
    private readonly bucket: TokenBucket,
    public now = 0,
  ) {}

  take(): boolean {
    const paid = this.bucket.take(this.paid, this.now);
    if (paid !== 0) this.paid = paid;
    return paid !== 0;
  }

  /** Takes `count` tokens at once. Returns how many were granted. */
  takeMany(count: number): number {
    let passed = 0;
    for (let i = 0; i < count; i++) if (this.take()) passed++;
    return passed;
  }
}

describe('TokenBucket', () => {
  const rates: [perSecond: number, burst: number][] = [
    [100, 1_000],
    [10, 1],
    [1, 1],
    [0.1, 3],
    [3, 7],
    [7, 100],
    [1_000_000, 5],
    [1 / 3, 1_000_000],
  ];

  it.each(rates)('grants exactly the burst at once: %d a second, %d at once', (perSecond, burst) => {
    for (const now of [0, 0.1, 12_345.678, 2 ** 40 + 0.3]) {
      expect([now, new Meter(new TokenBucket(perSecond, burst), now).takeMany(burst + 50)]).toEqual([
        now,
        burst,
      ]);
    }
  });

  it('refills tokens one by one, at the rate', () => {
    const meter = new Meter(new TokenBucket(100, 10));
    expect(meter.takeMany(20)).toBe(10);
    meter.now += 4;
    expect(meter.take()).toBe(false);
    meter.now += 6;
    expect(meter.takeMany(5)).toBe(1);
    meter.now += 50;
    expect(meter.takeMany(10)).toBe(5);
  });

  it('refills no more than the burst, even after a long pause', () => {
    const meter = new Meter(new TokenBucket(100, 10));
    expect(meter.takeMany(20)).toBe(10);
    meter.now += 100;
    expect(meter.takeMany(20)).toBe(10);
    meter.now += 1_000_000_000;
    expect(meter.takeMany(20)).toBe(10);
  });

  it('takes no token for a refused message', () => {
    const meter = new Meter(new TokenBucket(100, 10));
    expect(meter.takeMany(1_000_000)).toBe(10);
    meter.now += 10;
    expect(meter.take()).toBe(true);
  });

  it('grants exactly the rate for a minute, and refuses only the excess', () => {
    const steady = new Meter(new TokenBucket(100, 10));
    const fast = new Meter(new TokenBucket(100, 10));
    let refused = 0;
    for (let second = 0; second < 60; second++) {
      for (let i = 0; i < 100; i++) {
        steady.now = second * 1_000 + i * 10;
        expect(steady.take()).toBe(true);
      }
      for (let i = 0; i < 105; i++) {
        fast.now = second * 1_000 + (i * 1_000) / 105;
        if (!fast.take()) refused++;
      }
    }
    // 5 too many in each of 60 seconds, minus the burst
    expect(refused).toBeGreaterThan(280);
    expect(refused).toBeLessThan(300);
  });
});
