import type { IncomingMessage } from 'node:http';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { ResumableSession } from '../socket/resumable-session.js';
import { grantOf, hasGrantedUser, ownsSession, type Grant } from '../handshake/grant.js';
import { dataOf } from '../handshake/user-identity.js';
import type { Recovery } from '../recovery/types.js';
import { applyRestoreOption } from './restore-session.js';
import { socketIdOf, type Session } from '../recovery/session.js';
import { isRepeatedFrom } from '../recovery/offset-gap.js';
import { callSafely } from '../util/safe-call.js';
import { offersEnvelope } from '../handshake/subprotocols.js';

/** Returns whether a client may resume a session. Only clients of Socket.IO and those that offer `envelope.v1` can. */
export function mayResume(
  recovery: Recovery | undefined,
  { httpRequest, auth }: { readonly httpRequest: IncomingMessage; readonly auth?: object },
): recovery is Recovery {
  return recovery !== undefined && (auth !== undefined || offersEnvelope(httpRequest));
}

/**
 * Restores the session whose token a client sends: its id, rooms and data, and the messages that it missed. The guards
 * have accepted the client before. The client gets a new session if the token is invalid, or if the guards identified a
 * different user this time.
 */
export async function resume(client: EnvelopeSocket, recovery: Recovery): Promise<void> {
  await recovery.ready;
  const { token, offset } = client._connection.encoding.resumeCredentials(client.handshake.auth);
  if (typeof token !== 'string' || typeof offset !== 'string') return;
  disconnectTokenOwner(client.nsp.sockets as ReadonlyMap<string, unknown>, token);
  const found = await recovery.resume(token, offset, {
    address: client._upgrade.clientInfo.rateKey,
    isShared: client._upgrade.clientInfo.isShared,
    maxBytes: client.nsp._config.limits.maxBufferedBytes,
    encoding: client._connection.encoding,
    isOver: () => client._isEnded,
  });
  if (found === undefined) return;
  if (client._isEnded) return found.putBack();
  // a token is valid once, even if another user presents it
  const isOwner = ownsSession(client, (client._grant ??= grantOf(client)), found.session.identity);
  // an offset before the session began would replay messages that were sent to the rooms before the client joined them
  const isOffsetOfSession = !recovery.isLater(found.session.from, offset);
  const isExact = !isRepeatedFrom(found.session.gap, offset, recovery);
  const canResume = isOwner && isOffsetOfSession && isExact && (await applyRestoreOption(client, found));
  if (canResume && client._isEnded) return found.putBack();
  const size = found.missed.reduce((sum, frame) => sum + frame.length, 0);
  if (canResume && size <= client.nsp._config.limits.maxBufferedBytes)
    (client._session ??= new ResumableSession(client)).resume(found);
  else found.finish();
}

/**
 * Stores the session of a client that disconnects, if its guards identified an owner and the client still has the same
 * user. Reports a failure.
 */
export function storeSession(recovery: Recovery, client: EnvelopeSocket, session: Session): void {
  callSafely(
    () => store(recovery, client, session),
    (error) => client.nsp._report(error, 'a session could not be stored'),
  );
}

function store(recovery: Recovery, client: EnvelopeSocket, session: Session): void {
  const { id, rooms, _userRoom: userRoom, _grant: grant, _undoAuth: undo } = client;
  undo?.();
  if (grant?.key === undefined || !hasGrantedUser(client, grant)) return;
  const { token, sent, from, changes, gap } = session;
  const [, former] = client._session?.tokens ?? [];
  session.isKept = true;
  recovery.save({
    token,
    former,
    id,
    // the client also misses the messages to its user
    rooms: userRoom === undefined ? [...rooms] : [...rooms, userRoom],
    data: dataToStore(client, grant, undo !== undefined),
    identity: grant.key,
    sent,
    from,
    changes,
    gap,
    address: client._upgrade.clientInfo.rateKey,
  });
}

/**
 * Returns a client's `data` without the keys that its guards wrote. The guards write those again when the client
 * reconnects.
 */
function dataToStore(client: EnvelopeSocket, { keys }: Grant, isWritten: boolean): unknown {
  const data = dataOf(client);
  // not an object: if guards wrote it, they wrote all of it
  if (data === undefined) return keys === undefined ? undefined : (client.data as unknown);
  if (!isWritten && (keys === undefined || keys.size === 0)) return data;
  // a copy, since `handleDisconnect` may still read the original, and guards may still write to it
  const stored = Object.assign(Object.create(Object.getPrototypeOf(data) as object | null), data) as object;
  for (const key of keys ?? []) Reflect.deleteProperty(stored, key);
  return stored;
}

/**
 * Handles the request of another node, to which a client has sent a resume token. If the session belongs to a client of
 * this node, that client's connection is stale: disconnects it, so that its session is stored. Answers whether the
 * session was here.
 */
export function releaseSession(
  sockets: ReadonlyMap<string, EnvelopeSocket>,
  [token, answer]: readonly unknown[],
): void {
  const isFound = typeof token === 'string' && disconnectTokenOwner(sockets, token);
  if (typeof answer === 'function') Reflect.apply(answer, undefined, [isFound]);
}

/**
 * Disconnects the client that a resume token belongs to, so that its session is stored.
 *
 * @returns whether a client of this node has the token
 */
function disconnectTokenOwner(sockets: ReadonlyMap<string, unknown>, token: string): boolean {
  const client = sockets.get(socketIdOf(token)) as EnvelopeSocket | undefined;
  if (client?._session?.tokens.includes(token) !== true) return false;
  client._end('transport close', CLOSE_CODES.NORMAL.code, 'resumed on another connection');
  return true;
}
