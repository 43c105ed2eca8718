import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type {
  AnswerOf,
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  Listener,
  RequestParams,
  Untyped,
  WithTimeout,
} from '../../protocol/typed-events.js';
import { CatchAllListeners, type AnyListener } from './catch-all-listeners.js';
import { assertCompress, assertFunction, assertTimeout } from '../util/arguments.js';
import type { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { Rooms } from '../rooms/adapter-types.js';
import { Conversation, type SocketMiddleware } from './conversation.js';
import { EmitOperator } from './emit-operator.js';
import { engineSocketOf, type EngineSocket, type SocketIoClient } from './engine.js';
import type { ConnectionEvents } from '../transport/connection-events.js';
import type { Handled } from '../util/handled.js';
import type { NamespaceContract } from './namespace-contract.js';
import { joinRooms, leaveRooms } from './socket-rooms.js';

/**
 * One client, as a gateway gets it: Socket.IO 4's socket over one plain WebSocket. {@link Line} has what `ws`
 * users know, {@link Peer} what is known of the handshake.
 */
export class EnvelopeSocket<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
  _ServerSide extends EventsMap = DefaultEventsMap,
  Data = Untyped,
> extends Conversation {
  /** Whatever the application keeps with this client; visible in `fetchSockets`. */
  data = {} as Data;
  /** The client came back to the session that it had. */
  get recovered(): boolean {
    return this._resumption !== undefined;
  }

  /**
   * When the connection ends by itself, with 4401, in milliseconds since the epoch; a `Date` will do. Guards set it
   * from what the token says (`payload.exp * 1000`), and set it anew when the client authenticates in place.
   * `undefined`, the default, and `Infinity` mean that it does not end by itself. So does `NaN`, which a token without
   * `exp` leads to; the log has a warning then.
   *
   * @throws RangeError on what is no time, or one in seconds
   */
  get expiresAt(): number | undefined {
    return this._expiry?.at;
  }
  set expiresAt(when: number | Date | undefined) {
    if (this._gone || !this._lasting().set(when)) return;
    this.nsp._warn(
      'expiresAt',
      'client.expiresAt was set to NaN, which is no time: the connection does not end by itself. Does the token have no exp? ' +
        'Refuse it, or set client.expiresAt = payload.exp && payload.exp * 1000',
    );
  }

  /** Not connected, or not any more. */
  get disconnected(): boolean {
    return !this.connected;
  }
  /** The same as `nsp`: a connection carries one namespace. */
  get server(): NamespaceContract {
    return this.nsp;
  }
  /** Where adapters write, and what is left of Engine.IO's client: a connection carries one namespace. */
  get client(): SocketIoClient {
    return this;
  }
  /** The connection, as Engine.IO shows it. */
  get conn(): EngineSocket {
    return engineSocketOf(this);
  }

  /**
   * Sends one event. Several arguments arrive as an array; a last one that is a function makes it a request and
   * gets the answer.
   *
   * @throws Error on a reserved event name, TypeError on data that JSON cannot carry: it names the place in it
   */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<Emit, Event>): boolean {
    return this._emit({}, event, args);
  }

  /**
   * Sends a request and resolves with the answer; waits as long as the connection lives unless {@link timeout}
   * is set.
   *
   * @throws (rejects) RequestError where the client answers with an exception, Error on timeout or disconnect
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>> {
    return this._ask({}, event, args);
  }

  /**
   * How long, in milliseconds, a request waits for its answer; the callback then takes an error first.
   *
   * @throws TypeError on what is no number
   */
  timeout(timeout: number): EmitOperator<WithTimeout<Emit>, Data> {
    assertTimeout('EnvelopeSocket.timeout', timeout);
    return new EmitOperator(this, { timeout });
  }

  /** What follows is dropped, not queued, where the line takes no data at the moment of the call. */
  get volatile(): EmitOperator<Emit, Data> {
    return new EmitOperator(this, { volatile: true });
  }

  /**
   * Leaves the message uncompressed where `false`. Default: compressed if permessage-deflate was negotiated.
   *
   * @throws TypeError on what is neither `true` nor `false`
   */
  compress(compress: boolean): EmitOperator<Emit, Data> {
    assertCompress('EnvelopeSocket.compress', compress);
    return new EmitOperator(this, { compress });
  }

  /** Everybody but this client. */
  get broadcast(): BroadcastOperator<Emit, Data> {
    return this._others();
  }

  /** Everybody but this client, on this node. */
  get local(): BroadcastOperator<Emit, Data> {
    return this._others().local;
  }

  /** The members of a room, or of several, but this client. */
  to(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this._others().to(rooms);
  }

  /** The same as {@link to}. */
  in(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this._others().to(rooms);
  }

  /** Everybody but this client and the members of a room, or of several. */
  except(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this._others().except(rooms);
  }

  /**
   * Joins a room, or several. Does nothing once the client has disconnected. Await it to know that a cluster adapter has
   * told the other nodes. A failure is in the log, whether it is awaited or not.
   *
   * @throws (rejects) RoomLimitError on more rooms than `limits.maxRooms`, on a name longer than
   * `limits.maxRoomNameLength` or neither a text nor a number, and on the room of a user; none is joined then
   */
  join(rooms: Rooms): Handled | void {
    if (!this._gone) return joinRooms(this, rooms);
  }

  /**
   * Leaves a room, or several.
   *
   * @throws (rejects) RoomLimitError on the client's own room (its id), on the room of a user, and on a name that is
   * neither a text nor a number; none is left then
   */
  leave(rooms: Rooms): Handled | void {
    return leaveRooms(this, rooms);
  }

  /** Ends the connection; a connection carries one namespace, so `close` makes no difference. */
  disconnect(_close?: boolean): this {
    this._end('server namespace disconnect', CLOSE_CODES.NORMAL.code);
    return this;
  }

  /** Adds a middleware that sees every message of this client before its handlers. */
  use(middleware: SocketMiddleware): this {
    assertFunction('EnvelopeSocket.use', 'middleware', middleware);
    (this._middlewares ??= []).push(middleware);
    return this;
  }

  /**
   * Listens: to the line for `close`, `error`, `ping`, `pong`, `drain`, `disconnect` and `disconnecting`, to the
   * client for every other name. A listener gets the data and, where the client asked, the function that answers.
   */
  on<Event extends keyof ConnectionEvents>(event: Event, listener: ConnectionEvents[Event]): this;
  on<Event extends EventNames<Listen>>(event: Event, listener: Listener<Listen, Event>): this;
  on(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).on(event, listener);
    return this;
  }

  /** Listens as {@link on}, for one time. */
  once<Event extends keyof ConnectionEvents>(event: Event, listener: ConnectionEvents[Event]): this;
  once<Event extends EventNames<Listen>>(event: Event, listener: Listener<Listen, Event>): this;
  once(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).once(event, listener);
    return this;
  }

  /** The same as {@link on}. */
  addListener<Event extends keyof ConnectionEvents>(event: Event, listener: ConnectionEvents[Event]): this;
  addListener<Event extends EventNames<Listen>>(event: Event, listener: Listener<Listen, Event>): this;
  addListener(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).on(event, listener);
    return this;
  }
  /** The same as {@link on}, before all listeners that there are. */
  prependListener<Event extends keyof ConnectionEvents>(
    event: Event,
    listener: ConnectionEvents[Event],
  ): this;
  prependListener<Event extends EventNames<Listen>>(event: Event, listener: Listener<Listen, Event>): this;
  prependListener(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).prependListener(event, listener);
    return this;
  }

  /** Ends what {@link on} and {@link once} began. @throws TypeError without an event or a listener */
  off(event: string, listener: (...args: Untyped[]) => void): this {
    const emitter = this.emitterIfAny(event);
    assertFunction('EnvelopeSocket.off', 'listener', listener);
    emitter?.off(event, listener);
    return this;
  }
  /** The same as {@link off}. */
  removeListener(event: string, listener: (...args: Untyped[]) => void): this {
    return this.off(event, listener);
  }
  /** Removes the listeners of one event, or of all events. Those of {@link onAny} stay. */
  removeAllListeners(event?: string): this {
    if (event !== undefined) {
      this.emitterIfAny(event)?.removeAllListeners(event);
    } else {
      this.events?.removeAllListeners();
      this.lineEvents?.removeAllListeners();
    }
    return this;
  }

  /** The listeners of one event. */
  listeners(event: string): ((...args: Untyped[]) => void)[] {
    return (this.emitterIfAny(event)?.listeners(event) ?? []) as ((...args: Untyped[]) => void)[];
  }
  /** How many listeners one event has. */
  listenerCount(event: string): number {
    return this.emitterIfAny(event)?.listenerCount(event) ?? 0;
  }
  /** The names of the events that have listeners. */
  eventNames(): string[] {
    return [this.lineEvents, this.events].flatMap((emitter) => (emitter?.eventNames() ?? []) as string[]);
  }
  /** So many listeners of one event are no leak, by which Node would warn. Default: 10, as everywhere in Node; 0: any number. */
  setMaxListeners(count: number): this {
    for (const event of ['', 'close']) this.emitterOf(event).setMaxListeners(count);
    return this;
  }

  /** Listens to every event of the client. */
  onAny(listener: AnyListener): this {
    (this.incoming ??= new CatchAllListeners()).add(listener);
    return this;
  }
  /** The same as {@link onAny}, before the listeners that were added earlier. */
  prependAny(listener: AnyListener): this {
    (this.incoming ??= new CatchAllListeners()).prepend(listener);
    return this;
  }
  /** Ends {@link onAny} for one listener, or for all without an argument. */
  offAny(listener?: AnyListener): this {
    this.incoming?.remove(listener);
    return this;
  }
  /** The listeners of {@link onAny}. */
  listenersAny(): AnyListener[] {
    return this.incoming?.list() ?? [];
  }

  /** Listens to everything that is emitted to the client, broadcasts included. */
  onAnyOutgoing(listener: AnyListener): this {
    (this.outgoing ??= new CatchAllListeners()).add(listener);
    return this;
  }
  /** The same as {@link onAnyOutgoing}, before the listeners that were added earlier. */
  prependAnyOutgoing(listener: AnyListener): this {
    (this.outgoing ??= new CatchAllListeners()).prepend(listener);
    return this;
  }
  /** Ends {@link onAnyOutgoing} for one listener, or for all without an argument. */
  offAnyOutgoing(listener?: AnyListener): this {
    this.outgoing?.remove(listener);
    return this;
  }
  /** The listeners of {@link onAnyOutgoing}. */
  listenersAnyOutgoing(): AnyListener[] {
    return this.outgoing?.list() ?? [];
  }
}
