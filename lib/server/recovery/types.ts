import type { Adapter, Room } from 'socket.io-adapter';
import type { Untyped } from '../../protocol/typed-events.js';
import type { Frame } from '../transport/frame.js';
import type { RoomChange } from './membership.js';

/** What a client comes back to. Plain data: it may have to cross to another node. */
export interface StoredSession {
  /** What the client shows to get it back: its id, a dot, and 144 random bits. */
  readonly token: string;
  /** The one that the client came back with, where it may not know the other: whichever is shown voids both. */
  readonly former?: string | undefined;
  readonly id: string;
  readonly rooms: readonly Room[];
  /** What the client had in `data` when it left, without what its guards had put there. */
  readonly data: unknown;
  /** Whose it is, as {@link Grant.key} has it; the session is given back to nobody else. `undefined`: to nobody. */
  readonly identity: string | undefined;
  /** The offset of the last message that was written to the client. */
  readonly sent: string;
  /** Where the log stood when it connected, or later: who shows an earlier position has another's. */
  readonly from: string;
  /** How its rooms have changed since: what was said in a room before it joined was not said to it. */
  readonly changes?: readonly RoomChange[] | undefined;
  /** What counts as one address, of the client that left; `undefined`: it is not known. */
  readonly address: string | undefined;
}

/** What a client that comes back may ask of the server. */
export interface ResumeTerms {
  /** What counts as one address; `undefined`: it is not known. */
  readonly address: string | undefined;
  /** The address is that of a proxy, and many clients have it. */
  readonly isShared: boolean;
  /** Bytes of missed messages past which it needs a new session. */
  readonly maxBytes: number;
  /** Whether it has gone meanwhile. */
  isOver(): boolean;
}

/** A session that was taken out of its store, where it is no more. */
export interface Resumption {
  session: StoredSession;
  /** What the client has is up to there. */
  readonly offset: string;
  /** What was missed, in order. */
  missed: Frame[];
  /** The same as bytes for an uncompressed connection, in pieces, where they were made ready beforehand. */
  bytes?: Buffer[];
  /**
   * What came since, in order, those that still get their place in the log last: asked once, when the client is in its
   * rooms again. `undefined`: the session has ended meanwhile, or more came than is kept.
   */
  later(): readonly Frame[] | undefined;
  /**
   * Takes out of {@link missed} and {@link later} what was not meant for a client in these rooms alone.
   *
   * @param rooms some of the session's
   * @returns whether that could be done
   */
  narrow(rooms: readonly Room[]): Promise<boolean>;
  /** Whether a message is among {@link missed}: a node may read the log later than the client got it by another way. */
  has(offset: string): boolean;
  /**
   * The client did not get as far as that: the session is put back.
   *
   * @param token the one that the client was told meanwhile, in the place of the one that it showed
   */
  giveBack(token?: string): void;
}

/** What is left of a resumption once its client is connected: it may stay for days, and needs no copy of its rooms. */
export function withoutSession({ session, offset, has }: Resumption): Resumption {
  const { token, id, identity, sent, from, address } = session;
  const bare: StoredSession = { token, id, rooms: [], data: undefined, identity, sent, from, address };
  const nothing = {
    missed: [],
    later: () => [],
    narrow: () => Promise.resolve(false),
    giveBack: () => undefined,
  };
  return { session: bare, offset, has, ...nothing };
}

/** What a client gets back of its session. */
export interface Restored {
  /** The rooms that it was in, without its own and that of its user. */
  readonly rooms: readonly Room[];
  /** What was in `data` when it left, without what its guards had put there. */
  readonly data: Untyped;
}

/**
 * Decides what a client gets back, after its guards have let it in and before it is connected.
 *
 * @param client the client as its guards have it now; it has a new id still
 * @param session what it had
 * @returns what it gets back (what is left out comes back as it was; rooms may be left out, not added), `undefined` for
 * all of it, or `false` for a new session
 */
export type Restore = (
  client: Untyped,
  session: Restored,
) => Partial<Restored> | false | undefined | void | Promise<Partial<Restored> | false | undefined | void>;

/** Keeps what the clients of one server miss while they are away. */
export interface Recovery {
  /** Resolves when clients may be let in. */
  readonly ready: Promise<void>;
  /** Where the log of messages stands; `undefined` while it cannot be told. */
  readonly position: string | undefined;
  /** Whether one position is behind another. */
  isLater(position: string, than: string): boolean;
  /** Keeps a session for whoever comes back with its token. */
  save(session: StoredSession): void;
  /** Never rejects. `undefined`: unknown, expired, revoked, used before, or more was missed than is kept. */
  resume(token: string, offset: string, terms: ResumeTerms): Promise<Resumption | undefined>;
}

/** How the servers of one path keep what their clients miss. */
export interface RecoverySettings {
  /** Milliseconds that a client may be away. */
  readonly maxDisconnectionDuration: number;
  /**
   * @param parent of the RegExp namespace that the server belongs to: what is sent to that reaches its clients, too
   * @returns `undefined` where the adapter keeps nothing, and the application goes on without
   * @throws Error where the adapter keeps nothing, and the application needs it
   */
  of(adapter: Adapter, server: string, parent?: Adapter): Recovery | undefined;
}

/** Asks other nodes for a session whose line they take for alive. */
export const TAKE_OVER = '$takeover';

/** The options of the recovery, with the defaults filled in. */
export interface ResolvedRecovery {
  /** Milliseconds that a client may be away. */
  readonly maxDisconnectionDuration: number;
  /** Bytes of memory for clients that are away, on each path. */
  readonly maxStoredBytes: number;
  readonly restore: Restore | undefined;
}
