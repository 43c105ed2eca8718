import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { roundTime } from '../time.js';

/** Percentiles of times, in milliseconds. */
export interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** The longest time that is kept apart, in microseconds: an hour. */
const HIGHEST = 3_600_000_000;

/** A histogram of times, with three significant digits from a microsecond to an hour. Its size does not grow. */
export class Latencies {
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: HIGHEST, figures: 3 });

  /** @param time milliseconds */
  record(time: number): void {
    this.#histogram.record(Math.min(HIGHEST, Math.max(1, Math.round(time * 1_000))));
  }

  /** Returns `undefined` if no time was recorded. */
  summary(): Summary | undefined {
    const { count, mean, max } = this.#histogram;
    if (count === 0) return undefined;
    const percentile = (share: number): number => roundTime(this.#histogram.percentile(share) / 1_000);
    return {
      count,
      mean: roundTime(mean / 1_000),
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
      p999: percentile(99.9),
      max: roundTime(max / 1_000),
    };
  }
}
