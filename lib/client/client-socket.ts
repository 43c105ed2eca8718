import { assertEmittable, isReserved } from '../protocol/reserved-events.js';
import type {
  AnswerOf,
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
  Untyped,
} from '../protocol/typed-events.js';
import { withCode } from '../protocol/with-code.js';
import type { CloseDetails } from './backoff.js';
import type {
  Emitter,
  ListenerNames,
  ListenerOf,
  StreamOptions,
  StreamParams,
  SubscribeParams,
  TimedEmitter,
} from './client-types.js';
import { Connection, type ConnectionState } from './connection.js';
import { callListener, Listeners, META, type AnyFunction } from './listeners.js';
import { disconnectReason } from './disconnect-reason.js';
import type { ConnectError } from './connect-error.js';
import type { Message, SessionInfo } from './message.js';
import { deliver, refuseBoth } from './event-delivery.js';
import type { Settings } from './options.js';
import { SendQueue } from './send-queue.js';
import { Renewal } from './renewal.js';
import { Sender } from './sender.js';
import type { Subscription } from './subscription.js';
import { Subscriptions } from './subscriptions.js';

// an application's event cannot begin with $
const ANY = '$any';
const STATE = '$state';

/**
 * A client of one path, made by `connect`. It reconnects automatically, and recovers its session if the server keeps sessions. Its
 * methods are those of Socket.IO's client: `emit`, `emitWithAck`, `timeout`, `volatile`, `on`, `onAny`.
 *
 * @example
 * const socket = connect<ServerToClient, ClientToServer>('wss://example.com/chat');
 * socket.on('connect', ({ missed }) => missed && reload());
 * socket.on('message', (text) => show(text));
 * socket.emit('say', 'hello');
 *
 * @typeParam Listen what the server emits
 * @typeParam Emit what this client emits
 */
