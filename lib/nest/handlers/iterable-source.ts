import { Logger } from '@nestjs/common';
import { isObservable, Observable, type Subscriber } from 'rxjs';
import { callSafely } from '../../server/util/safe-call.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { requestContext } from '../../server/socket/incoming-request.js';

/** The number of values after which an iteration yields to the event loop, since a generator may never wait itself. */
const VALUES_PER_TURN = 64;

type Values = AsyncIterable<unknown> | Iterable<unknown>;
type Cursor = AsyncIterator<unknown> | Iterator<unknown>;

/** Sends the values of a source to a client. */
export interface Consumer {
  readonly client: EnvelopeSocket;
  /** Logs what the source throws when it is closed. */
  reportEnd(error: unknown): void;
}

/**
 * The consumer that is subscribing at the moment. The operators of Nest and of the application's interceptors are
 * between a source and its consumer. To find each other through them, the consumer registers here while it subscribes,
 * and whenever it receives a value.
 */
let subscribingConsumer: Consumer | undefined;
/** Whether an iteration is emitting a value to those operators. */
let isEmitting = false;
/** The consumer that received that value. */
let lastConsumer: Consumer | undefined;

/** Sets the consumer that is subscribing; `undefined` after it has subscribed. */
export function setSubscriber(consumer: Consumer | undefined): void {
  subscribingConsumer = consumer;
}

/**
 * Notes that a consumer received a value. The call has no effect if the value is not from an {@link IterableSource}.
 */
export function valueConsumed(consumer: Consumer): void {
  if (isEmitting) lastConsumer = consumer;
}

/**
 * Returns whether a result is a generator or an async iterable. Arrays, sets and maps are not: each of them is one
 * value.
 */
export function isIterableSource(value: unknown): value is Values {
  if (typeof value !== 'object' || value === null) return false;
  if (Symbol.asyncIterator in value) return true;
  return Symbol.iterator in value && typeof Reflect.get(value, 'next') === 'function';
}

/**
 * An Observable of the values of a generator or async iterable, so that Nest's interceptors and exception filters can
 * process them. It reads the next value after the previous one was written, and closes the iterator when it is
 * unsubscribed.
 */
export class IterableSource extends Observable<unknown> {
  constructor(private readonly values: Values) {
    super((subscriber) => new Iteration(values, subscriber).start());
  }

  /** Closes the iterator of a source without a subscriber. @throws what the iterator throws */
  close(): unknown {
    return openIterator(this.values).return?.();
  }
}

/** Returns what a handler returned as a source of values; `undefined` if it is one value. */
export function sourceOf(result: unknown): Observable<unknown> | undefined {
  if (isObservable(result)) return result;
  return isIterableSource(result) ? new IterableSource(result) : undefined;
}

/** Returns the iterable source behind the operators of Nest and of this package; `undefined` if the result is another Observable. */
export function iterableSourceOf(result: Observable<unknown>): IterableSource | undefined {
  for (let source: Observable<unknown> | undefined = result; source !== undefined; source = source.source)
    if (source instanceof IterableSource) return source;
  return undefined;
}

function openIterator(values: Values): Cursor {
  return Symbol.asyncIterator in values ? values[Symbol.asyncIterator]() : values[Symbol.iterator]();
}

/** Resolves when a client reads fast enough for more values; `undefined` if it does, or has disconnected. */
function whenWritable({ _isEnded, _connection }: EnvelopeSocket): Promise<void> | undefined {
  // a closed connection never drains
  return _isEnded || _connection.outbox.isIdle ? undefined : _connection.drained();
}

/** An iteration over the values, for one subscriber. */
class Iteration {
  private cursor: Cursor | undefined;
  private isEnded = false;
  /** Whether the iterator's `next` is running. */
  private isAdvancing = false;
  private consumer = subscribingConsumer;

  constructor(
    private readonly values: Values,
    private readonly subscriber: Subscriber<unknown>,
  ) {}

  /** Starts to read values. @returns a function that stops it, and closes the iterator */
  start(): () => void {
    void this.run().catch((error: unknown) => {
      this.isEnded = true;
      if (this.subscriber.closed) this.report(error);
      else this.subscriber.error(error);
    });
    return () => this.stop();
  }

  private async run(): Promise<void> {
    const { subscriber } = this;
    const cursor = (this.cursor = openIterator(this.values));
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
      const drained = this.consumer && whenWritable(this.consumer.client);
      if (drained !== undefined) await drained;
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

  /**
   * Closes the iterator. A generator that disconnects its client is still running: it is closed after its next `yield`.
   */
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
    else new Logger('EnvelopeAdapter').error('a source of values threw when it was closed', error);
  }
}
