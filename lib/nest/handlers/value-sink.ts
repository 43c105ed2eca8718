import { Subscription, type Observer } from 'rxjs';

/**
 * Takes the values of a source for as long as more are wanted, and lets go of one that is synchronous in its midst as
 * well. One object does what an operator and an observer need four for: 4 % of the time of a message that an
 * interceptor sees. (RxJS takes what is an observer and a subscription for a subscriber.)
 */
export class ValueSink extends Subscription implements Observer<unknown> {
  private isStopped = false;

  constructor(
    /** @returns whether more are wanted */
    private readonly onValue: (value: unknown) => boolean,
    /** Told once, with the reason where the source has failed. */
    private readonly onEnd: (reason?: { error: unknown }) => void,
  ) {
    super();
  }

  next(value: unknown): void {
    if (this.isStopped) return;
    try {
      if (!this.onValue(value)) this.complete();
    } catch (error) {
      this.error(error);
    }
  }

  error(error: unknown): void {
    this.stop({ error });
  }

  complete(): void {
    this.stop();
  }

  private stop(reason?: { error: unknown }): void {
    if (this.isStopped) return;
    this.isStopped = true;
    try {
      this.onEnd(reason);
    } finally {
      this.unsubscribe();
    }
  }
}
