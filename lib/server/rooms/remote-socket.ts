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

/** What a remote socket needs of a broadcast operator. */
interface Target {
  to(room: Room): Target;
  with(flags: EmitFlags): Target;
  emit(event: string, ...args: unknown[]): unknown;
  emitWithAck(event: string, ...args: unknown[]): Promise<Untyped>;
  socketsJoin(rooms: Rooms): void;
  socketsLeave(rooms: Rooms): void;
  disconnectSockets(close?: boolean): void;
}

/** A socket of another node: what `fetchSockets` tells of it, and what can be done from here. */
export class RemoteSocket<
  Emit extends EventsMap = DefaultEventsMap,
  Data = Untyped,
> implements SocketDetails<Data> {
  /** The socket's id on its node. */
  readonly id: string;
  /** How the connection began. */
  readonly handshake: Handshake;
  /** The rooms of the socket when `fetchSockets` was called. */
  readonly rooms: Set<Room>;
  /** The socket's `data` when `fetchSockets` was called: a copy. */
  readonly data: Data;
  private readonly target: Target;

  constructor(everybody: unknown, details: { id: string; handshake: Handshake; rooms: Room[]; data: Data }) {
    if (
      typeof (Object(everybody) as Partial<Target>).to !== 'function' ||
      !Array.isArray(Object(details).rooms)
    )
      throw withCode(
        'ERR_ENVELOPE_ILLEGAL_CONSTRUCTOR',
        new TypeError('RemoteSocket: details is missing: server.fetchSockets() makes remote sockets'),
      );
    this.id = details.id;
    this.handshake = details.handshake;
    this.rooms = new Set(details.rooms);
    this.data = details.data;
    this.target = (everybody as Target).to(this.id).with({ expectSingleResponse: true });
  }

  /** Sends one event to this socket. A last argument that is a function gets the answer, or the error. */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<Emit, Event>): unknown {
    const last: unknown = args.at(-1);
    if (typeof last !== 'function') return this.target.emit(event, ...args);
    // the same arguments as from a socket of this node; an operator puts the error first
    const callback = (error: Error | null, answer: unknown): void =>
      void Reflect.apply(last, undefined, [error ?? answer]);
    return this.target.emit(event, ...args.slice(0, -1), callback);
  }

  /** Asks this socket and resolves with its answer. */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>> {
    return this.target.emitWithAck(event, ...args);
  }

  /** How long, in milliseconds, a request to this socket waits. */
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

  /** Makes the socket join a room, or several. Throws as `server.socketsJoin`. */
  join(rooms: Rooms): void {
    this.target.socketsJoin(rooms);
  }

  /** Makes the socket leave a room. Throws as `server.socketsLeave`. */
  leave(room: Room): void {
    this.target.socketsLeave(room);
  }

  /** Disconnects the socket; a connection carries one namespace, so `close` makes no difference. */
  disconnect(close = false): this {
    this.target.disconnectSockets(close);
    return this;
  }

  /** What a log or a careless serialiser sees, as of a socket of this node: no header, no token, no payload. */
  toJSON(): { id: string } {
    return { id: this.id };
  }

  /** The same for `console.log` and Nest's logger. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `RemoteSocket ${inspect(this.toJSON(), options)}`;
  }
}
