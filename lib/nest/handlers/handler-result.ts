import type { Replies } from '../options/options.js';
import { isObservable, type Observable } from 'rxjs';
import { isReserved } from '../../protocol/reserved-events.js';
import { callSafely } from '../../server/util/safe-call.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { currentTrace } from '../../server/diagnostics/current-trace.js';
import {
  INTERNAL_ERROR,
  requestContext,
  type IncomingRequest,
} from '../../server/socket/incoming-request.js';
import { isClientFault, toExceptionPayload } from '../errors/envelope-exception-filter.js';
import {
  IterableSource,
  isIterableSource,
  iterableSourceOf,
  setSubscriber,
  valueConsumed,
  type Consumer,
} from './iterable-source.js';
import { ValueSink } from './value-sink.js';

/** How long, in milliseconds, an exception filter that is asynchronous may take to answer a request. */
const FILTER_GRACE = 1_000;

/**
 * Fourth stop of a message: shapes what a handler came to. Without an `id` each value goes out under the event's
 * own name; with one, exactly one final answer does.
 */
export class HandlerResult implements Consumer {
  /** Handlers of this message that have not returned. */
  private notReturned: number;
  /** Handlers of this message that have not come to an end, failed ones included. */
  private notEnded: number;
  private isStreaming = false;
  private readonly trace = currentTrace();

  constructor(
    private readonly client: EnvelopeSocket,
    private readonly event: string,
    private readonly request: IncomingRequest | undefined,
    handlers: number,
    private readonly replies: Replies,
  ) {
    this.notReturned = this.notEnded = handlers;
    this.trace?.setDeclared(event);
    this.trace?.hold();
  }

  /** What `@Ack()` gets where the client did not ask: the reply goes out under the event's name, unless only requests get one. */
  get manualAck(): (...values: unknown[]) => void {
    return (...values) => {
      const value = values.length > 1 ? values : values[0];
      if (isResponse(value)) this.client._outbound.reply(value.event, value.data);
      else if (this.replies === 'always') this.client._outbound.reply(this.event, value);
    };
  }

  /** A handler returned. @returns a promise only where it returned a source of many values: most pay for none */
  handlerReturned(result: unknown, isAckManual: boolean): Promise<void> | undefined {
    const source = isObservable(result)
      ? result
      : isIterableSource(result)
        ? new IterableSource(result)
        : undefined;
    if (source !== undefined && this.request?.isCancelled === true) this.request.answer();
    // what a handler that acknowledges by hand returns is no answer, but may be an event of its own
    if (isAckManual) this.sendResponse(result);
    else if (source !== undefined) return this.forwardAll(source);
    else if (this.request === undefined) this.send(result);
    else if (result !== undefined) this.answer(result);
    this.countReturn(isAckManual);
    return undefined;
  }

  private async forwardAll(source: Observable<unknown>): Promise<void> {
    if (iterableSourceOf(source) !== undefined) this.countAsStream();
    await this.forwardValues(source, true);
    this.countReturn(false);
  }

  /** Nobody wants its values: one that holds something, a cursor say, lets go of it. */
  private closeUnused(iterable: IterableSource | undefined): void {
    callSafely(
      () => Promise.resolve(iterable?.abandon()),
      (error) => this.reportEnd(error),
    );
  }

  /** Something failed that no filter has seen: a filter itself, or an iterator. */
  fail(error: unknown): void {
    this.trace?.fail(error);
    if (!isClientFault(error)) this.client._report(error, `"${this.event}" threw`);
    const payload = toExceptionPayload(error);
    if (this.request !== undefined) this.request.fail(payload);
    else this.client._outbound.reply('exception', payload);
  }

  /** One of the handlers has come to its end, whatever it was. */
  handlerEnded(): void {
    if (--this.notEnded > 0) return;
    this.trace?.release();
    if (this.request !== undefined) return;
    this.client._requests.ended(this.isStreaming);
  }

  private countReturn(isAckManual: boolean): void {
    const { request } = this;
    if (--this.notReturned > 0 || request === undefined || request.done) return;
    if (!request.failing) {
      if (!isAckManual) request.answer();
      return;
    }
    // a filter may be asynchronous, and one that says nothing to the client must not leave it waiting
    setTimeout(() => request.fail(INTERNAL_ERROR), FILTER_GRACE).unref();
  }

