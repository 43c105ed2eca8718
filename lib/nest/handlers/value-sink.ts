import { Subscription, type Observer } from 'rxjs';

/**
 * Subscribes to an Observable until `onValue` returns `false`, like `takeWhile`. It also stops a synchronous source
 * between two values.
 *
 * An operator and an observer would need four objects. This one object saves 4 % of the time of a message with an
 * interceptor. RxJS accepts an object that is both an observer and a subscription as a subscriber, without wrapping it.
 */
export class ValueSink extends Subscription implements Observer<unknown> {
  private isStopped = false;

  constructor(
    /** Receives each value. @returns whether to continue */
    private readonly onValue: (value: unknown) => boolean,
    /** Called once, with the error if the source failed. */
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
