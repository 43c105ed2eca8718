import { inspect, type InspectOptions } from 'node:util';
import type { Room } from 'socket.io-adapter';
import type {
  AnswerOf,
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
  Untyped,
  WithTimeout,
} from '../../protocol/typed-events.js';
import { withCode } from '../../protocol/with-code.js';
import { assertTimeout } from '../util/arguments.js';
import type { EmitFlags, Rooms, SocketDetails } from './adapter-types.js';
import type { Handshake } from '../handshake/handshake.js';

/** The part of a broadcast operator that a remote socket uses. */
interface Target {
  to(room: Room): Target;
  with(flags: EmitFlags): Target;
  emit(event: string, ...args: unknown[]): unknown;
  emitWithAck(event: string, ...args: unknown[]): Promise<Untyped>;
  socketsJoin(rooms: Rooms): void;
  socketsLeave(rooms: Rooms): void;
  disconnectSockets(close?: boolean): void;
}

/**
 * A socket of another node, as `fetchSockets` returns it: a copy of its data, and methods that run on its node.
 *
 * @example
 * for (const socket of await server.in('red').fetchSockets()) if (!socket.data.paid) socket.leave('red');
 */
export class RemoteSocket<
  Emit extends EventsMap = DefaultEventsMap,
  Data = Untyped,
> implements SocketDetails<Data> {
  /** The socket's id on its node. */
  readonly id: string;
  /** The upgrade request of the connection. */
  readonly handshake: Handshake;
  /** The rooms of the socket at the time of `fetchSockets`. */
  readonly rooms: Set<Room>;
  /** A copy of the socket's `data` at the time of `fetchSockets`. */
  readonly data: Data;
  private readonly target: Target;

  /** @param operator a broadcast operator for all sockets of the server */
  constructor(operator: unknown, details: { id: string; handshake: Handshake; rooms: Room[]; data: Data }) {
    if (
      typeof (Object(operator) as Partial<Target>).to !== 'function' ||
      !Array.isArray(Object(details).rooms)
    )
      throw withCode(
        'ERR_ENVELOPE_ILLEGAL_CONSTRUCTOR',
        new TypeError('RemoteSocket: details is missing: get remote sockets from server.fetchSockets()'),
      );
    this.id = details.id;
    this.handshake = details.handshake;
    this.rooms = new Set(details.rooms);
    this.data = details.data;
    this.target = (operator as Target).to(this.id).with({ expectSingleResponse: true });
  }

  /**
   * Sends one event to this socket. If the last argument is a function, it is called with the response or the error.
   * @example for (const remote of await server.fetchSockets()) remote.emit('news', { text: 'Hello' });
   */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<Emit, Event>): unknown {
    const last: unknown = args.at(-1);
    if (typeof last !== 'function') return this.target.emit(event, ...args);
    // called with one argument, like the callback of a socket of this node; an operator passes the error first
    const callback = (error: Error | null, response: unknown): void =>
      void Reflect.apply(last, undefined, [error ?? response]);
    return this.target.emit(event, ...args.slice(0, -1), callback);
  }

  /**
   * Sends a request to this socket and resolves with its response.
   *
   * @example
   * const [remote] = await server.in('red').fetchSockets();
   * const place = await remote?.emitWithAck('where are you?');
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>> {
    return this.target.emitWithAck(event, ...args);
  }

  /**
   * Sets the timeout of a request to this socket, in milliseconds. Default: 5,000.
   *
   * @example
   * const [remote] = await server.in('red').fetchSockets();
   * const place = await remote?.timeout(2_000).emitWithAck('where are you?');
   */
  timeout(timeout: number): {
    emit<Event extends EventNames<Emit>>(
      event: Event,
      ...args: EventParams<WithTimeout<Emit>, Event>
    ): unknown;
    emitWithAck<Event extends EventNames<Emit>>(
      event: Event,
      ...args: RequestParams<Emit, Event>
    ): Promise<AnswerOf<Emit, Event>>;
  } {
    assertTimeout('RemoteSocket.timeout', timeout);
    const target = this.target.with({ timeout });
    return {
      emit: (event, ...args) => target.emit(event, ...args),
      emitWithAck: (event, ...args) => target.emitWithAck(event, ...args),
    };
  }

  /**
   * Makes the socket join one or several rooms. Throws like `server.socketsJoin`.
   *
   * @example
   * for (const remote of await server.in('red').fetchSockets()) remote.join('blue');
   */
  join(rooms: Rooms): void {
    this.target.socketsJoin(rooms);
  }

  /**
   * Makes the socket leave a room. Throws like `server.socketsLeave`.
   *
   * @example
   * for (const remote of await server.in('red').fetchSockets()) remote.leave('red');
   */
  leave(room: Room): void {
    this.target.socketsLeave(room);
  }

  /**
   * Disconnects the socket. `close` has no effect, since a connection carries one namespace.
   *
   * @example
   * for (const remote of await server.in('red').fetchSockets()) remote.disconnect();
   */
  disconnect(close = false): this {
    this.target.disconnectSockets(close);
    return this;
  }

  /**
   * Returns the id only, so that no header, token or payload gets into logs or responses.
   *
   * @example
   * JSON.stringify(await server.fetchSockets()); // '[{"id":"…"}]'
   */
  toJSON(): { id: string } {
    return { id: this.id };
  }

  /** Returns the text for `console.log` and Nest's logger: the id only. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `RemoteSocket ${inspect(this.toJSON(), options)}`;
  }
}
