import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** Sampling interval in milliseconds. The delays that Node measures include it. */
const RESOLUTION = 20;

/** Shortest measurement in milliseconds. More frequent reads do not reset it, or one reader would hide a delay from another. */
const WINDOW = 1_000;

/** Measures the delay of the event loop. */
export class EventLoopLag {
  private histogram: IntervalHistogram | undefined;
  private since = 0;
  private last = 0;

  /** Starts measuring. The timer does not keep the process alive. */
  start(): void {
    this.histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
    this.histogram.enable();
    this.since = performance.now();
  }

  stop(): void {
    this.histogram?.disable();
    this.histogram = undefined;
  }

  /**
   * Returns the 99th percentile of the delay, in milliseconds, since the previous read. If that was less than a second ago, the
   * previous measurement is included.
   */
  read(): number {
    const { histogram } = this;
    if (histogram === undefined) return this.last;
    // an empty histogram returns a percentile that means nothing
    const nanoseconds = histogram.count === 0 ? 0 : histogram.percentile(99);
    const current = Math.max(0, Math.round(nanoseconds / 1e6 - RESOLUTION));
    if (performance.now() - this.since < WINDOW) return Math.max(current, this.last);
    this.last = current;
    this.since = performance.now();
    histogram.reset();
    return current;
  }
}
