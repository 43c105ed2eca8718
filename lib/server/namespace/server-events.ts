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
import { assertEventName, assertFunction } from '../util/arguments.js';
import { callSafely } from '../util/safe-call.js';
import { UserEvents } from '../util/user-events.js';
import { concatMiddlewares, type ConnectionListeners, type ServerMiddleware } from './admission.js';
import type { ErrorSource } from '../diagnostics/types.js';
import type { ClientEvents } from '../rooms/adapter-types.js';
import { serverSideEmit } from '../rooms/server-side-emit.js';

/** Events of the server and of its emitter, which other nodes must not emit. */
const RESERVED_ON_SERVER: ReadonlySet<string> = new Set([
  'connect',
  'connection',
  'new_namespace',
  'newListener',
  'removeListener',
]);
/** Returns whether an event is reserved. The names with `$` are for the messages between nodes of this package. */
function isReserved(event: string): boolean {
  return RESERVED_ON_SERVER.has(event) || event.startsWith('$');
}

/**
 * What applications add to a server: listeners for connections, and connection middlewares. Exchanges events with the servers of
 * the same path on other nodes.
 */
export abstract class ServerEvents<Client, Server, ServerSide extends EventsMap> {
  /** The adapter that manages the rooms, with the interface of Socket.IO's adapters. */
  abstract get adapter(): Adapter;
  /** @internal */
  abstract _report(error: unknown, where: string, source?: ErrorSource): void;
  protected readonly events = new UserEvents((error, event) =>
    this._report(error, `a listener of "${event}" threw`),
  ).setMaxListeners(0);
  /** @internal Listeners for the messages between nodes of this package, by event. */
  readonly _internalListeners = new Map<string, (...values: unknown[]) => void>();
  /** @internal */
  readonly _clientEvents: ClientEvents = new Map();
  private readonly middlewares: ServerMiddleware<Client>[] = [];

  /**
   * Adds a connection middleware, as in Socket.IO. It calls `next()` to accept a client, or `next(error)` to refuse it:
   * the client then gets an exception, and its connection is closed with 1008.
   *
   * @throws TypeError unless the middleware is a function
   * @example
   * server.use((client, next) => next(isOpen() ? undefined : closedError));
   */
  use(middleware: ServerMiddleware<Client>): this {
    assertFunction('EnvelopeServer.use', 'middleware', middleware);
    this.middlewares.push(middleware);
    return this;
  }

