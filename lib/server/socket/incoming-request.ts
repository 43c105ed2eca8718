import { AsyncLocalStorage } from 'node:async_hooks';
import type { ExceptionPayload, RequestId } from '../../protocol/envelope.js';
import { textOfPattern, type Packet } from '../../protocol/microservice-packet.js';
import { currentTrace } from '../diagnostics/current-trace.js';
import type { Encoded, Encoding } from '../transport/encoding.js';
import { createAbortController } from './abort-controller.js';
import { AbortError, isAbort, type AbortCause } from './abort-error.js';

/** What a request needs of the client that it came from. */
export interface Asker {
  encode(event: string, data: unknown, id: RequestId, more: boolean): Encoded;
  /** @param isLast see {@link RequestTable.isLast} */
  send(message: Encoded, isLast?: boolean): void;
  /** Called when the request has its final answer. */
  finished(request: IncomingRequest): void;
  /** Counts a handler that still runs, though its request has its final answer. */
  linger(): void;
  report(error: unknown, where: string): void;
  /** Why the client has disconnected. */
  readonly abortCause: AbortCause;
}

export const INTERNAL_ERROR: ExceptionPayload = { status: 'error', message: 'Internal server error' };

/**
 * A message with an `id`. It gets exactly one final answer, the first one that is given; with `stream`, any number of
 * values before that.
 */
export class IncomingRequest {
  /** Whether the final answer was sent: later ones are dropped. */
  done = false;
  /** Whether an exception filter runs: an end without an answer is then no success. */
  failing = false;
  /** Whether the client cancelled it: values of a source that the handler returns later are not sent. */
  isCancelled = false;
  /** Whether the client has disconnected. */
  protected isAbandoned = false;
  /** Whether all its handlers have ended. */
  isHandled = false;
  /** Whether a handler still runs after a `$cancel`: it counts as a message in flight. */
  isLingering = false;
  /** Made when a handler asks for the signal. */
  private controller: AbortController | undefined;
  private stops: (() => void)[] | undefined;
  protected hasGiven = false;
  /** Kept here, because a shared source may emit a value while another message is being handled. */
  private readonly trace = currentTrace();

  constructor(
    protected readonly asker: Asker,
    readonly event: string,
    readonly id: RequestId,
    readonly stream: boolean,
  ) {}

  /** Socket.IO's acknowledgement function, for listeners and `@Ack()`. */
  readonly ack = (...values: unknown[]): void => this.acknowledge(values);

  /** Answers with the arguments of the acknowledgement function: several become an array. */
  protected acknowledge(values: readonly unknown[]): void {
    this.answer(values.length > 1 ? values : values[0]);
  }

  /**
   * Sends the final answer. Data that JSON cannot carry turns it into an exception.
   *
   * @param isLast whether nothing else is in flight
   */
  answer(data?: unknown, event = this.event, isLast = false): void {
    this.write(event, data, false, isLast);
  }

  /** Sends one value of a stream. */
  next(data: unknown, event = this.event): void {
    this.hasGiven = true;
    this.write(event, data, true);
  }

  /** Sends the final answer as an `exception`. */
  fail(payload: unknown): void {
    if (!this.done) this.markFailed(payload);
    this.write('exception', payload, false);
  }

  protected markFailed(payload: unknown): void {
    this.trace?.fail(payload);
  }

  /** Adds a function that ends a source when its values are not needed any more. @returns a function that removes it */
  onStop(stop: () => void): () => void {
    if (this.stops === undefined) this.stops = [stop];
    else this.stops.push(stop);
    return () => (this.stops = this.stops?.filter((other) => other !== stop));
  }

  /**
   * Whether it may never end: its values come from a source, and the client wants many or has received one. With an interceptor,
   * every handler is a source: of the one value that it will return.
   */
  get isStreaming(): boolean {
    return this.hasSource && (this.stream || this.hasGiven);
  }

  protected get hasSource(): boolean {
    return this.stops !== undefined && this.stops.length > 0;
  }

