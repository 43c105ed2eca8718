import type { ErrorSource } from '../diagnostics/types.js';
import type { Adapter, BroadcastFlags, Room, SocketId } from 'socket.io-adapter';
import type { Untyped } from '../../protocol/typed-events.js';
import type { Handshake } from '../handshake/handshake.js';
import type { RoomObservers } from './room-observers.js';

/** The options of an emit. */
export interface EmitFlags extends BroadcastFlags {
  /** Set on requests to one socket of another node: the result is its response, not an array. */
  expectSingleResponse?: boolean;
}

/** One or several rooms. */
export type Rooms = Room | Iterable<Room>;

/** The packet that adapters broadcast: Socket.IO's event packet, as plain data. */
export interface EventPacket {
  /** An event; 3, an acknowledgement, for the packet that revokes sessions. */
  type: 2 | 3;
  /** The event and its arguments. */
  data: unknown[];
  nsp?: string;
  id?: number;
  /** The metadata that the message carries beside its payload. */
  meta?: object;
}

/** Stores the messages of rooms that have a history. */
export interface MessageKeeper {
  /**
   * Stores a message that is about to be sent, if its room has a history, and adds its position to the packet.
   *
   * @throws TypeError on data that JSON cannot carry
   */
  keep(
    packet: EventPacket,
    rooms: ReadonlySet<Room>,
    except: ReadonlySet<Room>,
    flags: Readonly<EmitFlags>,
  ): void;
}

/** The data of a socket, on this node or on another. */
export interface SocketDetails<Data = Untyped> {
  readonly id: SocketId;
  readonly handshake: Handshake;
  readonly rooms: Set<Room>;
  readonly data: Data;
}

/** A socket on this node or on another, as `fetchSockets` returns it: Socket.IO's `RemoteSocket`. */
export interface ReachableSocket<Data = Untyped> extends SocketDetails<Data> {
  /** Joins one or several rooms. @example for (const one of await server.fetchSockets()) one.join('red'); */
  join(rooms: Rooms): unknown;
  /** Leaves a room. @example for (const one of await server.fetchSockets()) one.leave('red'); */
  leave(room: Room): unknown;
  /** Disconnects the client. @example for (const one of await server.in('red').fetchSockets()) one.disconnect(); */
  disconnect(close?: boolean): unknown;
}

/** A socket of this node, as `client.nsp.sockets` returns it. */
export interface MemberSocket extends ReachableSocket {
  /** The callbacks of broadcast requests, by request id. Adapters write to it. */
  readonly acks: Map<number, (answer: unknown) => void>;
  readonly connected: boolean;
  /** @internal */
  readonly _connection: { readonly outbox: { readonly writable: boolean } };
  emit(event: string, ...args: Untyped[]): boolean;
}

/**
 * The events of this package that clients send, such as states, unless the application has a handler for them. A function returns
 * why it refuses the data.
 */
export type ClientEvents = Map<string, (client: never, data: unknown) => string | undefined>;

/** The part of a server that its sockets and broadcast operators use. */
export interface Namespace {
  /** The full URL path. The port precedes it if it differs from the application's. */
  readonly name: string;
  /** The path as the gateway declares it. A child of a RegExp namespace has the route of its parent. */
  readonly route: string;
  readonly adapter: Adapter;
  readonly sockets: ReadonlyMap<SocketId, MemberSocket>;
  /** @internal The last request id. All sockets share the counter, since a broadcast request has one id. */
  _ids: number;
  /** @internal */
  readonly _config: {
    readonly gateway: {
      readonly errors: { roomLimit(why: string): Error };
      readonly checkEmit: ((event: string, args: readonly unknown[]) => void) | undefined;
    };
    readonly limits: { readonly maxRoomNameLength: number };
  };
  /** @internal */
  readonly _observers: RoomObservers;
  /** @internal The store of sessions and missed messages; `undefined` without recovery. */
  readonly _recovery: object | undefined;
  /** @internal The histories of rooms; `undefined` without the option `history`. */
  readonly _history: MessageKeeper | undefined;
  /** @internal Logs an error that no caller can catch. */
  _report(error: unknown, where: string, source?: ErrorSource): void;
}
