import { Logger } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import { callSafely } from '../../server/util/safe-call.js';
import { requestContext } from '../../server/socket/incoming-request.js';

/** After so many values a generator lets the rest of the process have a turn: its own may never wait. */
const VALUES_PER_TURN = 64;

type Values = AsyncIterable<unknown> | Iterable<unknown>;
type Cursor = AsyncIterator<unknown> | Iterator<unknown>;

/** The reply that takes the values of a source. */
export interface Consumer {
  /** Whether its client reads fast enough for more. */
  readonly isWritable: boolean;
  /** Resolves when it does again. */
  drained(): Promise<void>;
  /** Takes what the source throws when it is ended. */
  reportEnd(error: unknown): void;
}

/**
 * Between a source and its reply stand the operators of Nest and of users' interceptors. The reply says here, while it
 * subscribes and at each value, that it is the one behind them.
 */
let subscribingConsumer: Consumer | undefined;
/** A value of an iterable is on its way through those operators. */
let isEmitting = false;
/** The reply that it has reached. */
let lastConsumer: Consumer | undefined;

/** Says who subscribes; `undefined`: nobody does any more. */
export function setSubscriber(consumer: Consumer | undefined): void {
  subscribingConsumer = consumer;
}

/** A value has reached its reply. It may be of another source, which need not know. */
export function valueConsumed(consumer: Consumer): void {
  if (isEmitting) lastConsumer = consumer;
}

/** Whether a result is a generator or another asynchronous source of values; a list, a set or a map is one value. */
export function isIterableSource(value: unknown): value is Values {
  if (typeof value !== 'object' || value === null) return false;
  if (Symbol.asyncIterator in value) return true;
  return Symbol.iterator in value && typeof Reflect.get(value, 'next') === 'function';
}

/**
 * A generator or async iterable as an Observable, which is what Nest's interceptors and exception filters look at. It asks for the
 * next value when the one before was written, and ends the iterator when it is unsubscribed from.
 */
export class IterableSource extends Observable<unknown> {
  constructor(private readonly values: Values) {
    super((subscriber) => new Iteration(values, subscriber).begin());
  }

  /** Ends a source that nobody has subscribed to. @throws what its iterator throws */
  abandon(): unknown {
    return open(this.values).return?.();
  }
}

/** The source of values behind Nest's own operator; `undefined` where the result is another Observable. */
export function iterableSourceOf(result: Observable<unknown>): IterableSource | undefined {
  if (result instanceof IterableSource) return result;
  const { source } = result;
  return source instanceof IterableSource ? source : undefined;
}

function open(values: Values): Cursor {
  return Symbol.asyncIterator in values ? values[Symbol.asyncIterator]() : values[Symbol.iterator]();
}

/** One walk through the values, for one subscriber. */
class Iteration {
  private cursor: Cursor | undefined;
  private isEnded = false;
  private isAdvancing = false;
  private consumer = subscribingConsumer;

  constructor(
    private readonly values: Values,
    private readonly subscriber: Subscriber<unknown>,
  ) {}

  /** @returns what ends it */
  begin(): () => void {
    void this.run().catch((error: unknown) => {
      this.isEnded = true;
      if (this.subscriber.closed) this.report(error);
      else this.subscriber.error(error);
    });
    return () => this.stop();
  }

  private async run(): Promise<void> {
    const { subscriber } = this;
    const cursor = (this.cursor = open(this.values));
    for (let values = 1; ; values++) {
      this.isAdvancing = true;
      const step = cursor.next();
      this.isAdvancing = false;
      if (subscriber.closed) this.stop();
      const { value, done } = await step;
      if (done === true) this.isEnded = true;
      if (subscriber.closed) return this.stop();
      if (done === true) return subscriber.complete();
      this.emit(value);
      if (subscriber.closed) return;
      if (this.consumer?.isWritable === false) await this.consumer.drained();
      else if (values % VALUES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      if (subscriber.closed) return;
    }
  }

  private emit(value: unknown): void {
    lastConsumer = undefined;
    isEmitting = true;
    this.subscriber.next(value);
    isEmitting = false;
    this.consumer = lastConsumer ?? this.consumer;
    lastConsumer = undefined;
  }

  /** A generator that ended its own client is still running: it can be ended when it has come to its yield. */
  private stop(): void {
    if (this.isEnded || this.isAdvancing || this.cursor === undefined) return;
    this.isEnded = true;
    const { cursor } = this;
    callSafely(
      () => Promise.resolve(cursor.return?.()),
      (error) => this.report(error),
    );
  }

  private report(error: unknown): void {
    const consumer = this.consumer ?? requestContext.getStore();
    if (consumer !== undefined) consumer.reportEnd(error);
    else new Logger('EnvelopeAdapter').error('a source of values threw when it was ended', error);
  }
}
