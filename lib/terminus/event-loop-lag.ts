import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** How often it is looked, in milliseconds; what Node measures includes it. */
const RESOLUTION = 20;

/** So long, in milliseconds, a measurement goes on: who asks more often must not hide what another would see. */
const WINDOW = 1_000;

/** How late the event loop is, measured while the application runs. */
export class EventLoopLag {
  private histogram: IntervalHistogram | undefined;
  private since = 0;
  private last = 0;

  /** Keeps no process alive. */
  start(): void {
    this.histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
    this.histogram.enable();
    this.since = performance.now();
  }

  stop(): void {
    this.histogram?.disable();
    this.histogram = undefined;
  }

  /** The 99th percentile, in milliseconds, since it was asked for before, or of the last second where that was just now. */
  read(): number {
    const { histogram } = this;
    if (histogram === undefined) return this.last;
    // an empty histogram has a percentile, too
    const nanoseconds = histogram.count === 0 ? 0 : histogram.percentile(99);
    const current = Math.max(0, Math.round(nanoseconds / 1e6 - RESOLUTION));
    if (performance.now() - this.since < WINDOW) return Math.max(current, this.last);
    this.last = current;
    this.since = performance.now();
    histogram.reset();
    return current;
  }
}
