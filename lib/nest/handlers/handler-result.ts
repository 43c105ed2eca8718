import type { Replies } from '../options/options.js';
import type { Observable } from 'rxjs';
import { isReserved } from '../../protocol/reserved-events.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { currentTrace } from '../../server/diagnostics/current-trace.js';
import {
  INTERNAL_ERROR,
  requestContext,
  type IncomingRequest,
} from '../../server/socket/incoming-request.js';
import type { Handler } from './handler-table.js';
import { iterableSourceOf, sourceOf, valueConsumed } from './iterable-source.js';
import type { MessageResult } from './message-result.js';
import { reportThrown, reportThrownAtEnd, type FailedMessage } from './result-errors.js';
import { forwardValues, type SourceTarget } from './source-forwarding.js';

/** Milliseconds that an asynchronous exception filter has to answer a request. */
const FILTER_TIMEOUT = 1_000;

/**
 * Sends the results of the handlers of one message. Without an `id`, each value is sent as a message with the name
 * of the event. With an `id`, the client gets exactly one final response.
 */
export class HandlerResult implements MessageResult, SourceTarget, FailedMessage {
  /** Handlers of this message that have not returned. */
  private notReturned: number;
  /** Handlers of this message whose result is not complete, for example a stream. */
  private notEnded: number;
  private isStreaming = false;
  private readonly trace = currentTrace();

  constructor(
    readonly client: EnvelopeSocket,
    readonly event: string,
    readonly request: IncomingRequest | undefined,
    handlers: number,
    private readonly replies: Replies,
  ) {
    this.notReturned = this.notEnded = handlers;
    this.trace?.setDeclared(event);
    this.trace?.hold();
  }

  call(handler: Handler, data: unknown, isAckManual: boolean): unknown {
    const { client, request } = this;
    // @Ack() injects the first function among a handler's arguments
    if (request !== undefined) return requestContext.run(request, handler, client, data, request.ack);
    return isAckManual ? handler(client, data, this.manualAck) : handler(client, data);
  }

  /**
   * The function for `@Ack()` if the message is not a request. It sends a reply with the event's name if the option
   * `replies` is `always`.
   */
  private get manualAck(): (...values: unknown[]) => void {
    return (...values) => {
      const value = values.length > 1 ? values : values[0];
      if (isResponse(value)) this.client._outbound.reply(value.event, value.data);
      else if (this.replies === 'always') this.client._outbound.reply(this.event, value);
    };
  }

  handlerReturned(result: unknown, isAckManual: boolean): Promise<void> | undefined {
    const source = sourceOf(result);
    if (source !== undefined && this.request?.isCancelled === true) this.request.answer();
    // the return value of a handler with `@Ack()` is not a response, but may be a WsResponse
    if (isAckManual) this.sendResponse(result);
    else if (source !== undefined) return this.forwardAll(source);
    else if (this.request === undefined) this.send(result, this.isLast);
    else if (result !== undefined) this.answer(result, this.isLast);
    this.countReturn(isAckManual);
    return undefined;
  }

  /** Whether this result is the last of what is in flight: the only handler of the only message. */
  private get isLast(): boolean {
    return this.notReturned === 1 && this.client._requests.isLast;
  }

  private forwardAll(source: Observable<unknown>): Promise<void> {
    if (iterableSourceOf(source) !== undefined) this.countAsStream();
    const forwarded = forwardValues(this, source, true);
    // only a request is answered when all have returned; a further promise would cost a message with an interceptor time
    return this.request === undefined ? forwarded : forwarded.then(() => this.countReturn(false));
  }

  /** Sends and logs an error that no exception filter has handled: one of a filter itself, or of an iterator. */
  fail(error: unknown): void {
    const payload = reportThrown(this, error, this.trace);
    if (payload === undefined) return;
    if (this.request !== undefined) this.request.fail(payload);
    else this.client._outbound.reply('exception', payload);
  }

  /** Notes that the result of one handler is complete, or that the handler failed. */
  handlerEnded(): void {
    if (--this.notEnded > 0) return;
    this.trace?.release();
    const { request } = this;
    if (request === undefined) return this.client._requests.ended(this.isStreaming);
    request.isHandled = true;
    if (request.isLingering) this.client._requests.ended(false);
  }

  private countReturn(isAckManual: boolean): void {
    const { request } = this;
    if (--this.notReturned > 0 || request === undefined || request.done) return;
    if (!request.failing) {
      if (!isAckManual) request.answer();
      return;
    }
    // a filter may answer later; if it does not answer at all, the client must not wait forever
    setTimeout(() => request.fail(INTERNAL_ERROR), FILTER_TIMEOUT).unref();
  }

  /** Sends a value to a client that sent no `id`. Ignores booleans, since `return client.emit(…)` returns `true`. */
  private send(value: unknown, isLast = false): void {
    if (isResponse(value)) this.client._outbound.reply(value.event, value.data, isLast);
    else if (this.replies === 'always' && typeof value !== 'boolean')
      this.client._outbound.reply(this.event, value, isLast);
  }

  private sendResponse(value: unknown): void {
    if (isResponse(value)) this.send(value);
  }

  private answer(value: unknown, isLast = false): void {
    if (isResponse(value)) this.request?.answer(value.data, value.event, isLast);
    else this.request?.answer(value, undefined, isLast);
  }

  /** Sends one of many values. @returns whether the client takes more */
  forward(value: unknown): boolean {
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

  /**
   * Counts a source as a stream after its first value, since it may never end. Before that, it may be the Observable of an
   * interceptor around a handler with one result.
   */
  countAsStream(): void {
    if (this.isStreaming || this.request !== undefined) return;
    this.isStreaming = true;
    this.client._requests.streaming++;
  }

  reportEnd(error: unknown): void {
    reportThrownAtEnd(this, error);
  }

  get isAborted(): boolean {
    return (this.request ?? this.client._requests).isAborted;
  }

  get isOver(): boolean {
    // a request is done when its client has disconnected, unless it is one that others wait for, too
    return this.request === undefined ? this.client._isEnded : this.request.done;
  }

  /** Calls `stop` when the client cancels the request or disconnects. @returns a function that removes the callback */
  onStop(stop: () => void): () => void {
    return this.request === undefined ? this.client._requests.onStop(stop) : this.request.onStop(stop);
  }
}

/**
 * Returns whether a value is Nest's `WsResponse`: an object with `event`, and no other key than `data`. An object with
 * a reserved event name is plain data, since a handler may return what its client sent.
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