  /**
   * The signal for its handlers. It aborts when the client cancels the request or disconnects, and never after the final
   * answer.
   */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = createAbortController((error) =>
        this.asker.report(error, `a listener of the signal of "${this.event}" threw`),
      );
      // this may have happened while guards ran
      if (this.isAbandoned) this.abort(this.asker.abortCause);
      else if (this.isCancelled) this.cancel();
    }
    return this.controller.signal;
  }

  /** Whether a handler has asked for the signal, and it was aborted. */
  get isAborted(): boolean {
    return this.controller?.signal.aborted === true;
  }

  private abort(cause: AbortCause): void {
    this.controller?.abort(new AbortError(cause));
  }

  /**
   * Runs `$cancel`: ends the source of values, and answers. A handler without a source, such as one that returned a promise, is
   * told by its signal: the answer is sent at once, and the result is dropped. If it has not asked for the signal, it runs to
   * its end, and its result is the answer.
   */
  cancel(): void {
    this.isCancelled = true;
    if (this.controller !== undefined) {
      this.trace?.cancel();
      // otherwise a client could start any number of handlers
      if (!this.done && !this.hasSource && !this.isHandled) {
        this.isLingering = true;
        this.asker.linger();
      }
    } else if (!this.hasSource) return;
    this.answer();
    this.abort('cancelled');
  }

  /** Ends the source without an answer: the client has disconnected. */
  abandon(): void {
    this.done = this.isAbandoned = true;
    this.stopSources();
    this.abort(this.asker.abortCause);
  }

  /** Reports what a source of values throws when it is ended. */
  reportEnd(error: unknown): void {
    if (isAbort(error, this.isAborted)) return;
    this.asker.report(error, `the source of "${this.event}" threw when it was ended`);
  }

  /** Returns whether it is a request of that client. */
  isFrom(asker: Asker): boolean {
    return this.asker === asker;
  }

  private write(event: string, data: unknown, more: boolean, isLast = false): void {
    if (this.done) return;
    let message: Encoded;
    try {
      message = this.encode(event, data, more);
    } catch (error) {
      this.reportUnwritable(error);
      message = this.encode('exception', INTERNAL_ERROR, false);
      more = false;
    }
    // a toJSON may have answered meanwhile
    if (this.done) return;
    if (!more) this.done = true;
    this.asker.send(message, isLast);
    if (!more) this.release();
  }

  protected reportUnwritable(error: unknown): void {
    this.trace?.fail(error);
    this.asker.report(error, `the answer to "${this.event}" cannot be written as JSON`);
  }

  /** Ends the request without an answer. */
  protected finish(): void {
    if (this.done) return;
    this.done = true;
    this.release();
  }

  private release(): void {
    this.asker.finished(this);
    this.stopSources();
  }

  /** @throws where JSON cannot carry the data */
  protected encode(event: string, data: unknown, more: boolean): Encoded {
    return this.asker.encode(event, data, this.id, more);
  }

  private stopSources(): void {
    const stops = this.stops;
    this.stops = undefined;
    for (const stop of stops ?? []) stop();
  }
}

/** Ids of packets without one: no integers, so that they differ from those that clients choose. */
let keys = 0.5;

/** What a message of the microservice protocol needs of its client. */
interface PacketAsker extends Asker {
  encodePacket(...answer: Parameters<Encoding['packet']>): Encoded;
}

/** A message of the microservice protocol, whose answers are packets. */
export class IncomingPacket extends IncomingRequest {
  constructor(
    private readonly owner: PacketAsker,
    private readonly packet: Packet,
    /** The id that its answers carry; `undefined`: it had none. */
    readonly givenId: RequestId | undefined,
  ) {
    super(owner, textOfPattern(packet.pattern), givenId ?? keys++, false);
  }

  protected override encode(event: string, data: unknown, more: boolean): Encoded {
    const kind = event === 'exception' ? 'error' : 'response';
    return this.owner.encodePacket(kind, this.packet.pattern, data, this.givenId, more);
  }
}

/**
 * The request that the running code works for: `emit('exception', …)` answers it. Entered only for messages with an `id`, so
 * that others do not pay for it.
 */
export const requestContext = new AsyncLocalStorage<IncomingRequest>();