  /** Without an `id`: one value. A boolean is what `return client.emit(…)` returns, and no word for the client. */
  private send(value: unknown): void {
    if (isResponse(value)) this.client._outbound.reply(value.event, value.data);
    else if (this.replies === 'always' && typeof value !== 'boolean')
      this.client._outbound.reply(this.event, value);
  }

  private sendResponse(value: unknown): void {
    if (isResponse(value)) this.send(value);
  }

  private answer(value: unknown): void {
    if (isResponse(value)) this.request?.answer(value.data, value.event);
    else this.request?.answer(value);
  }

  /** One of many values. @returns whether more are wanted */
  private forward(value: unknown): boolean {
    const { request } = this;
    valueConsumed(this);
    if (request === undefined) {
      this.countAsStream();
      this.send(value);
      return !this.client._isEnded;
    }
    if (!request.stream) this.answer(value);
    else if (isResponse(value)) request.next(value.data, value.event);
    else request.next(value);
    return !request.done;
  }

  /** A source that has given a value may go on for ever; one that has not may be a handler behind an interceptor. */
  private countAsStream(): void {
    if (this.isStreaming || this.request !== undefined) return;
    this.isStreaming = true;
    this.client._requests.streaming++;
  }

  /** @param isResult where it is not a source within one: of those each value is one, whatever it is */
  private forwardValues(source: Observable<unknown>, isResult: boolean): Promise<void> {
    if (this.isOver) {
      this.closeUnused(iterableSourceOf(source));
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      let pending: Promise<void>[] | undefined;
      const onValue = (value: unknown): boolean => {
        if (!isResult || !isIterableSource(value)) return this.forward(value);
        // an interceptor may make a source of a value
        const inner = this.forwardValues(new IterableSource(value), false);
        (pending ??= []).push(inner.catch((reason) => this.fail(reason)));
        this.countAsStream();
        return true;
      };
      const sink = new ValueSink(onValue, (failed) => {
        release();
        if (failed !== undefined)
          reject(failed.error instanceof Error ? failed.error : new Error(String(failed.error)));
        else if (pending === undefined) resolve();
        else void Promise.all(pending).then(() => resolve());
      });
      const release = this.onStop(() => sink.complete());
      setSubscriber(this);
      // the exception filter runs where the source is subscribed to
      if (this.request === undefined) source.subscribe(sink);
      else requestContext.run(this.request, () => source.subscribe(sink));
      setSubscriber(undefined);
    });
  }

  /** @internal */
  get isWritable(): boolean {
    // nobody reads on a line that has ended: there is nothing to wait for
    return this.client._isEnded || this.client._connection.outbox.isIdle;
  }

  /** @internal */
  drained(): Promise<void> {
    return this.client._connection.drained();
  }

  private stopSource(stop: () => void): void {
    try {
      stop();
    } catch (error) {
      this.reportEnd(error);
    }
  }

  /** @internal */
  reportEnd(error: unknown): void {
    this.client._report(error, `the source of "${this.event}" threw when it was ended`);
  }

  private get isOver(): boolean {
    return this.client._isEnded || this.request?.done === true;
  }

  /** Registers what ends a source when its client cancels or goes. @returns what takes it off again */
  private onStop(stop: () => void): () => void {
    const stopSafely = (): void => this.stopSource(stop);
    if (this.request !== undefined) return this.request.onStop(stopSafely);
    return this.client._requests.onStop(stopSafely);
  }
}

/**
 * Nest's `WsResponse`: an event of its own and nothing but `event` and `data`. An object with a name that nobody may emit is data:
 * a handler may return what its client sent.
 */
function isResponse(value: unknown): value is { event: string; data?: unknown } {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'event')) return false;
  const event: unknown = Reflect.get(value, 'event');
  return (
    typeof event === 'string' &&
    event !== '' &&
    !isReserved(event) &&
    Object.keys(value).every((key) => key === 'event' || key === 'data')
  );
}
