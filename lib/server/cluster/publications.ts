import { withTimeout } from '../util/with-timeout.js';

/** Milliseconds that the end of an application waits for its broker to take what was sent last. */
const PATIENCE = 2_000;

/** What an adapter has sent to its broker, and the broker has not taken yet. */
export class Publications {
  private underWay = 0;
  private isClosed = false;
  private whenIdle: (() => void) | undefined;

  /** @param failed hears of each that was rejected before {@link close} */
  constructor(private readonly failed: (error: unknown) => void) {}

  /**
   * Takes the rejection of a command as well: nobody else may await it.
   *
   * @param isAwaited the end of the application waits for it
   */
  watch(sent: Promise<unknown>, isAwaited = true): void {
    if (!isAwaited) return void sent.catch(this.report);
    this.underWay++;
    sent.then(this.settle, this.fail);
  }

  /** The adapter has failed to send something. */
  readonly report = (error: unknown): void => {
    // a broker's clients end with the application
    if (!this.isClosed) this.failed(error);
  };

  /**
   * Resolves when the broker has taken everything, or did not in time; what fails later is nobody's concern.
   *
   * @param isAway the broker takes nothing: there is no need to wait
   */
  async close(isAway: boolean): Promise<void> {
    if (this.underWay > 0 && !isAway) {
      const idle = new Promise<void>((resolve) => (this.whenIdle = resolve));
      await withTimeout(PATIENCE, idle, undefined, false);
    }
    this.isClosed = true;
  }

  private readonly settle = (): void => {
    if (--this.underWay === 0) this.whenIdle?.();
  };

  private readonly fail = (error: unknown): void => {
    this.report(error);
    this.settle();
  };
}
