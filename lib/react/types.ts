import type { ReactElement, ReactNode } from 'react';
import type { ClientSocket } from '../client/client-socket.js';
import type { Handler, ListenerNames, ListenerOf } from '../client/client-types.js';
import type { ConnectionState } from '../client/connection.js';
import type { ClientOptions } from '../client/options.js';
import type { HistoryEvents, HistoryResult } from './history-types.js';
import type { OtherState, RoomStates } from '../client/states.js';
import type { SubscriptionState } from '../client/subscription.js';
import type {
  AnswerOf,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
  Untyped,
} from '../protocol/typed-events.js';

/** Properties of `EnvelopeProvider`: the URL of a server, or a client that the application made. */
export type EnvelopeProviderProps<Listen extends EventsMap, Emit extends EventsMap> = {
  children?: ReactNode;
} & (UrlProps | SocketProps<Listen, Emit>);

/** The provider connects, and shares the connection with all providers of the same URL and credentials. */
interface UrlProps {
  /** `wss://host/path`. `https:` works too, and a path alone. Another URL is another connection. */
  url: string | URL;
  /**
   * Credentials, as of `connect`. Other credentials are another connection. A function is called before every attempt to connect;
   * replacing it by another function keeps the connection, so it may be written in place.
   */
  auth?: ClientOptions['auth'];
  /** Further options of `connect`. The first provider of a connection decides; later changes have no effect. */
  options?: Omit<ClientOptions, 'auth'> | undefined;
  socket?: undefined;
}

/** The application connects and disconnects. */
interface SocketProps<Listen extends EventsMap, Emit extends EventsMap> {
  /** A client of `connect`, or of a generated function. The provider neither connects nor disconnects it. */
  socket: ClientSocket<Listen, Emit>;
  url?: undefined;
  auth?: undefined;
  options?: undefined;
}

/** Options of {@link EnvelopeHooks.useRequest}. */
export interface RequestOptions {
  /** If `false`, nothing is requested. Default: `true`. */
  enabled?: boolean | undefined;
  /** Timeout in milliseconds. Default: the option `ackTimeout` of the client. */
  timeout?: number | undefined;
}

/** The result of {@link EnvelopeHooks.useRequest}. */
export interface RequestResult<Answer> {
  /** The answer to this event and data. `undefined` before the first one. */
  readonly data: Answer | undefined;
  /** Why the last request failed: `RequestError`, `TimeoutError` or `DisconnectedError`. */
  readonly error: Error | undefined;
  /** Whether a request is under way, or waits for the connection. */
  readonly isPending: boolean;
  /** Requests again. The same function in every render. */
  readonly refetch: () => void;
}

/** Options of {@link EnvelopeHooks.useSubscription}. */
export interface SubscriptionOptions<Listen extends EventsMap, Emit extends EventsMap, Answer> {
  /** The event that the client sends with the same data when the last subscription ends. Default: none. */
  leave?: EventNames<Emit> | undefined;
  /** If `false`, nothing is subscribed. Default: `true`. */
  enabled?: boolean | undefined;
  /**
   * How events of the server change the data: functions of the data and the payload of the event that return the new data, and the
   * same data if the event concerns something else. They must not change their arguments. An event that arrives before the answer is
   * applied after it, so an answer may contain its change already.
   */
  on?: { readonly [Event in EventNames<Listen>]?: Reducer<Listen, Event, Answer> } | undefined;
}

/** Returns the data after an event. */
export type Reducer<Listen extends EventsMap, Event extends EventNames<Listen>, Data> = (
  data: Data,
  ...args: Parameters<Handler<Listen, Event>>
) => Data;

/** The result of {@link EnvelopeHooks.useSubscription}. */
export interface SubscriptionResult<Answer> {
  /** The last answer, as the events of the option `on` changed it. `undefined` before the first answer and after a refusal. */
  readonly data: Answer | undefined;
  /** The exception with which the server refused the subscription. */
  readonly error: Error | undefined;
  /**
   * - `pending`: no answer on this connection yet; `data` may be out of date
   * - `active`: `data` is up to date
   * - `refused`: see `error`; the client asks again on its next connection and after `reauthenticate()`
   * - `stopped`: the option `enabled` is `false`
   */
  readonly state: SubscriptionState;
}

/** Options of {@link EnvelopeHooks.useStream}. */
export interface StreamOptions {
  /** If `false`, nothing is requested. Default: `true`. */
  enabled?: boolean | undefined;
  /** Requests the stream again on the next connection if it ended with its connection. Default: `false`. */
  restartOnConnect?: boolean | undefined;
}

/** Options of {@link EnvelopeHooks.useStream} that collect the values. */
export interface CollectingStreamOptions<Value, Data> extends StreamOptions {
  /** Returns the data after a value. `data` is `undefined` for the first value. It must not change its arguments. */
  reduce: (data: Data | undefined, value: Value) => Data;
}

/**
 * State of a stream:
 *
 * - `pending`: no value yet
 * - `active`: values arrive
 * - `done`: the server sent the last value
 * - `failed`: see `error`
 * - `stopped`: the option `enabled` is `false`
 */
