import { assertEmittable, isReserved } from '../protocol/reserved-events.js';
import type {
  AnswerOf,
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
  Untyped,
  WithTimeout,
} from '../protocol/typed-events.js';
import { mayComeBack, SILENT, type Ending } from './backoff.js';
import { Connection, type ConnectionState } from './connection.js';
import { callListener, Listeners, type AnyFunction } from './listeners.js';
import { DisconnectedError, type ConnectError } from './errors.js';
import { isRequestId, writeFrame, type Frame, type Hello } from './message.js';
import { deliver } from './event-delivery.js';
import type { Settings } from './options.js';
import { Outgoing } from './send-queue.js';

/** Why the line ended, in the words of Socket.IO's client. */
export type ClientDisconnectReason =
  'io client disconnect' | 'io server disconnect' | 'ping timeout' | 'transport close';

/** What a client tells of itself, beside the server's events. */
export interface LifecycleEvents {
  /** There is a line. `missed`: there was one before, and what was sent since is lost. */
  connect: (info: { missed: boolean }) => void;
  /** The line ended; `willReconnect`: the client comes back by itself. */
  disconnect: (
    reason: ClientDisconnectReason,
    details: { code: number; reason: string; willReconnect: boolean },
  ) => void;
  /** An attempt failed. */
  connect_error: (error: ConnectError) => void;
}

/** What arrives of an event: one payload, or the list of several; where it is a request, the callback behind that. */
type Arrived<Params extends unknown[]> = number extends Params['length']
  ? Params
  : Required<Params> extends [...infer Data, infer Answer extends (...args: never[]) => unknown]
    ? [...OnePayload<Data>, Answer]
    : OnePayload<Params>;
type OnePayload<Data extends unknown[]> = Required<Data> extends [] | [unknown] ? Data : [data: Data];

/** A listener of the server's event: what it returns answers the server, where that asked. */
export type Handler<Listen extends EventsMap, Event extends EventNames<Listen>> = (
  ...args: Arrived<EventParams<Listen, Event>>
) => unknown;

type ListenerOf<Listen extends EventsMap, Event extends string> = Event extends keyof LifecycleEvents
  ? LifecycleEvents[Event]
  : Event extends EventNames<Listen>
    ? Handler<Listen, Event>
    : never;

type Names<Listen extends EventsMap> = EventNames<Listen> | keyof LifecycleEvents;

/** How to send: what `socket.volatile` and `socket.timeout()` return. Immutable. */
export interface Emitter<Emit extends EventsMap> {
  /** @see ClientSocket.emit */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<Emit, Event>): boolean;
}

/** The same for one request that may take so long. */
export interface TimedEmitter<Emit extends EventsMap> extends Emitter<WithTimeout<Emit>> {
  /** @see ClientSocket.emitWithAck */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>>;
}

// no event of an application's begins like that
const ANY = '$any';
const STATE = '$state';

/**
 * A client of one path. It comes back by itself, to its session where the server keeps one, and speaks Socket.IO's
 * vocabulary: `emit`, `emitWithAck`, `timeout`, `volatile`, `on`, `onAny`.
 *
 * @typeParam Listen what the server emits
 * @typeParam Emit what this client emits
 */
