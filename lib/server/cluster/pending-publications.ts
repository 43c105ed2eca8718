import { withTimeout } from '../util/with-timeout.js';

/** How long the close of an application waits for its broker to accept the last messages, in milliseconds. */
const TIMEOUT = 2_000;

/** Tracks the messages that an adapter has sent to its broker, until the broker has accepted them. */
export class PendingPublications {
  private count = 0;
  private isClosed = false;
  private onIdle: (() => void) | undefined;

  /** @param onError called with each rejection before {@link close} */
  constructor(private readonly onError: (error: unknown) => void) {}

  /**
   * Tracks a command and handles its rejection, since no other code may await it.
   *
   * @param isAwaited whether {@link close} waits for the command; `true` by default
   */
  track(sent: Promise<unknown>, isAwaited = true): void {
    if (!isAwaited) return void sent.catch(this.report);
    this.count++;
    sent.then(this.settle, this.fail);
  }

  /** Reports that a message could not be sent. */
  readonly report = (error: unknown): void => {
    // not after the close, when the application ends its broker's clients
    if (!this.isClosed) this.onError(error);
  };

  /**
   * Resolves when the broker has accepted all messages, or after two seconds. Later rejections are not reported.
   *
   * @param isAway whether the broker does not answer, so that waiting is useless
   */
  async close(isAway: boolean): Promise<void> {
    if (this.count > 0 && !isAway) {
      const idle = new Promise<void>((resolve) => (this.onIdle = resolve));
      await withTimeout(TIMEOUT, idle, undefined, false);
    }
    this.isClosed = true;
  }

  private readonly settle = (): void => {
    if (--this.count === 0) this.onIdle?.();
  };

  private readonly fail = (error: unknown): void => {
    this.report(error);
    this.settle();
  };
}