export type StreamState = 'pending' | 'active' | 'done' | 'failed' | 'stopped';

/** The result of {@link EnvelopeHooks.useStream}. */
export interface StreamResult<Data> {
  /** The last value, or what `reduce` returned for it. `undefined` before the first value. */
  readonly data: Data | undefined;
  /** Why the stream failed: `RequestError`, or `DisconnectedError` if its connection ended. */
  readonly error: Error | undefined;
  readonly state: StreamState;
  /** Requests the stream again, from its beginning. The same function in every render. */
  readonly restart: () => void;
}

/** A member of a room: what `presence.list` on the server returns. */
export interface PresenceMember<Meta = Untyped> {
  /** Identifies the member, and is the same for all tabs of one user. */
  readonly key: string;
  /** One for each connection of the member. */
  readonly metas: readonly Meta[];
}

/** A change of the members of a room, as the server emits it; `presence.share` of the server does. */
export interface PresenceChange<Meta = Untyped> {
  readonly room: string;
  /** All members: they replace the list. */
  readonly all?: readonly PresenceMember<Meta>[];
  /** In the place of all members, in a room with too many: the list is empty then. */
  readonly count?: number;
  /** Members that came. */
  readonly join?: readonly PresenceMember<Meta>[];
  /** Members whose `metas` changed. */
  readonly update?: readonly PresenceMember<Meta>[];
  /** Keys of members that left. */
  readonly leave?: readonly string[];
}

/** The events that carry presence; see docs/react.md. */
export interface PresenceEvents<Listen extends EventsMap, Emit extends EventsMap> {
  /** The client requests this event with `{ room }`; the server answers with the list of members. */
  watch: EventNames<Emit>;
  /** The client sends this event with `{ room }` when it shows the room no more. Default: none. */
  leave?: EventNames<Emit> | undefined;
  /** The server emits this event with a {@link PresenceChange}. */
  change: EventNames<Listen>;
}

/** The result of {@link EnvelopeHooks.usePresence}. */
export interface PresenceResult<Meta> {
  /** The members of the room. Empty before the first answer. */
  readonly list: readonly PresenceMember<Meta>[];
  /** The exception with which the server refused the list. */
  readonly error: Error | undefined;
  /** As of {@link SubscriptionResult}. */
  readonly state: SubscriptionState;
}

/** The result of {@link EnvelopeHooks.useOthers}. */
export interface OthersResult<State> {
  /** The latest states of the other clients in the room, in the order in which they came; this client's other tabs are others. */
  readonly others: readonly OtherState<State>[];
  /** The number of others with a state. In a room with too many it is that of all, and `others` is empty. */
  readonly count: number;
  /** Whether the client is connected and in the room. While it is `false`, `others` may be out of date. */
  readonly isCurrent: boolean;
  /** Sets the own state: `set` of `states` in `nestjs-envelope/client/presence`. The same function in every render. */
  readonly set: RoomStates<State>['set'];
}

/** The arguments of a hook after the event: its data, which is a list if the event has several arguments, and the options. */
export type DataAndOptions<Emit extends EventsMap, Event extends EventNames<Emit>, Options> = Args<
  RequestParams<Emit, Event>,
  Options
>;
type Args<Data extends unknown[], Options> = number extends Data['length']
  ? [data?: Untyped, options?: Options]
  : Data extends []
    ? [data?: undefined, options?: Options]
    : [] extends Data
      ? [data?: OnePayload<Data>, options?: Options]
      : [data: OnePayload<Data>, options?: Options];
type OnePayload<Data extends unknown[]> = Required<Data> extends [infer One] ? One : Data;

type MetaOf<Answer> = Answer extends readonly { readonly metas: readonly (infer Meta)[] }[] ? Meta : Untyped;

/**
 * The provider and hooks of one path. They belong together: a hook finds the provider of the same `createEnvelopeHooks` call, so
 * a page can nest the providers of several paths.
 *
 * @typeParam Listen what the server emits
 * @typeParam Emit what the page emits
 * @example
 * export const { EnvelopeProvider, useSubscription } = createEnvelopeHooks<ServerToClient, ClientToServer>();
 */
export interface EnvelopeHooks<Listen extends EventsMap, Emit extends EventsMap> {
  /**
   * Gives the hooks below it a connection. It connects after it is mounted, so never on a server. Providers of the same URL
   * and credentials share one connection, which closes a second after the last one is unmounted.
   * @throws TypeError if the URL is not one of a WebSocket or an option is unknown or malformed
   * @example const page = <EnvelopeProvider url="wss://example.com/chat"><Chat /></EnvelopeProvider>;
   */
  EnvelopeProvider(this: void, props: EnvelopeProviderProps<Listen, Emit>): ReactElement;

  /**
   * Returns the client, for `emit`, `emitWithAck` and its other methods in event handlers and effects. While a server renders, it is
   * a client that cannot connect.
   * @throws Error if no provider is above the component
   * @example
   * const socket = useSocket();
   * const send = () => socket.emit('say', 'hello');
   */
  useSocket(this: void): ClientSocket<Listen, Emit>;

