import type { IncomingMessage } from 'node:http';
import type { Adapter } from 'socket.io-adapter';
import type {
  AnswerOf,
  EventNames,
  EventParams,
  EventsMap,
  Listener,
  RequestParams,
  Untyped,
  WithManyAnswers,
} from '../../protocol/typed-events.js';
import { assertCarried } from '../../protocol/payload.js';
import { withCode } from '../../protocol/with-code.js';
import { assertEventName } from '../util/arguments.js';
import { callSafely, UserEvents } from '../util/safe-call.js';
import { serverSideEmit } from '../rooms/server-side-emit.js';

/** For what a server itself emits, and its emitter: no other node may. */
const RESERVED_ON_SERVER: ReadonlySet<string> = new Set([
  'connect',
  'connection',
  'new_namespace',
  'newListener',
  'removeListener',
]);
/** The same, and the names for what this package's nodes tell each other. */
function isReserved(event: string): boolean {
  return RESERVED_ON_SERVER.has(event) || event.startsWith('$');
}

/** What a server listens to: its connections, and the servers of the same path on other nodes. */
export abstract class ServerEvents<Client, Server, ServerSide extends EventsMap> {
  /** The rooms: an adapter of Socket.IO's contract. */
  abstract get adapter(): Adapter;
  /** @internal */
  abstract _report(error: unknown, where: string): void;
  protected readonly events = new UserEvents((error, event) =>
    this._report(error, `a listener of "${event}" threw`),
  ).setMaxListeners(0);
  /** @internal What comes from other nodes under a name of this package's own. */
  readonly _internalListeners = new Map<string, (...values: unknown[]) => void>();

  /**
   * Sends an event to the servers of the same path on the other nodes; a last function gets `(error, answers)`.
   *
   * @throws Error on a reserved event name, TypeError where JSON cannot carry an argument
   */
  serverSideEmit<Event extends EventNames<ServerSide>>(
    event: Event,
    ...args: EventParams<WithManyAnswers<ServerSide>, Event>
  ): boolean {
    assertEventName('EnvelopeServer.serverSideEmit', event);
    if (isReserved(event))
      throw withCode('ERR_ENVELOPE_RESERVED_EVENT', new Error(`"${event}" is a reserved event name`));
    const values: readonly unknown[] = typeof args.at(-1) === 'function' ? args.slice(0, -1) : args;
    assertCarried(values.length > 1 ? values : values[0], event);
    const report = (error: unknown): void => this._report(error, `"${event}" to the other nodes failed`);
    serverSideEmit(this.adapter, event, args, report);
    return true;
  }
  /** Asks the servers of the same path on the other nodes. */
  serverSideEmitWithAck<Event extends EventNames<ServerSide>>(
    event: Event,
    ...args: RequestParams<ServerSide, Event>
  ): Promise<AnswerOf<ServerSide, Event>[]> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, answers: AnswerOf<ServerSide, Event>[]): void =>
        error === null ? resolve(answers) : reject(Object.assign(error, { responses: answers }));
      this.serverSideEmit(event, ...([...args, done] as Untyped));
    });
  }

  /** Listens for `connection` (or `connect`), and for what other nodes send with {@link serverSideEmit}. */
  on(event: 'connection' | 'connect', listener: (socket: Client, request: IncomingMessage) => void): this;
  on(event: 'new_namespace', listener: (server: Server) => void): this;
  on<Event extends EventNames<ServerSide>>(event: Event, listener: Listener<ServerSide, Event>): this;
  on(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).on(event, listener);
    return this;
  }
  /** Listens as {@link on}, for one time. */
  once(event: 'connection' | 'connect', listener: (socket: Client, request: IncomingMessage) => void): this;
  once(event: string, listener: (...args: Untyped[]) => void): this;
  once(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).once(event, listener);
    return this;
  }
  /** Ends what {@link on} and {@link once} began. @throws TypeError without an event or a listener */
  off(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).off(event, listener);
    return this;
  }
  /** The same as {@link on}. */
  addListener(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).on(event, listener);
    return this;
  }
  /** The same as {@link off}. */
  removeListener(event: string, listener: (...args: Untyped[]) => void): this {
    return this.off(event, listener);
  }
  /** As in Socket.IO, Nest's own listener of `connection` goes with the others: the gateways then hear of no new client. */
  removeAllListeners(event?: string): this {
    if (event === undefined) this.events.removeAllListeners();
    else this.events.removeAllListeners(event);
    return this;
  }
  /** The listeners of one event. */
  listeners(event: string): ((...args: Untyped[]) => void)[] {
    return this.emitterOf(event).listeners(event) as ((...args: Untyped[]) => void)[];
  }
  /** How many listeners one event has. */
  listenerCount(event: string): number {
    return this.emitterOf(event).listenerCount(event);
  }
  /** The names of the events that have listeners. */
  eventNames(): string[] {
    return this.events.eventNames() as string[];
  }
  /** Does nothing: there is no limit. */
  setMaxListeners(_count: number): this {
    return this;
  }

  /** @internal Clients are let in once somebody listens for them: Nest makes servers that nobody ends up using. */
  get _isUsed(): boolean {
    return this.events.listenerCount('connection') + this.events.listenerCount('connect') > 0;
  }
  private emitterOf(event: string): UserEvents {
    assertEventName('EnvelopeServer', event);
    return this.events;
  }

  /** @internal Another node sent this: what nobody listens to is dropped, and so is what no node may send. */
  _onServerSideEmit(args: unknown): void {
    const [event, ...values]: unknown[] = Array.isArray(args) ? args : [];
    if (typeof event !== 'string') return;
    if (isReserved(event)) return this._internalListeners.get(event)?.(...values);
    if (this.events.listenerCount(event) === 0) return;
    const answer = values.at(-1);
    if (typeof answer === 'function')
      values[values.length - 1] = (...given: unknown[]): void => {
        assertCarried(given[0], event);
        Reflect.apply(answer, undefined, given);
      };
    callSafely(
      () => this.events.emit(event, ...values),
      (error) => this._report(error, `a listener of "${event}" threw`),
    );
  }
  /** @internal */
  _emitNamespace(child: Server): void {
    callSafely(
      () => this.events.emit('new_namespace', child),
      (error) => this._report(error, 'a listener of "new_namespace" threw'),
    );
  }
}
