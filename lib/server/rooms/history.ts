import type { Room } from 'socket.io-adapter';
import type { EventPacket, MessageKeeper } from './adapter-types.js';
import type { OutgoingMessage } from './outgoing-message.js';

/** Where a client begins in the history of a room. */
export interface HistoryStart {
  /**
   * The positions that the client has seen in this room: the client receives every message after them. Clients send this
   * text, so any text is allowed: `complete` is `false` for one that is not known. `undefined`: {@link rewind} counts.
   */
  readonly after?: string | undefined;
  /** How many of the last messages a client without positions receives. Default 0. */
  readonly rewind?: number | undefined;
}

/** What a client received from the history of a room that it joined. */
export interface JoinedHistory {
  /** `false`: messages may be missing, so read them from the database. */
  readonly complete: boolean;
  /** How many messages of the history were sent. */
  readonly replayed: number;
}

/** A message in the history of a room. */
export interface HistoryMessage {
  readonly event: string;
  /** The payload; the list of several. `undefined` for a message without one. */
  readonly data: unknown;
  /** The position, for `before` and `after`. */
  readonly position: string;
  /** When it was stored, in milliseconds since the epoch. */
  readonly time: number;
}

/** Which messages of a history to read. */
export interface HistoryQuery {
  /** Reads the last messages before this position. Default: the last ones of all. */
  readonly before?: string | undefined;
  /** Reads the first messages after this position. */
  readonly after?: string | undefined;
  /** The maximum number of messages. Default 50. */
  readonly limit?: number | undefined;
}

/**
 * The history of one room: `server.history(room)`.
 *
 * @example
 * const earlier = await server.history('chat:7').read({ before: position, limit: 50 });
 */
export interface RoomHistory {
  /**
   * Resolves with a page of messages, the oldest first.
   *
   * @throws (rejects) TypeError on an invalid option; the error of the store if it fails
   * @example const earlier = await server.history('chat:7').read({ before: position, limit: 50 });
   */
  read(query?: HistoryQuery): Promise<HistoryMessage[]>;
  /** Deletes all messages of the room. Rejects if the store fails. @example await server.history('chat:7').drop(); */
  drop(): Promise<void>;
}

/** A client that joins a room with a history. */
export interface HistoryClient {
  readonly id: string;
  readonly rooms: ReadonlySet<Room>;
  readonly _isEnded: boolean;
  /** Whether it takes the protocol's own events: a client of `envelope.v1`. */
  readonly takesPosition: boolean;
  /** The bytes that may be sent to it at once. */
  readonly freeBytes: number;
  /** Encodes a message for it. @returns the size */
  encode(message: OutgoingMessage): number;
  /** Joins the room. Rejects if the client may not. */
  join(): Promise<void> | void;
  /** Holds back the messages of the room from now on. */
  hold(room: string): HeldRoom;
  /**
   * Sends messages of the history, then those that were held back and `isNew` accepts.
   *
   * @param isShared whether messages of the history may still arrive from other nodes
   */
  send(
    messages: readonly OutgoingMessage[],
    held: HeldRoom,
    isNew: (meta: unknown) => boolean,
    isShared: boolean,
  ): void;
  /** Drops the messages that were held back: the client has left the room. */
  release(held: HeldRoom): void;
}

/** The messages of one room that wait for a client until its history is written. */
export interface HeldRoom {
  /** Whether more waited than the client may have, so that they were sent already. */
  readonly isOver: boolean;
}

/** The histories of one server's rooms. */
export interface ServerHistory extends MessageKeeper {
  /** Notes a message that this node is about to send to its clients. */
  received(packet: Omit<EventPacket, 'type'>): void;
  /** Makes a client join a room, and sends it the history from {@link HistoryStart} on. */
  join(client: HistoryClient, room: Room, start: HistoryStart): Promise<JoinedHistory>;
  /** Returns the history of one room. @throws Error if the room has none */
  of(room: Room): RoomHistory;
  close(): void;
}

/** The part of a server that its history uses. */
export interface HistoryServer {
  readonly name: string;
  readonly cluster: { readonly state: string };
  readonly encoder: { check(packet: { readonly data: readonly unknown[] }): void };
  /** @internal */
  _warn(subject: string, text: string): void;
  /** @internal */
  _report(error: unknown, where: string): void;
}

/** The value of the option `history`: what `roomHistory()` of `nestjs-envelope/history` returns. */
export interface HistoryOption {
  /** @internal Opens the histories of one server. */
  _openHistory(server: HistoryServer): ServerHistory;
}
