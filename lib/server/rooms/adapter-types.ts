import type { Adapter, BroadcastFlags, Room, SocketId } from 'socket.io-adapter';
import type { Untyped } from '../../protocol/typed-events.js';
import type { Handshake } from '../handshake/handshake.js';

/** What an emit carries besides its payload. */
export interface EmitFlags extends BroadcastFlags {
  /** Internal to room-wide requests: one socket is asked, its answer is given bare. */
  expectSingleResponse?: boolean;
}

/** A room, or several. */
export type Rooms = Room | Iterable<Room>;

/** What adapters broadcast: Socket.IO's event packet, as plain data. */
export interface EventPacket {
  type: 2;
  data: unknown[];
  nsp?: string;
  id?: number;
  /** What travels beside the payload. */
  meta?: object;
  /** There is no payload: brokers make `null` of an `undefined` in `data`. */
  bare?: true;
}

/** The part of a socket that its server and the adapters touch; any node's socket answers to it. */
export interface SocketDetails<Data = Untyped> {
  readonly id: SocketId;
  readonly handshake: Handshake;
  readonly rooms: Set<Room>;
  readonly data: Data;
}

/** A socket, on this node or on another, as `fetchSockets` gives it: Socket.IO's `RemoteSocket`. */
export interface ReachableSocket<Data = Untyped> extends SocketDetails<Data> {
  join(rooms: Rooms): unknown;
  leave(room: Room): unknown;
  disconnect(close?: boolean): unknown;
}

/** A socket of this node, as others get it by `client.nsp.sockets`. */
export interface MemberSocket extends ReachableSocket {
  /** Where adapters leave the callbacks of room-wide requests. */
  readonly acks: Map<number, (answer: unknown) => void>;
  readonly connected: boolean;
  emit(event: string, ...args: Untyped[]): boolean;
}

/** What a socket and an operator need of the server they belong to. */
export interface Namespace {
  /** The full URL path, with the port in front only where it is not the application's. */
  readonly name: string;
  /** The same as the gateway declares it: a child of a RegExp namespace has its parent's. */
  readonly route: string;
  readonly adapter: Adapter;
  readonly sockets: ReadonlyMap<SocketId, MemberSocket>;
  /** @internal Numbers requests; one counter for all sockets, since a room-wide request has one id. */
  _ids: number;
  /** @internal */
  readonly _mount: {
    readonly failures: { roomLimit(why: string): Error };
    readonly limits: { readonly maxRoomNameLength: number };
  };
  /** @internal Where those who are away find what they missed. */
  readonly _recovery: object | undefined;
  /** @internal Takes an error that no caller can catch. */
  _report(error: unknown, where: string): void;
}
