import type { Envelope, RequestId } from '../../protocol/envelope.js';
import { textOfPattern } from '../../protocol/microservice-packet.js';
import type { ObservedSocket } from './types.js';

/**
 * The outcome of an event. `abandoned`: its client disconnected before the handlers ended. `cancelled`: its client cancelled it,
 * and a handler had asked for the signal.
 */
export type HandlerOutcome = 'ok' | 'error' | 'refused' | 'cancelled' | 'abandoned';

type Wrapper = (run: () => void) => void;

/** One event, from the middlewares of its socket to the end of its last handler. */
export class HandlerTrace {
  /** The start, before the middlewares of its socket, by `performance.now()`. */
  readonly startedAt = performance.now();
  /** The error that a handler threw, or that the request was answered with; the first of several. */
  error: unknown;
  /** Why the event was refused before a handler received it: a code of PROTOCOL.md. */
  code: string | undefined;
  /**
   * The event name that its handler declares; `undefined` until a handler matches. Unlike `event`, the client does not
   * choose it.
   */
  declared: string | undefined;
  /** How many handlers still run. */
  private pending = 1;
  private hasFailed = false;
  private isCancelled = false;
  private wrapper: Wrapper | undefined;

  /** @internal */
  constructor(
    readonly socket: ObservedSocket,
    private readonly envelope: Envelope,
    private readonly publisher: { end(trace: HandlerTrace): void; error(trace: HandlerTrace): void },
  ) {}

  /** The event's name, or the pattern of a message of the microservice protocol, as text. The client chooses it. */
  get event(): string {
    const { event, packet } = this.envelope;
    return event ?? textOfPattern(packet?.pattern);
  }
  get id(): RequestId | undefined {
    return this.envelope.id;
  }
  /**
   * The metadata that the message carries beside its payload.
   *
   * @example
   * channel('nestjs-envelope.handler.start').subscribe((trace) => console.log((trace as HandlerTrace).meta));
   */
  get meta(): Readonly<Record<string, unknown>> {
    return this.envelope.meta ?? this.envelope.packet?.metadata ?? {};
  }
  /** Whether the event is a message of the microservice protocol. */
  get isPacket(): boolean {
    return this.envelope.packet !== undefined;
  }
  get outcome(): HandlerOutcome {
    if (this.code !== undefined) return 'refused';
    if (this.hasFailed) return 'error';
    if (this.isCancelled) return 'cancelled';
    return this.socket.connected ? 'ok' : 'abandoned';
  }

  /**
   * Wraps the handlers in a function, such as `AsyncLocalStorage.run`, so that they and their asynchronous work run in
   * its context. For subscribers of `handler.start`. `around` must call `run` synchronously and exactly once. The
   * wrapper of a later subscriber runs inside those of earlier ones.
   * @example
   * channel('nestjs-envelope.handler.start').subscribe((trace) =>
   *   (trace as HandlerTrace).runIn((run) => storage.run({ startedAt: Date.now() }, run)),
   * );
   */
  runIn(around: Wrapper): void {
    const outer = this.wrapper;
    this.wrapper = outer === undefined ? around : (run) => outer(() => around(run));
  }

  /** @internal Runs the handlers inside the wrappers. */
  run(work: () => void): void {
    if (this.wrapper === undefined) work();
    else this.wrapper(work);
  }

  /** @internal Sets the event name that its handler declares. The first handler counts. */
  setDeclared(declared: string): void {
    this.declared ??= declared;
  }

  /** @internal Adds a handler, which must call {@link release} when it ends. */
  hold(): void {
    this.pending++;
  }

  /** @internal Ends one handler; the last one ends the trace. */
  release(): void {
    if (--this.pending === 0) this.publisher.end(this);
  }

  /** @internal Sets why no handler received the event. */
  refuse(code: string): void {
    this.code ??= code;
  }

  /** @internal Notes that the client has cancelled the event. */
  cancel(): void {
    this.isCancelled = true;
  }

  /** @internal Sets the error, and publishes it. Only the first one counts. */
  fail(error: unknown): void {
    if (this.hasFailed || this.code !== undefined) return;
    this.hasFailed = true;
    this.error = error;
    this.publisher.error(this);
  }
}
