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
    this.heard();
    if (this.#interval > 0) this.#wait(this.#interval);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#isAsking = false;
  }

  /** Whatever comes is a sign of life; the timer is not touched for each. */
  heard(): void {
    this.#heardAt = Date.now();
  }

  /** Asks now: the network may have changed. */
  probe(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#wait(this.#patience);
    this.#ask();
  }

  #wait(time: number): void {
    const since = Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(since), time);
  }

  #look(since: number): void {
    if (this.#isAsking && this.#heardAt < since) return this.#gone();
    this.#isAsking = false;
    const silence = Date.now() - this.#heardAt;
    if (this.#interval === 0) return;
    if (silence >= this.#interval) this.probe();
    else this.#wait(this.#interval - silence);
  }
}