  /**
   * Returns the state of the connection, and renders again when it changes. It is `idle` while a server renders.
   * @throws Error if no provider is above the component
   * @example const isOnline = useConnectionState() === 'open';
   */
  useConnectionState(this: void): ConnectionState;

  /**
   * Listens to an event of the server or of the connection (`connect`, `disconnect`, `connect_error`) while the component is mounted.
   * The listener of the last render runs; it need not be memoised. If the event is a request, its return value answers it.
   * @throws Error if no provider is above the component
   * @example useEvent('said', (text) => show(text));
   */
  useEvent<Event extends ListenerNames<Listen>>(
    this: void,
    event: Event,
    listener: ListenerOf<Listen, Event>,
  ): void;

  /**
   * Requests an event when the component is mounted and when the data changes, and again on each connection that did not recover the
   * session. The request of earlier data is cancelled, also on the server. Data is compared as JSON.
   * @throws Error if no provider is above the component; as `emitWithAck`, if the name is reserved or JSON cannot carry the data
   * @example const { data, isPending } = useRequest('profile', { id: 7 });
   */
  useRequest<Event extends EventNames<Emit>>(
    this: void,
    event: Event,
    ...[data, options]: DataAndOptions<Emit, Event, RequestOptions>
  ): RequestResult<AnswerOf<Emit, Event>>;

  /**
   * Subscribes while the component is mounted, as `socket.subscribe`, and keeps the answer up to date with the events of the
   * option `on`. Components with the same event and data share one subscription. Data is compared as JSON.
   * @throws Error if no provider is above the component; as `subscribe`, if a name is reserved or JSON cannot carry the data
   * @example
   * const { data } = useSubscription('order.watch', { id: 7 }, { on: { changed: (order, change) => ({ ...order, ...change }) } });
   */
  useSubscription<Event extends EventNames<Emit>>(
    this: void,
    event: Event,
    ...[data, options]: DataAndOptions<Emit, Event, SubscriptionOptions<Listen, Emit, AnswerOf<Emit, Event>>>
  ): SubscriptionResult<AnswerOf<Emit, Event>>;

  /**
   * Requests all values of a handler that returns an Observable or an async iterable, while the component is mounted. Values that
   * arrive together cause one render. Unmounting, and other data, cancel the handler's source. Data is compared as JSON.
   * @throws Error if no provider is above the component; as `stream`, if the name is reserved or JSON cannot carry the data
   * @example const { data } = useStream('prices', 'EUR');
   */
  useStream<Event extends EventNames<Emit>, Data>(
    this: void,
    event: Event,
    data: DataAndOptions<Emit, Event, unknown>[0],
    options: CollectingStreamOptions<AnswerOf<Emit, Event>, Data>,
  ): StreamResult<Data>;
  useStream<Event extends EventNames<Emit>>(
    this: void,
    event: Event,
    ...[data, options]: DataAndOptions<Emit, Event, StreamOptions>
  ): StreamResult<AnswerOf<Emit, Event>>;

  /**
   * Shows the messages of a room with a history while the component is mounted: those that the server replays, and then those that
   * follow. After a reconnect it goes on where it was, without a gap and with nothing twice. Components with the same arguments
   * share one list. `data` is compared as JSON; on later connections the client adds `after` to it.
   * @param room the name of the room on the server
   * @throws Error if no provider is above the component; as `subscribe`, if a name is reserved or JSON cannot carry the data
   * @example const { messages } = useHistory('chat:7', { enter: 'enter', leave: 'leave', event: 'said', data: { room: 7 } });
   */
  useHistory<Enter extends EventNames<Emit>, Event extends EventNames<Listen>>(
    this: void,
    room: string,
    events: HistoryEvents<Listen, Emit> & {
      enter: Enter;
      event: Event;
      /** The data of `enter`. */
      data: DataAndOptions<Emit, Enter, unknown>[0];
    },
  ): HistoryResult<OnePayload<EventParams<Listen, Event>>>;

  /**
   * Lists the members of a room while the component is mounted, and keeps the list up to date. `events` names the events of
   * the application that carry it.
   * @throws Error if no provider is above the component
   * @example const { list } = usePresence('board:7', { watch: 'watch', leave: 'unwatch', change: 'presence' });
   */
  usePresence<Watch extends EventNames<Emit>>(
    this: void,
    room: string,
    events: PresenceEvents<Listen, Emit> & { watch: Watch },
  ): PresenceResult<MetaOf<AnswerOf<Emit, Watch>>>;

  /**
   * Lists the states of the other clients in a room, such as their cursors, and sets the own one, while the component is mounted. The
   * server shares them with `presence.shareStates`, and the page joins the room by an event of the application. The own state
   * ends when the component that has set it is unmounted.
   * @typeParam State the states of all clients in the room
   * @param options `event`: the event that `presence.shareStates` names. Default: `states`
   * @throws Error if no provider is above the component
   * @example const { others, set } = useOthers<{ x: number }>('board:7');
   */
  useOthers<State = Untyped>(this: void, room: string, options?: { event?: string }): OthersResult<State>;
}