export class ClientSocket<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
> {
  /** The socket's id on the server, while there is a line to one that tells. */
  id: string | undefined;
  /** Whether the line goes on with the session of the one before: same id, same rooms, nothing missed. */
  recovered = false;
  #wasConnected = false;
  readonly #listeners = new Listeners();
  readonly #connection: Connection;
  readonly #outgoing: Outgoing;
  readonly #settings: Settings;

  /** @internal */
  constructor(url: string, settings: Settings) {
    if (settings?.WebSocket === undefined)
      throw new TypeError('ClientSocket: settings is missing: make clients with connect(url)');
    this.#settings = settings;
    this.#connection = new Connection(url, settings, {
      turned: (state, before) => this.#tell(STATE, state, before),
      opened: (hello) => this.#opened(hello),
      took: (frame) => this.#take(frame),
      lost: (ending, willReconnect, isGoodbye) => this.#lost(ending, willReconnect, isGoodbye),
      failed: (error) => this.#failed(error),
    });
    this.#outgoing = new Outgoing(this.#connection, settings.maxQueued);
    // listeners that are added in this turn hear of everything
    if (settings.autoConnect) queueMicrotask(() => this.state === 'idle' && this.connect());
  }

  /** Where the connection stands: see `ConnectionState`. */
  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Whether the connection is open. */
  get connected(): boolean {
    return this.state === 'open';
  }

  /** Connects, or tries again at once where the client waits to; does nothing where it is connected already. */
  connect(): this {
    this.#connection.start();
    return this;
  }

  /** Says goodbye: the session ends, what waits to be sent is dropped, and the client does not come back by itself. */
  disconnect(): this {
    // before anybody hears of it, who may connect and send again
    this.#outgoing.close('disconnected');
    this.#connection.stop();
    return this;
  }

  /**
   * Sends an event. Several arguments arrive as a list. Without a line it waits for one, in the order of the calls.
   * A function as last argument gets the answer.
   *
   * @returns false where it was dropped: `maxQueued` messages wait, or the client is closed
   * @throws Error where the name is reserved, TypeError where JSON cannot carry the data: it names the place in it
   */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<Emit, Event>): boolean {
    return this.#send(event, args);
  }

  /**
   * Sends a request. Never hangs: it rejects when the line goes, or time is up.
   *
   * @throws (rejects) `RequestError` with the server's exception, `DisconnectedError`, Error after `ackTimeout`
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>> {
    return this.timeout(this.#settings.ackTimeout).emitWithAck(event, ...args);
  }

  /**
   * @param timeout milliseconds for the answer of one request; its callback then takes an error first
   * @throws TypeError on what is no number
   */
  timeout(timeout: number): TimedEmitter<Emit> {
    // a timer takes whatever is no number for no time at all
    if (typeof timeout !== 'number' || timeout !== timeout)
      throw new TypeError(`timeout is ${String(timeout)}: it takes a number of milliseconds`);
    return {
      emit: (event, ...args) => this.#send(event, args, timeout),
      emitWithAck: async (event, ...args) => {
        assertEmittable(event);
        return this.#request(event, args, timeout);
      },
    };
  }

  /** What is sent with it is dropped where there is no line, or the line is full. */
  get volatile(): Emitter<Emit> {
    return {
      emit: (event, ...args) => {
        assertEmittable(event);
        return this.#connection.isFree && this.#send(event, args);
      },
    };
  }

  /**
   * All values of a handler that returns a source of many. Leaving the loop, or the signal, ends the source. A stream does not
   * outlive its line: it throws then.
   */
  stream<Event extends EventNames<Emit>>(
    event: Event,
    data?: Untyped,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<AnswerOf<Emit, Event>> {
    assertEmittable(event);
    return this.#outgoing.stream(event, data === undefined ? [] : [data], signal);
  }

  /**
   * Shows the server fresh credentials, from `auth`, on the line that there is.
   *
   * @returns when the line ends now, by the server's clock, if it does: milliseconds since 1970
   * @throws (rejects) RequestError where its guards refuse them, which leaves everything as it was; DisconnectedError
   * where there is no line
   */
  async reauthenticate(): Promise<{ expiresAt?: number }> {
    const { auth, ackTimeout } = this.#settings;
    // the next line will have them from the beginning
    if (!this.connected) throw new DisconnectedError('there is no line');
    const shown = typeof auth === 'function' ? await auth() : auth;
    const data = typeof shown === 'string' ? { token: shown } : shown;
    return Object(await this.#request('$auth', [data], ackTimeout)) as { expiresAt?: number };
  }

  /** Listens to an event of the server's, or of {@link LifecycleEvents}. A request is answered with what it returns. */
  on<Event extends Names<Listen>>(event: Event, listener: ListenerOf<Listen, Event>): this {
    this.#listeners.add(event, listener as AnyFunction);
    return this;
  }

  /** The same for one time. */
  once<Event extends Names<Listen>>(event: Event, listener: ListenerOf<Listen, Event>): this {
    this.#listeners.add(event, listener as AnyFunction, true);
    return this;
  }

  /** Without a listener: all of that event. */
  off<Event extends Names<Listen>>(event: Event, listener?: ListenerOf<Listen, Event>): this {
    this.#listeners.remove(event, listener as AnyFunction | undefined);
    return this;
  }

  /** Listens to all events of the server's. */
  onAny(listener: (event: string, data: Untyped) => void): this {
    this.#listeners.add(ANY, listener as AnyFunction);
    return this;
  }

  /** Without a listener: all of them. */
  offAny(listener?: (event: string, data: Untyped) => void): this {
    this.#listeners.remove(ANY, listener as AnyFunction | undefined);
    return this;
  }

  /** @returns what ends that */
  onState(listener: (state: ConnectionState, before: ConnectionState) => void): () => void {
    this.#listeners.add(STATE, listener as AnyFunction);
    return () => this.#listeners.remove(STATE, listener as AnyFunction);
  }

  #send(event: string, args: readonly unknown[], timeout?: number): boolean {
    assertEmittable(event);
    const callback = args.at(-1);
    if (typeof callback !== 'function') return this.#outgoing.emit(event, args);
    const answered = (error: Error | null, data?: unknown): void => {
      if (timeout !== undefined) callListener(callback as AnyFunction, [error, data]);
      // as in Socket.IO, who sets no time hears of no failure
      else if (error === null) callListener(callback as AnyFunction, [data]);
    };
    return this.#outgoing.request(event, args.slice(0, -1), timeout ?? this.#settings.ackTimeout, answered);
  }

  #request(event: string, args: readonly unknown[], timeout: number): Promise<Untyped> {
    return new Promise((resolve, reject) => {
      this.#outgoing.request(event, args, timeout, (error, data) =>
        error === null ? resolve(data) : reject(error),
      );
    });
  }

  #opened({ id, recovered = false }: Hello): void {
    this.id = id;
    this.recovered = recovered;
    const missed = this.#wasConnected && !recovered;
    this.#wasConnected = true;
    // what waited was said before whatever a listener says now
    this.#outgoing.flush();
    const { line } = this.#connection;
    this.#tell(STATE, 'open', 'connecting');
    // whoever heard that may have left
    if (line === this.#connection.line) this.#tell('connect', { missed });
  }

  #take(frame: Frame): void {
    const { event, data, ack, id } = frame;
    if (ack !== undefined) return id === undefined ? this.#outgoing.settle(frame) : this.#refuseBoth(id);
    if (typeof event !== 'string' || isReserved(event)) return;
    this.#tell(ANY, event, data);
    const { line } = this.#connection;
    deliver(frame, this.#listeners.take(event), (text) => {
      if (line === this.#connection.line) this.#connection.send(text);
    });
  }

  /** A message is a request or an answer: one that is both is neither, and its `id` gets the answer. */
  #refuseBoth(id: unknown): void {
    if (!isRequestId(id)) return;
    const data = { status: 'error', message: 'a message must not have both id and ack' };
    this.#connection.send(writeFrame({ event: 'exception', data, ack: id }));
  }

  #lost(ending: Ending, willReconnect: boolean, isGoodbye: boolean): void {
    const { code, reason } = ending;
    this.id = undefined;
    const why = isGoodbye
      ? 'io client disconnect'
      : code === SILENT
        ? 'ping timeout'
        : mayComeBack(ending)
          ? 'transport close'
          : 'io server disconnect';
    const message = `the line is gone: ${reason || `${why}, ${code}`}`;
    if (willReconnect) this.#outgoing.fail(message);
    else this.#outgoing.close(message);
    this.#tell(STATE, this.state, 'open');
    // whoever heard that may have given up
    this.#tell('disconnect', why, { code, reason, willReconnect: willReconnect && this.state !== 'closed' });
  }

  #failed(error: ConnectError): void {
    if (!error.willReconnect) this.#outgoing.close(error.message);
    this.#tell(STATE, this.state, 'connecting');
    // whoever heard that may have given up
    error.willReconnect &&= this.state !== 'closed';
    this.#tell('connect_error', error);
  }

  #tell(event: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.take(event)) callListener(listener, args);
  }
}
