/** Finds out that the server is gone, which a browser does not see: it neither sends pings nor shows those that come. */
export class Liveness {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #isAsking = false;
  /** Milliseconds of silence until the server is asked; 0: it never is. */
  readonly #interval: number;
  /** Milliseconds for its answer. */
  readonly #patience: number;
  readonly #ask: () => void;
  readonly #gone: () => void;

  constructor(interval: number, patience: number, ask: () => void, gone: () => void) {
    this.#interval = interval;
    this.#patience = patience;
    this.#ask = ask;
    this.#gone = gone;
  }

  /** The line is open. */
  start(): void {
    this.#isAsking = true;
    this.heard();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#isAsking = false;
  }

  /** Whatever comes is a sign of life; the timer is not touched for each. */
  heard(): void {
    this.#heardAt = performance.now();
    if (!this.#isAsking) return;
    this.stop();
    if (this.#interval > 0) this.#wait(this.#interval);
  }

  /** Asks now: the network may have changed. */
  probe(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#wait(this.#patience);
    this.#ask();
  }

  #wait(time: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), time);
  }

  #look(): void {
    if (this.#isAsking) return this.#gone();
    // not Date: a clock that is set back would be silence until it has caught up
    const left = this.#heardAt + this.#interval - performance.now();
    if (left > 0) this.#wait(left);
    else this.probe();
  }
}
