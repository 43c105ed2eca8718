import { randomBytes } from 'node:crypto';
import type { RoomChange } from './membership.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import { CLOSE_CODES } from '../../protocol/close-codes.js';

/** What a connected client may come back to. */
export interface Session {
  readonly token: string;
  /** What the client came back with: good until it is known to have got {@link token}. */
  readonly shown: string | undefined;
  /** When a sign was asked for that it has. */
  askedAt: number;
  /** The offset of the last message that was written to the client. */
  sent: string;
  /** Where the log stood when it connected, or at a change of its rooms that is forgotten. */
  from: string;
  /** How its rooms have changed since. */
  changes: readonly RoomChange[];
  /** The client has gone, and what it misses is kept. */
  isKept: boolean;
}

/** A session of a client that has all up to a position of the log. Its token is the socket's id, a dot, and 144 random bits. */
export function beginSession(
  id: string,
  position: string,
  shown: string | undefined,
  changes: readonly RoomChange[] = [],
): Session {
  const token = `${id}.${randomBytes(18).toString('base64url')}`;
  return { token, shown, askedAt: 0, sent: position, from: position, changes, isKept: false };
}

/** The id of the socket that a token was given to, as the token says. */
export function idOf(token: string): string {
  return token.slice(0, token.lastIndexOf('.'));
}

const LOST: ReadonlySet<DisconnectReason> = new Set([
  'transport close',
  'transport error',
  'ping timeout',
  'server shutting down',
]);

/** This side let the client go, but it may come back: it read too slowly, or needs a fresh token. */
const LET_GO: ReadonlySet<number> = new Set([
  CLOSE_CODES.TRY_AGAIN_LATER.code,
  CLOSE_CODES.UNAUTHORIZED.code,
]);

/** Whether a client may come back to its session: not where either side said goodbye. */
export function mayComeBack(reason: DisconnectReason, { code, initiator }: ClosedInfo): boolean {
  return LOST.has(reason) || (initiator === 'server' && LET_GO.has(code));
}
