import { randomBytes } from 'node:crypto';
import type { RoomChange } from './membership.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type { OffsetGap } from './offset-gap.js';

/** The session of a connected client. */
export interface Session {
  /** The resume token. */
  readonly token: string;
  /** The token that the client resumed with: valid until the client is known to have received {@link token}. */
  readonly former: string | undefined;
  /** The time of the ping whose pong confirms that the client has received {@link token}. */
  pingedAt: number;
  /** The offset of the last message that was written to the client. */
  sent: string;
  /**
   * The offset of the log when the client connected, or at the last change of its rooms that is no longer in {@link
   * changes}.
   */
  from: string;
  /** The changes of its rooms since {@link from}. */
  changes: readonly RoomChange[];
  /** Which messages were written to the client without their offset; `undefined`: none. */
  gap?: OffsetGap | undefined;
  /** Whether the client has disconnected, and its session is stored. */
  isKept: boolean;
}

/**
 * Creates the session of a client that has received all messages up to an offset of the log. Its token is the socket's
 * id, a dot, and 144 random bits.
 */
export function beginSession(
  id: string,
  offset: string,
  former: string | undefined,
  changes: readonly RoomChange[] = [],
): Session {
  const token = `${id}.${randomBytes(18).toString('base64url')}`;
  return { token, former, pingedAt: 0, sent: offset, from: offset, changes, isKept: false };
}

/** Returns the id of the socket that a resume token was issued to. */
export function socketIdOf(token: string): string {
  return token.slice(0, token.lastIndexOf('.'));
}

/**
 * Returns whether a text may be a resume token. A node of Socket.IO on the same broker issues tokens without a dot: its
 * sessions have no user, and no node of this package resumes them.
 */
export function isResumeToken(text: string): boolean {
  return text.includes('.');
}

/** Disconnects without a close by either side. */
const CONNECTION_LOST: ReadonlySet<DisconnectReason> = new Set([
  'transport close',
  'transport error',
  'ping timeout',
  'server shutting down',
]);

/** Close codes of this server that ask the client to reconnect: it read too slowly, or needs a new token. */
const RETRYABLE: ReadonlySet<number> = new Set([
  CLOSE_CODES.TRY_AGAIN_LATER.code,
  CLOSE_CODES.UNAUTHORIZED.code,
]);

/** Returns whether a client may resume its session: not if either side ended the connection deliberately. */
export function isResumable(reason: DisconnectReason, { code, initiator }: ClosedInfo): boolean {
  return CONNECTION_LOST.has(reason) || (initiator === 'server' && RETRYABLE.has(code));
}
