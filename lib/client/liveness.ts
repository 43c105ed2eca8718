/** Finds out that the server is gone, which a browser does not see: it neither sends pings nor shows those that come. */
export class Liveness {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private heardAt = 0;
  private isAsking = false;

  constructor(
    /** Milliseconds of silence until the server is asked; 0: it never is. */
    private readonly interval: number,
    /** Milliseconds for its answer. */
    private readonly patience: number,
    private readonly ask: () => void,
    private readonly gone: () => void,
  ) {}

  /** The line is open. */
  start(): void {
    this.heard();
    if (this.interval > 0) this.wait(this.interval);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.isAsking = false;
  }

  /** Whatever comes is a sign of life; the timer is not touched for each. */
  heard(): void {
    this.heardAt = Date.now();
  }

  /** Asks now: the network may have changed. */
  probe(): void {
    if (this.isAsking) return;
    this.isAsking = true;
    this.wait(this.patience);
    this.ask();
  }

  private wait(time: number): void {
    const since = Date.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(since), time);
  }

  private look(since: number): void {
    if (this.isAsking && this.heardAt < since) return this.gone();
    this.isAsking = false;
    const silence = Date.now() - this.heardAt;
    if (this.interval === 0) return;
    if (silence >= this.interval) this.probe();
    else this.wait(this.interval - silence);
  }
}
