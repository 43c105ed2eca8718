/**
 * Calls a function again and again: one call at a time, with a pause after each, and none while the page is hidden.
 * It continues if the function rejects.
 */
export class Poll {
  #act;
  #pause;
  #onError;
  #timer = undefined;
  #isActive = false;
  #isRunning = false;
  /** Whether to call it again at once after the running call. */
  #isDue = false;

  /**
   * @param pause milliseconds after each call
   * @param onError called with what the function throws. By default it is dropped: the application shows failed requests
   */
  constructor(act, pause, onError = () => undefined) {
    this.#act = act;
    this.#pause = pause;
    this.#onError = onError;
    document.addEventListener('visibilitychange', this.#shown);
  }

  get isActive() {
    return this.#isActive;
  }

  start() {
    this.#isActive = true;
    this.now();
  }

  /** Calls the function at once, or after the call that is running. */
  now() {
    clearTimeout(this.#timer);
    if (this.#isRunning) this.#isDue = true;
    else void this.#run();
  }

  stop() {
    this.#isActive = this.#isDue = false;
    clearTimeout(this.#timer);
  }

  /** Stops for good. */
  close() {
    this.stop();
    document.removeEventListener('visibilitychange', this.#shown);
  }

  #shown = () => {
    if (this.#isActive && !document.hidden) this.now();
  };

  async #run() {
    this.#isRunning = true;
    this.#isDue = false;
    try {
      await this.#act();
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#isRunning = false;
    }
    if (this.#isDue) void this.#run();
    else if (this.#isActive && !document.hidden) this.#timer = setTimeout(() => this.now(), this.#pause);
  }
}
