import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';
import { roundTime } from '../time.js';
import type { Latencies, Summary } from './latencies.js';

/** Sampling interval in milliseconds. The delays that Node measures include it. */
const RESOLUTION = 10;
/** The share of the time in which the event loop worked, from which on this process delays what it measures. */
const BUSY = 0.8;
/** The share of the planned messages that must have been sent. */
const COMPLETE = 0.99;
/** How late messages may be sent, as a share of the latency, before that latency says more about this process. */
const LATE = 0.5;
/** Milliseconds below which lateness is that of timers. */
const TIMER = 5;

/** What this process itself added to what it measured. Times are in milliseconds. */
export interface SelfReport {
  /** The share of the time in which the event loop worked, from 0 to 1. */
  readonly busy: number;
  /** Processor time of all threads, as a share of one processor. */
  readonly cpu: number;
  /** The 99th percentile of the delay of the event loop. */
  readonly loopDelay: number;
  /** How long after the planned time messages were sent. */
  readonly sendDelay: Summary | undefined;
  /** Why this process, and not the server, was the bottleneck. Empty if it was not. */
  readonly limits: readonly string[];
  /** Whether the higher percentiles of the latency are more those of this process than of the server. */
  readonly isLate: boolean;
}

/** Measures how busy this process is: a load generator that is busy measures itself. */
export class SelfWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  readonly #loop: EventLoopUtilization = performance.eventLoopUtilization();
  readonly #cpu = process.cpuUsage();
  readonly #start = performance.now();

  constructor() {
    this.#delay.enable();
  }

  /** The share of the time in which the event loop worked since the start, from 0 to 1. */
  get busy(): number {
    return performance.eventLoopUtilization(this.#loop).utilization;
  }

  /**
   * Ends the measurement.
   *
   * @param sendDelays how late messages were sent
   * @param latency of the answers, from the planned time
   */
  report(
    planned: number,
    sent: number,
    sendDelays: Latencies | undefined,
    latency: Summary | undefined,
  ): SelfReport {
    this.#delay.disable();
    const { user, system } = process.cpuUsage(this.#cpu);
    const sendDelay = sendDelays?.summary();
    const { busy } = this;
    const p99 = this.#delay.count === 0 ? 0 : this.#delay.percentile(99) / 1e6 - RESOLUTION;
    return {
      busy: round(busy),
      cpu: round((user + system) / 1_000 / (performance.now() - this.#start)),
      loopDelay: roundTime(Math.max(0, p99)),
      sendDelay,
      limits: [
        ...(busy > BUSY ? [`its event loop was busy for ${Math.round(busy * 100)} % of the time`] : []),
        ...(sent < planned * COMPLETE ? [`it sent ${sent} of ${planned} planned messages`] : []),
      ],
      isLate: isLate(sendDelay, latency),
    };
  }
}

function isLate(sendDelay: Summary | undefined, latency: Summary | undefined): boolean {
  if (sendDelay === undefined || latency === undefined) return false;
  return sendDelay.p99 > TIMER && sendDelay.p99 > latency.p99 * LATE;
}

function round(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}
