import { AsyncLocalStorage } from 'node:async_hooks';
import type { ExceptionPayload, RequestId } from '../../protocol/envelope.js';
import { currentTrace } from '../diagnostics/current-trace.js';

/** What a request needs of the client that it came from. */
export interface Asker {
  encode(event: string, data: unknown, id: RequestId, more: boolean): string;
  send(text: string): void;
  /** Called when the request has its final answer. */
  finished(request: IncomingRequest): void;
  report(error: unknown, where: string): void;
}

export const INTERNAL_ERROR: ExceptionPayload = { status: 'error', message: 'Internal server error' };

/**
 * A message with an `id`: it gets exactly one final answer, whoever gives it first, and with `stream` any number
 * of values before that.
 */
export class IncomingRequest {
  /** The final answer is out; whatever comes later is dropped. */
  done = false;
  /** An exception filter took over: a void end is not a success. */
  failing = false;
  /** Nobody wants the values of a source that its handler may still give. */
  isCancelled = false;
  private stops: (() => void)[] | undefined;
  private hasGiven = false;
  /** Its own: a value of a source that is shared comes while another message is handled. */
  private readonly trace = currentTrace();

  constructor(
    private readonly asker: Asker,
    readonly event: string,
    readonly id: RequestId,
    readonly stream: boolean,
  ) {}

  /** Socket.IO's acknowledgement function: several arguments become an array. */
  readonly ack = (...values: unknown[]): void => this.answer(values.length > 1 ? values : values[0]);

  /** The final answer. Data that JSON cannot carry turns it into a failure. */
  answer(data?: unknown, event = this.event): void {
    this.write(event, data, false);
  }

  /** One value of a stream. */
  next(data: unknown, event = this.event): void {
    this.hasGiven = true;
    this.write(event, data, true);
  }

  /** The final answer, as an `exception`. */
  fail(payload: unknown): void {
    if (!this.done) this.trace?.fail(payload);
    this.write('exception', payload, false);
  }

  /** Adds what ends a source when nobody wants its values any more. @returns what takes it off again */
  onStop(stop: () => void): () => void {
    if (this.stops === undefined) this.stops = [stop];
    else this.stops.push(stop);
    return () => (this.stops = this.stops?.filter((other) => other !== stop));
  }

  /**
   * It may never come to an end: its values come from a source, and many are wanted or one was given. Behind an interceptor
   * each handler is a source, of the one value that it will return.
   */
  get isStreaming(): boolean {
    return this.hasSource && (this.stream || this.hasGiven);
  }

  private get hasSource(): boolean {
    return this.stops !== undefined && this.stops.length > 0;
  }

  /**
   * `$cancel`: ends the source of values and answers. A handler without a source, one that returned a promise say, is not cancelled
   * yet: it runs on, and its result is the answer.
   */
  cancel(): void {
    this.isCancelled = true;
    if (this.hasSource) this.answer();
  }

  /** The connection is gone: ends the source, answers nobody. */
  abandon(): void {
    this.done = true;
    this.stopSources();
  }

  /** Takes what a source of values throws when it is ended. */
  reportEnd(error: unknown): void {
    this.asker.report(error, `the source of "${this.event}" threw when it was ended`);
  }

  /** Whether this is the request of that connection. */
  isFrom(asker: Asker): boolean {
    return this.asker === asker;
  }

  private write(event: string, data: unknown, more: boolean): void {
    if (this.done) return;
    let text: string;
    try {
      text = this.encode(event, data, more);
    } catch (error) {
      this.trace?.fail(error);
      this.asker.report(error, `the answer to "${this.event}" cannot be written as JSON`);
      text = this.encode('exception', INTERNAL_ERROR, false);
      more = false;
    }
    // a toJSON may have answered meanwhile
    if (this.done) return;
    if (!more) this.done = true;
    this.asker.send(text);
    if (more) return;
    this.asker.finished(this);
    this.stopSources();
  }

  /** @throws where JSON cannot carry the data */
  protected encode(event: string, data: unknown, more: boolean): string {
    return this.asker.encode(event, data, this.id, more);
  }

  private stopSources(): void {
    const stops = this.stops;
    this.stops = undefined;
    for (const stop of stops ?? []) stop();
  }
}

/**
 * The request that the running code works for. Entered only for messages with an `id`, so that a message without
 * one does not pay for it; `emit('exception', …)` finds the request to answer here.
 */
export const requestContext = new AsyncLocalStorage<IncomingRequest>();

/**
 * Answers the request that the running code works for with an exception: what an exception filter emits is the answer.
 *
 * @returns whether there is such a request of this client, without an answer
 */
export function failRunningRequest(
  client: { readonly _requestsIfAny: Asker | undefined },
  payload: unknown,
): boolean {
  const request = requestContext.getStore();
  if (request === undefined || request.done) return false;
  if (client._requestsIfAny === undefined || !request.isFrom(client._requestsIfAny)) return false;
  request.fail(payload);
  return true;
}