  /**
   * Emits an event on the servers of the same path on all other nodes, as in Socket.IO. If the last argument is a
   * function, it is called with `(error, responses)`.
   *
   * @throws Error on a reserved event name, TypeError on an argument that JSON cannot carry
   * @example
   * server.on('reload', () => config.reload());
   * server.serverSideEmit('reload');
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
    const report = (error: unknown): void =>
      this._report(error, `sending "${event}" to the other nodes failed`);
    serverSideEmit(this.adapter, event, args, report);
    return true;
  }
  /**
   * Sends a request to the servers of the same path on all other nodes, and resolves with their responses, as in
   * Socket.IO.
   *
   * @throws (rejects) Error after the timeout of the adapter (default: 5 seconds), with the responses received so far
   * as `responses`
   * @example const loads = await server.serverSideEmitWithAck('load?');
   */
  serverSideEmitWithAck<Event extends EventNames<ServerSide>>(
    event: Event,
    ...args: RequestParams<ServerSide, Event>
  ): Promise<AnswerOf<ServerSide, Event>[]> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, responses: AnswerOf<ServerSide, Event>[]): void =>
        error === null ? resolve(responses) : reject(Object.assign(error, { responses }));
      this.serverSideEmit(event, ...([...args, done] as Untyped));
    });
  }

  /**
   * Adds a listener for `connection` (or `connect`), for `new_namespace`, or for events that other nodes send with
   * {@link serverSideEmit}.
   *
   * @throws TypeError without an event or a listener
   * @example server.on('connection', (client) => client.emit('welcome', client.id));
   */
  on(event: 'connection' | 'connect', listener: (socket: Client, request: IncomingMessage) => void): this;
  on(event: 'new_namespace', listener: (server: Server) => void): this;
  on<Event extends EventNames<ServerSide>>(event: Event, listener: Listener<ServerSide, Event>): this;
  on(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).on(event, listener);
    return this;
  }
  /**
   * Adds a listener like {@link on}, and removes it after its first call.
   *
   * @example
   * server.once('connection', () => console.log('the first client'));
   */
  once(event: 'connection' | 'connect', listener: (socket: Client, request: IncomingMessage) => void): this;
  once(event: string, listener: (...args: Untyped[]) => void): this;
  once(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).once(event, listener);
    return this;
  }
  /**
   * Removes a listener that {@link on} or {@link once} added. @throws TypeError without an event or a listener
   *
   * @example
   * server.off('reload', onReload);
   */
  off(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).off(event, listener);
    return this;
  }
  /** An alias of {@link on}. @example server.addListener('reload', onReload); */
  addListener(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).on(event, listener);
    return this;
  }
  /** An alias of {@link off}. @example server.removeListener('reload', onReload); */
  removeListener(event: string, listener: (...args: Untyped[]) => void): this {
    return this.off(event, listener);
  }
  /**
   * Removes all listeners, or those of one event. As in Socket.IO, that includes Nest's listener for `connection`:
   * gateways then handle no new client.
   * @example server.removeAllListeners('reload');
   */
  removeAllListeners(event?: string): this {
    if (event === undefined) this.events.removeAllListeners();
    else this.events.removeAllListeners(event);
    return this;
  }
  /** Returns the listeners of one event. @example const [first] = server.listeners('reload'); */
  listeners(event: string): ((...args: Untyped[]) => void)[] {
    return this.emitterOf(event).listeners(event) as ((...args: Untyped[]) => void)[];
  }
  /**
   * Returns the number of listeners of one event.
   *
   * @example if (server.listenerCount('reload') === 0) server.on('reload', onReload);
   */
  listenerCount(event: string): number {
    return this.emitterOf(event).listenerCount(event);
  }
  /**
   * Returns the names of the events that have listeners.
   *
   * @example console.log(server.eventNames()); // ['connection', 'reload']
   */
  eventNames(): string[] {
    return this.events.eventNames() as string[];
  }
  /** Does nothing, since the number of listeners is not limited. @example server.setMaxListeners(50); */
  setMaxListeners(_count: number): this {
    return this;
  }

  /**
   * @internal Whether the server has a listener for connections. Without one, it accepts no clients: Nest creates
   * servers that no gateway uses.
   */
  get _isUsed(): boolean {
    return this.events.listenerCount('connection') + this.events.listenerCount('connect') > 0;
  }
  /**
   * Returns the listeners for `connection` and `connect`, after those of the RegExp namespace that the server belongs
   * to.
   */
  protected connectionListeners(inherited: ConnectionListeners | undefined): ConnectionListeners {
    const { events } = this;
    const own = events.rawListeners('connection') as ((...args: unknown[]) => void)[];
    // called for each connection: most servers have no other listeners
    if (inherited === undefined && events.listenerCount('connect') === 0) return own;
    const aliased = events.rawListeners('connect') as ((...args: unknown[]) => void)[];
    return [...(inherited ?? []), ...own, ...aliased];
  }
  /** Returns the connection middlewares, after those of the RegExp namespace that the server belongs to. */
  protected connectionMiddlewares(
    inherited: readonly ServerMiddleware<Client>[] | undefined,
  ): readonly ServerMiddleware<Client>[] {
    return concatMiddlewares(inherited, this.middlewares);
  }
  private emitterOf(event: string): UserEvents {
    assertEventName('EnvelopeServer', event);
    return this.events;
  }

  /** @internal Handles an event of another node. Drops it if it has no listener, or an unknown reserved name. */
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
  /** @internal Emits `new_namespace` with a new child of this RegExp namespace. */
  _emitNamespace(child: Server): void {
    callSafely(
      () => this.events.emit('new_namespace', child),
      (error) => this._report(error, 'a listener of "new_namespace" threw'),
    );
  }
}
