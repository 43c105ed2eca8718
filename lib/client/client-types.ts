import type {
  AnswerOf,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
  Untyped,
  WithTimeout,
} from '../protocol/typed-events.js';
import type { ConnectError } from './connect-error.js';

/** Why the connection ended. The reasons are those of Socket.IO's client. */
export type ClientDisconnectReason =
  'io client disconnect' | 'io server disconnect' | 'ping timeout' | 'transport close';

/** Events that the client emits about its connection, besides the events of the server. */
export interface LifecycleEvents {
  /**
   * The connection is open. `missed` is `true` after a reconnect that did not recover the session: what the server emitted
   * meanwhile is lost.
   */
  connect: (info: { missed: boolean }) => void;
  /** The connection ended. `willReconnect` says whether the client reconnects automatically. */
  disconnect: (
    reason: ClientDisconnectReason,
    details: { code: number; reason: string; willReconnect: boolean },
  ) => void;
  /** An attempt to connect failed. */
  connect_error: (error: ConnectError) => void;
}

/** Arguments of a listener: one payload, or the list of several. A request adds the callback as the last argument. */
type Arguments<Params extends unknown[]> = number extends Params['length']
  ? Params
  : Required<Params> extends [...infer Data, infer Answer extends (...args: never[]) => unknown]
    ? [...OnePayload<Data>, Answer]
    : OnePayload<Params>;
type OnePayload<Data extends unknown[]> = Required<Data> extends [] | [unknown] ? Data : [data: Data];

/** A listener of a server event. If the event is a request, the value that the listener returns or resolves to answers it. */
export type Handler<Listen extends EventsMap, Event extends EventNames<Listen>> = (
  ...args: Arguments<EventParams<Listen, Event>>
) => unknown;

/** The signature of a listener of a server event or a lifecycle event. */
export type ListenerOf<Listen extends EventsMap, Event extends string> = Event extends keyof LifecycleEvents
  ? LifecycleEvents[Event]
  : Event extends EventNames<Listen>
    ? Handler<Listen, Event>
    : never;

/** The events that `on` accepts. */
export type ListenerNames<Listen extends EventsMap> = EventNames<Listen> | keyof LifecycleEvents;

/** The arguments of `subscribe` after the event: its data, which is a list if the event has several arguments, and the options. */
export type SubscribeParams<Emit extends EventsMap, Event extends EventNames<Emit>> = DataAndOptions<
  RequestParams<Emit, Event>,
  SubscribeOptions<Emit>
>;
type DataAndOptions<Data extends unknown[], Options> = number extends Data['length']
  ? [data?: Untyped, options?: Options]
  : Data extends []
    ? [data?: undefined, options?: Options]
    : [] extends Data
      ? [data?: OnePayload<Data>[0], options?: Options]
      : [data: OnePayload<Data>[0], options?: Options];

/**
 * The arguments of `stream` after the event: its data, which is a list if the event has several arguments, and the options. A map
 * may leave the callback of a stream out: then any data is accepted.
 */
export type StreamParams<Emit extends EventsMap, Event extends EventNames<Emit>> = DataAndOptions<
  [RequestParams<Emit, Event>] extends [never] ? [data?: Untyped] : RequestParams<Emit, Event>,
  StreamOptions
>;

/** Options of one stream. */
export interface StreamOptions {
  /** Cancels the handler's source when it aborts. Default: none. */
  signal?: AbortSignal | undefined;
}

/** Options of one subscription. */
interface SubscribeOptions<Emit extends EventsMap> {
  /** The event that the client sends with the same data when the last subscription is stopped. Default: none. */
  leave?: EventNames<Emit> | undefined;
  /**
   * Called before each request: what it returns is sent as the field `after` of the data, for a handler that joins a room with
   * `client.join(room, { after })`. See `history` of `nestjs-envelope/client/history`. Default: none.
   */
  after?: (() => string | undefined) | undefined;
}

/** Emits events in one mode. `socket.volatile` and `socket.timeout()` return one. Immutable. */
export interface Emitter<Emit extends EventsMap> {
  /** @see ClientSocket.emit @example socket.volatile.emit('position', { x: 1 }); */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<Emit, Event>): boolean;
}

/** Emits requests with a timeout. `socket.timeout()` and `socket.signal()` return one. Immutable. */
export interface TimedEmitter<Emit extends EventsMap> extends Emitter<WithTimeout<Emit>> {
  /** @see ClientSocket.emitWithAck @example const { id } = await socket.timeout(1_000).emitWithAck('say', 'hello'); */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>>;
  /**
   * @see ClientSocket.signal
   *
   * @example
   * const report = await socket.timeout(60_000).signal(controller.signal).emitWithAck('report', range);
   */
  signal(signal: AbortSignal): TimedEmitter<Emit>;
}
