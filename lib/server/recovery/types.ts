import type { Adapter, Room } from 'socket.io-adapter';
import type { Untyped } from '../../protocol/typed-events.js';
import type { Encoding } from '../transport/encoding.js';
import type { Frame } from '../transport/frame.js';
import type { RoomChange } from './membership.js';
import type { OffsetGap } from './offset-gap.js';

/** The session of a disconnected client. Plain data, since another node may read it. */
export interface StoredSession {
  /** The resume token: the id of the client, a dot, and 144 random bits. */
  readonly token: string;
  /** The resume token before, if the client may not have received the new one. The use of either invalidates both. */
  readonly former?: string | undefined;
  readonly id: string;
  readonly rooms: readonly Room[];
  /** The client's `data` at the disconnect, without the keys that its guards wrote. */
  readonly data: unknown;
  /**
   * The owner, as in {@link Grant.key}: only a client with the same key resumes the session. `undefined`: no client
   * does.
   */
  readonly identity: string | undefined;
  /** The offset of the last message that was written to the client. */
  readonly sent: string;
  /** The offset of the log when the client connected, or later. An earlier offset belongs to another client. */
  readonly from: string;
  /** The changes of its rooms since {@link from}. The client missed nothing in a room before it joined that. */
  readonly changes?: readonly RoomChange[] | undefined;
  /** Which messages it received without their offset. */
  readonly gap?: OffsetGap | undefined;
  /** The address that limits count the client by; `undefined` if not known. */
  readonly address: string | undefined;
}

/** The request of a client to resume its session, and its limits. */
export interface ResumeRequest {
  /** The address that limits count the client by; `undefined` if not known. */
  readonly address: string | undefined;
  /** Whether the address is that of a proxy, which many clients share. */
  readonly isShared: boolean;
  /** The maximum number of bytes of missed messages. With more, the client gets a new session. */
  readonly maxBytes: number;
  /** The encoding of the missed messages. */
  readonly encoding: Encoding;
  /** Returns whether the client has disconnected in the meantime. */
  isOver(): boolean;
}

/** A session that a client resumes, with the messages to replay. The store no longer has it. */
export interface Resumption {
  session: StoredSession;
  /** The client has received all messages up to this offset. */
  readonly offset: string;
  /** The missed messages, in order. */
  missed: Frame[];
  /** The missed messages as bytes for an uncompressed connection, in chunks; `undefined` if they were not prepared. */
  bytes?: Buffer[] | undefined;
  /**
   * Ends the search. Returns the messages since {@link missed} was collected, in order; those without an offset in the
   * log yet are last. Call it once, after the client has joined its rooms. Returns `undefined` if the session was
   * revoked in the meantime, or the log no longer has all messages.
   */
  finish(): readonly Frame[] | undefined;
  /**
   * Removes the messages from {@link missed} and {@link finish} that do not concern these rooms.
   *
   * @param rooms a subset of the session's rooms
   * @returns `false` if the log no longer has all messages
   */
  restrictTo(rooms: readonly Room[]): Promise<boolean>;
  /**
   * Returns whether the client has a message already: this node may read it from the log after another node sent it.
   */
  has(offset: string): boolean;
  /**
   * Returns the session to the store, because the client disconnected before it was resumed.
   *
   * @param token the new resume token, if the client was sent one in the meantime
   */
  putBack(token?: string): void;
}

/**
 * Returns a small copy of a resumption. A client may stay connected for days, and needs neither the rooms nor the
 * messages.
 */
export function compactResumption({ session, offset, has }: Resumption): Resumption {
  const { token, id, identity, sent, from, address } = session;
  const bare: StoredSession = { token, id, rooms: [], data: undefined, identity, sent, from, address };
  const nothing = {
    missed: [],
    finish: () => [],
    restrictTo: () => Promise.resolve(false),
    putBack: () => undefined,
  };
  return { session: bare, offset, has, ...nothing };
}

/** The part of a session that is restored. */
export interface Restored {
  /** The client's rooms at the disconnect, without the room of its id and that of its user. */
  readonly rooms: readonly Room[];
  /** The client's `data` at the disconnect, without the keys that its guards wrote. */
  readonly data: Untyped;
}

/**
 * Decides which part of a session is restored. Called after the guards have accepted the client, and before it is
 * connected.
 *
 * @param client the client, with what its guards set; it does not have the id of the session yet
 * @param session the session to restore
 * @returns the rooms and the data to restore, or `false` for a new session. `undefined`, or an absent field, restores
 * the original value. Rooms can be removed, but not added.
 */
export type Restore = (
  client: Untyped,
  session: Restored,
) => Partial<Restored> | false | undefined | void | Promise<Partial<Restored> | false | undefined | void>;

/** Stores the sessions of one server's disconnected clients, and the messages that they miss. */
export interface Recovery {
  /** Resolves when the server may accept clients. */
  readonly ready: Promise<void>;
  /** The current offset of the log; `undefined` until it is known. */
  readonly offset: string | undefined;
  /** Returns whether one offset is later than another. */
  isLater(offset: string, than: string): boolean;
  /** Stores a session until a client resumes it with its token, or it expires. */
  save(session: StoredSession): void;
  /**
   * Takes a session out of the store. Never rejects. Resolves with `undefined` if the token is unknown, expired,
   * revoked or used before, or if the log no longer has all messages.
   */
  resume(token: string, offset: string, request: ResumeRequest): Promise<Resumption | undefined>;
}

/** Creates the {@link Recovery} of each server of one path. */
export interface RecoverySettings {
  /** How long a session is stored, in milliseconds. */
  readonly maxDisconnectionDuration: number;
  /**
   * Returns the recovery of a server.
   *
   * @param parent the adapter of the RegExp namespace that the server belongs to, whose broadcasts reach its clients as
   * well
   * @returns `undefined` if the adapter stores no messages, and the application works without recovery
   * @throws Error if the adapter stores no messages, and the application requires recovery
   */
  of(adapter: Adapter, server: string, parent?: Adapter): Recovery | undefined;
}

/** The event by which a node requests a session from other nodes, which may still consider its connection open. */
export const TAKE_OVER = '$takeover';

/** The options of the recovery, with defaults applied. */
export interface ResolvedRecovery {
  /** How long a session is stored, in milliseconds. */
  readonly maxDisconnectionDuration: number;
  /** The maximum number of bytes of memory for sessions and missed messages, on each path. */
  readonly maxStoredBytes: number;
  readonly restore: Restore | undefined;
}