export class ClientSocket<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
> {
  /** The id of the socket on the server. `undefined` while not connected, and if the server does not speak `envelope.v1`. */
  id: string | undefined;
  /** Whether the connection continues the previous session: same id, same rooms, no missed events. */
  recovered = false;
  /** @internal What the server can do; `undefined`: it does not speak `envelope.v1`. */
  _features: readonly unknown[] | undefined;
  #wasConnected = false;
  readonly #listeners = new Listeners();
  readonly #connection: Connection;
  readonly #queue: SendQueue;
  /** @internal */
  readonly _sender: Sender<Emit>;
  readonly #subscriptions: Subscriptions;
  readonly #renewal: Renewal;
  readonly #settings: Settings;

  /** @internal */
  constructor(url: string, settings: Settings) {
    if (settings?.WebSocket === undefined)
      throw withCode(
        'ERR_ENVELOPE_ILLEGAL_CONSTRUCTOR',
        new TypeError('ClientSocket: settings is missing: create clients with connect(url)'),
      );
    this.#settings = settings;
    this.#connection = new Connection(url, settings, {
      stateChanged: (state, before) => this.#notify(STATE, state, before),
      opened: (session) => this.#opened(session),
      received: (message) => this.#receive(message),
      lost: (details, willReconnect, isLocal) => this.#lost(details, willReconnect, isLocal),
      failed: (error) => this.#failed(error),
    });
    this.#queue = new SendQueue(this.#connection, settings.maxQueued);
    this._sender = new Sender(this.#queue, settings.ackTimeout);
    this.#subscriptions = new Subscriptions(this.#connection, this.#queue, settings);
    this.#renewal = new Renewal(this.#connection, (data) => this.#authenticate(data), settings);
    // listeners that the caller adds synchronously receive every event
    if (settings.autoConnect) queueMicrotask(() => this.state === 'idle' && this.connect());
  }

  /** The state of the connection; see `ConnectionState`. */
  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Whether the connection is open. */
  get connected(): boolean {
    return this.state === 'open';
  }

  /** What carries the messages; see the option `transports`. `undefined` while not connected. */
  get transport(): string | undefined {
    return this.#connection.transport;
  }

  /** Connects now, also if the client waits for its next attempt. Does nothing while connecting or open. @example socket.connect(); */
  connect(): this {
    this.#connection.start();
    return this;
  }

  /** Disconnects until `connect()`: ends the session, and drops queued messages. @example socket.disconnect(); */
  disconnect(): this {
    // before listeners run, which may connect and send again
    this.#queue.close('disconnected');
    this.#connection.stop();
    return this;
  }

  /**
   * Sends an event. Several arguments arrive as a list. While the client is not connected, the event is queued, in the order of the
   * calls. If the last argument is a function, the event is a request, and the function receives the answer; without
   * `timeout()` it does not run if the request fails, as in Socket.IO.
   * @returns `false` if the event was dropped, because `maxQueued` messages are queued or the client is closed
   * @throws Error if the name is empty or reserved; TypeError, which names the place, if JSON cannot carry the data
   * @example socket.emit('say', 'hello');
   */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<Emit, Event>): boolean {
    return this._sender.send(event, args);
  }

  /**
   * Sends a request and resolves to its answer. It rejects after `ackTimeout`, or as soon as the connection ends.
   *
   * @example
   * const { id } = await socket.emitWithAck('say', 'hello');
   *
   * @throws (rejects) `RequestError` with the server's exception, `DisconnectedError`, or `TimeoutError` after `ackTimeout`; as
   * `emit`, if the name is reserved or JSON cannot carry the data
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>> {
    return this._sender.timed(this.#settings.ackTimeout).emitWithAck(event, ...args);
  }

  /**
   * Sets the timeout of one request, in milliseconds. A callback of `emit` then receives an error as its first argument, as in
   * Socket.IO.
   *
   * @example
   * socket.timeout(1_000).emit('say', 'hello', (error: Error | null, answer?: string) => show(error ?? answer));
   *
   * @throws TypeError if `timeout` is not a number
   */
  timeout(timeout: number): TimedEmitter<Emit> {
    return this._sender.timed(timeout);
  }

  /**
   * Lets a signal cancel one request: it rejects with the signal's `reason`, and the client sends `$cancel`. The request
   * still has a timeout, `ackTimeout` or that of `timeout(ms).signal(signal)`.
   *
   * @example
   * const report = await socket.signal(controller.signal).emitWithAck('report', range);
   *
   * @throws TypeError if `signal` is not an `AbortSignal`
   */
  signal(signal: AbortSignal): TimedEmitter<Emit> {
    return this._sender.timed(this.#settings.ackTimeout).signal(signal);
  }

  /** Drops the event unless it is connected, with at most 64 KiB buffered. @example socket.volatile.emit('position', { x: 1 }); */
  get volatile(): Emitter<Emit> {
    return {
      emit: (event, ...args) => {
        assertEmittable(event);
        return this.#connection.isFree && this._sender.send(event, args);
      },
    };
  }

  /**
   * Requests all values of a handler that returns an Observable or an async iterable. Leaving the loop, or aborting `signal`,
   * cancels the handler's source. A stream ends with its connection: the iterator then throws a `DisconnectedError`. It also
   * throws if the reader falls 10,000 values behind.
   *
   * @example
   * for await (const price of socket.stream('prices', 'EUR')) show(price);
   *
   * @throws Error if the name is empty or reserved; TypeError, which names the place, if JSON cannot carry the data
   */
  stream<Event extends EventNames<Emit>>(
    event: Event,
    ...params: StreamParams<Emit, Event>
  ): AsyncIterableIterator<AnswerOf<Emit, Event>> {
    const [data, options] = params as [data?: unknown, options?: StreamOptions];
    assertEmittable(event);
    return this.#queue.stream(event, data === undefined ? [] : [data], options?.signal);
  }

  /**
   * Subscribes to what an ordinary handler of the server starts: the client requests `event`, and requests it again on each
   * connection that did not recover the session. Subscriptions of the same event and data share one request.
   *
   * @example
   * const order = socket.subscribe('order.watch', { id: 7 }, { leave: 'order.unwatch' });
   * order.onAnswer((snapshot) => render(snapshot));
   *
   * @throws Error if a name is empty or reserved, or the client holds `maxSubscriptions` others; TypeError, which names the place, if
   * JSON cannot carry the data
   */
  subscribe<Event extends EventNames<Emit>>(
    event: Event,
    ...[data, options]: SubscribeParams<Emit, Event>
  ): Subscription<AnswerOf<Emit, Event>> {
    return this.#subscriptions.add(event, data, options);
  }

  /**
   * Sends fresh credentials, from the option `auth`, on the open connection. If `auth` is a function, the client does so itself
   * before its credentials expire.
   * @returns `expiresAt`: when the connection expires now, by the server's clock, in milliseconds since 1970; absent if it does not
   * expire
   * @throws (rejects) `RequestError` if the server's guards refuse the credentials, which leaves the connection unchanged;
   * `DisconnectedError` if the client is not connected
   * @example const { expiresAt } = await socket.reauthenticate();
   */
  reauthenticate(): Promise<{ expiresAt?: number }> {
    return this.#renewal.renew();
  }

  /**
   * Adds a listener of a server event, or of one of the {@link LifecycleEvents}. If the event is a request, the value that the
   * listener returns or resolves to answers it.
   * @throws TypeError if the event is not a string or the listener is not a function
   * @example socket.on('where are you?', () => ({ x: 1 }));
   */
  on<Event extends ListenerNames<Listen>>(event: Event, listener: ListenerOf<Listen, Event>): this {
    this.#listeners.add(event, listener as AnyFunction);
    return this;
  }

  /** Adds a listener for one call; see `on`. @example socket.once('connect', () => console.log('connected')); */
  once<Event extends ListenerNames<Listen>>(event: Event, listener: ListenerOf<Listen, Event>): this {
    this.#listeners.add(event, listener as AnyFunction, true);
    return this;
  }

  /** Removes a listener, or all listeners of the event if no listener is given. @example socket.off('said', onSaid); */
  off<Event extends ListenerNames<Listen>>(event: Event, listener?: ListenerOf<Listen, Event>): this {
    this.#listeners.remove(event, listener as AnyFunction | undefined);
    return this;
  }

  /** Adds a listener of all server events, which runs first. @example socket.onAny((event, data) => console.log(event, data)); */
  onAny(listener: (event: string, data: Untyped) => void): this {
    this.#listeners.add(ANY, listener as AnyFunction);
    return this;
  }

  /** Removes a listener that `onAny` added, or all of them if no listener is given. @example socket.offAny(); */
  offAny(listener?: (event: string, data: Untyped) => void): this {
    this.#listeners.remove(ANY, listener as AnyFunction | undefined);
    return this;
  }

  /** Adds a listener of state changes, and returns its removal. @example const stop = socket.onState((state) => show(state)); */
  onState(listener: (state: ConnectionState, before: ConnectionState) => void): () => void {
    this.#listeners.add(STATE, listener as AnyFunction);
    return () => this.#listeners.remove(STATE, listener as AnyFunction);
  }

  async #authenticate(data: unknown): Promise<unknown> {
    const answer: unknown = await this._sender.request('$auth', [data]);
    this.#subscriptions.retryRefused();
    return answer;
  }

  #opened(session: SessionInfo): void {
    const { id, recovered = false } = session;
    this._features = session.features;
    this.#renewal.opened(session);
    this.id = id;
    this.recovered = recovered;
    const missed = this.#wasConnected && !recovered;
    this.#wasConnected = true;
    // a queued message may cause events of a subscription
    this.#subscriptions.opened(recovered);
    // queued messages precede those that a listener sends now
    this.#queue.flush();
    const { openSocket } = this.#connection;
    this.#notify(STATE, 'open', 'connecting');
    // a state listener may have disconnected
    if (openSocket === this.#connection.openSocket) this.#notify('connect', { missed });
  }

  #receive(message: Message): void {
    const { event, data, ack, id, meta } = message;
    if (meta !== undefined) this.#notify(META, meta);
    if (ack !== undefined)
      return id === undefined ? this.#queue.settle(message) : refuseBoth(id, this.#connection);
    if (typeof event !== 'string' || isReserved(event)) return;
    this.#notify(ANY, event, data);
    const { openSocket } = this.#connection;
    deliver(message, this.#listeners.take(event), this.#connection.write, (answer) => {
      if (openSocket === this.#connection.openSocket) this.#connection.send(answer);
    });
  }

  #lost(details: CloseDetails, willReconnect: boolean, isLocal: boolean): void {
    const { code, reason } = details;
    this.id = undefined;
    const cause = disconnectReason(details, isLocal);
    const message = `connection lost: ${reason || `${cause}, ${code}`}`;
    if (willReconnect) this.#queue.fail(message);
    else this.#queue.close(message);
    this.#subscriptions.lost();
    this.#renewal.stop();
    this.#notify(STATE, this.state, 'open');
    // a state listener may have called disconnect()
    this.#notify('disconnect', cause, {
      code,
      reason,
      willReconnect: willReconnect && this.state !== 'closed',
    });
  }

  #failed(error: ConnectError): void {
    if (!error.willReconnect) this.#queue.close(error.message);
    this.#notify(STATE, this.state, 'connecting');
    // a state listener may have called disconnect()
    error.willReconnect &&= this.state !== 'closed';
    this.#notify('connect_error', error);
  }

  #notify(event: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.take(event)) callListener(listener, args);
  }
}
