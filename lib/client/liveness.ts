/** Detects a server that no longer answers. A browser cannot: it neither sends pings nor exposes those that arrive. */
export class Liveness {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #receivedAt = 0;
  /** Whether a `$ping` awaits its answer. */
  #isPinging = false;
  /** Milliseconds of silence until a `$ping` is sent. 0: never. */
  readonly #interval: number;
  /** Milliseconds to wait for the answer. */
  readonly #timeout: number;
  readonly #ping: () => void;
  readonly #timedOut: () => void;

  constructor(interval: number, timeout: number, ping: () => void, timedOut: () => void) {
    this.#interval = interval;
    this.#timeout = timeout;
    this.#ping = ping;
    this.#timedOut = timedOut;
  }

  /** Starts the timer when the connection opens. */
  start(): void {
    this.#isPinging = true;
    this.received();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#isPinging = false;
  }

  /** Records that something arrived. It leaves the timer alone, because this runs for every message. */
  received(): void {
    this.#receivedAt = performance.now();
    if (!this.#isPinging) return;
    this.stop();
    if (this.#interval > 0) this.#wait(this.#interval);
  }

  /** Sends a `$ping` now, because the network may have changed. */
  probe(): void {
    if (this.#isPinging) return;
    this.#isPinging = true;
    this.#wait(this.#timeout);
    this.#ping();
  }

  #wait(time: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#check(), time);
  }

  #check(): void {
    if (this.#isPinging) return this.#timedOut();
    // not Date: after a clock is set back, the interval would last until the clock has caught up
    const left = this.#receivedAt + this.#interval - performance.now();
    if (left > 0) this.#wait(left);
    else this.probe();
  }
}
