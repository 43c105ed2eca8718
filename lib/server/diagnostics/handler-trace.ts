import type { Envelope, RequestId } from '../../protocol/envelope.js';
import { textOfPattern } from '../../protocol/microservice-packet.js';
import type { ObservedSocket } from './types.js';

/** What became of an event. `abandoned`: its client had gone before. */
export type HandlerOutcome = 'ok' | 'error' | 'refused' | 'abandoned';

type Around = (run: () => void) => void;

/** One event on its way through the middlewares of its socket and its handlers, to the end of the last of them. */
export class HandlerTrace {
  /** When its way began, before the middlewares of its socket, by `performance.now()`. */
  readonly startedAt = performance.now();
  /** What a handler threw, or what its request was answered with; the first, where there are several. */
  error: unknown;
  /** Why it was refused before a handler saw it: a code of PROTOCOL.md. */
  code: string | undefined;
  /** The event as the handler that took it declares it, once one has: unlike `event`, no word of the client's own. */
  declared: string | undefined;
  private open = 1;
  private hasFailed = false;
  private around: Around | undefined;

  /** @internal */
  constructor(
    readonly socket: ObservedSocket,
    private readonly envelope: Envelope,
    private readonly told: { end(trace: HandlerTrace): void; error(trace: HandlerTrace): void },
  ) {}

  /** The event's name, or the pattern of a message of the microservice protocol, as text. The client's choice. */
  get event(): string {
    const { event, packet } = this.envelope;
    return event ?? textOfPattern(packet?.pattern);
  }
  get id(): RequestId | undefined {
    return this.envelope.id;
  }
  /** What travels beside the payload. */
  get meta(): Readonly<Record<string, unknown>> {
    return this.envelope.meta ?? this.envelope.packet?.metadata ?? {};
  }
  /** Whether it is a message of the microservice protocol. */
  get isPacket(): boolean {
    return this.envelope.packet !== undefined;
  }
  get outcome(): HandlerOutcome {
    if (this.code !== undefined) return 'refused';
    if (this.hasFailed) return 'error';
    return this.socket.connected ? 'ok' : 'abandoned';
  }

  /**
   * For whoever hears of the start: `around` runs the handlers, and what it enters is theirs, asynchronous work included.
   * It has to call `run`, at once and once. Where several ask for that, each runs within those before.
   */
  runIn(around: Around): void {
    const outer = this.around;
    this.around = outer === undefined ? around : (run) => outer(() => around(run));
  }

  /** @internal */
  run(work: () => void): void {
    if (this.around === undefined) work();
    else this.around(work);
  }

  /** @internal */
  take(declared: string): void {
    this.declared ??= declared;
  }

  /** @internal One more works on it. */
  hold(): void {
    this.open++;
  }

  /** @internal */
  release(): void {
    if (--this.open === 0) this.told.end(this);
  }

  /** @internal No handler saw it. */
  refuse(code: string): void {
    this.code ??= code;
  }

  /** @internal */
  fail(error: unknown): void {
    if (this.hasFailed || this.code !== undefined) return;
    this.hasFailed = true;
    this.error = error;
    this.told.error(this);
  }
}
