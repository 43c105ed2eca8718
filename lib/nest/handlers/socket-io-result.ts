import { filter, type Observable } from 'rxjs';
import { currentTrace } from '../../server/diagnostics/current-trace.js';
import type { AcknowledgedMessage } from '../../server/socket/acknowledged-message.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { Handler } from './handler-table.js';
import { iterableSourceOf, sourceOf, valueConsumed } from './iterable-source.js';
import type { MessageResult } from './message-result.js';
import { reportThrown, reportThrownAtEnd, type FailedMessage } from './result-errors.js';
import { forwardValues, type SourceTarget } from './source-forwarding.js';

/**
 * Sends the results of the handlers of one message of a Socket.IO client, as Nest's `IoAdapter` does: a value is the
 * acknowledgement, if the client wants one; `{ event, data }` is an event; `null` and `undefined` are nothing. An
 * exception is the event `exception`, and the acknowledgement is not sent.
 */
export class SocketIoResult implements MessageResult, SourceTarget, FailedMessage {
  /** Handlers of this message whose result is not complete, for example a stream. */
  private notEnded: number;
  private isStreaming = false;
  private readonly trace = currentTrace();
  /** Filters send exceptions as events. */
  readonly request = undefined;

  constructor(
    readonly client: EnvelopeSocket,
    readonly event: string,
    /** `undefined`: the client wants no acknowledgement. */
    private readonly message: AcknowledgedMessage | undefined,
    handlers: number,
  ) {
    this.notEnded = handlers;
    this.trace?.setDeclared(event);
    this.trace?.hold();
  }

  call(handler: Handler, data: unknown): unknown {
    return handler(this.client, data, this.message?.ack);
  }

  handlerReturned(result: unknown, isAckManual: boolean): Promise<void> | undefined {
    const source = sourceOf(result);
    if (source !== undefined) return this.forwardAll(source, isAckManual);
    this.send(result, isAckManual);
    return undefined;
  }

  private async forwardAll(source: Observable<unknown>, isAckManual: boolean): Promise<void> {
    if (iterableSourceOf(source) !== undefined) this.countAsStream();
    // a handler with @Ack() sends the acknowledgement itself
    await forwardValues(this, isAckManual ? source.pipe(filter(isEvent)) : source, true);
  }

  private send(value: unknown, isAckManual: boolean): void {
    if (value === undefined || value === null) return;
    if (isEvent(value)) this.emit(value.event, value.data);
    else if (!isAckManual) this.message?.acknowledge([value]);
  }

  private emit(event: unknown, data: unknown): void {
    try {
      this.client.emit(String(event), data);
    } catch (error) {
      this.client._report(error, `the result of "${this.event}" cannot be sent`, this.event);
    }
  }

  /** Sends and logs an error that no exception filter has handled: one of a filter itself, or of an iterator. */
  fail(error: unknown): void {
    const payload = reportThrown(this, error, this.trace);
    if (payload !== undefined) this.client._outbound.fail(payload);
  }

  handlerEnded(): void {
    if (--this.notEnded > 0) return;
    this.trace?.release();
    if (this.message !== undefined) this.message.end();
    else this.client._requests.ended(this.isStreaming);
  }

  // a target of the values of a source

  forward(value: unknown): boolean {
    valueConsumed(this);
    this.countAsStream();
    this.send(value, false);
    return !this.isOver;
  }

  countAsStream(): void {
    if (this.message !== undefined) return this.message.countAsStream();
    if (this.isStreaming) return;
    this.isStreaming = true;
    this.client._requests.streaming++;
  }

  get isAborted(): boolean {
    return (this.message ?? this.client._requests).isAborted;
  }

  get isOver(): boolean {
    return this.client._isEnded;
  }

  onStop(stop: () => void): () => void {
    return this.message === undefined ? this.client._requests.onStop(stop) : this.message.onStop(stop);
  }

  reportEnd(error: unknown): void {
    reportThrownAtEnd(this, error);
  }
}

/** Returns whether a value is an event to send. Unlike the envelope's rule, it may have further keys, as with `IoAdapter`. */
function isEvent(value: unknown): value is { event: unknown; data?: unknown } {
  return typeof value === 'object' && value !== null && Boolean(Reflect.get(value, 'event'));
}
