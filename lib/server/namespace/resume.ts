import type { IncomingMessage } from 'node:http';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { ResumableSession } from '../socket/resumable-session.js';
import { grantOf, hasGrantedUser, ownsSession, type Grant } from '../handshake/grant.js';
import { dataOf } from '../handshake/user-identity.js';
import type { Recovery } from '../recovery/types.js';
import { applyRestoreOption } from './restore-session.js';
import { socketIdOf, type Session } from '../recovery/session.js';
import { offersEnvelope } from '../handshake/subprotocols.js';

/** Whether a client may be somebody who comes back: only those that negotiate the envelope's version do. */
export function mayResume(recovery: Recovery | undefined, request: IncomingMessage): recovery is Recovery {
  return recovery !== undefined && offersEnvelope(request);
}

/**
 * Gives a client that its guards let in the session back that it shows the token of: id, rooms, data, and what it
 * missed. It stays a new one where that cannot be, or where the guards took it for somebody else this time.
 */
export async function resume(client: EnvelopeSocket, recovery: Recovery): Promise<void> {
  await recovery.ready;
  const { session: token, offset } = client.handshake.auth as Record<string, unknown>;
  if (typeof token !== 'string' || typeof offset !== 'string') return;
  disconnectTokenOwner(client.nsp.sockets as ReadonlyMap<string, unknown>, token);
  const found = await recovery.resume(token, offset, {
    address: client._upgrade.clientInfo.rateKey,
    isShared: client._upgrade.clientInfo.isShared,
    maxBytes: client.nsp._config.limits.maxBufferedBytes,
    isOver: () => client._isEnded,
  });
  if (found === undefined) return;
  if (client._isEnded) return found.putBack();
  // whoever shows another's token has used it up
  const isSame = ownsSession(client, (client._grant ??= grantOf(client)), found.session.identity);
  // one that was there before it joined its rooms would get what was said in them to others
  const isItsOwn = !recovery.isLater(found.session.from, offset);
  const isBack = isSame && isItsOwn && (await applyRestoreOption(client, found));
  if (isBack && client._isEnded) return found.putBack();
  const size = found.missed.reduce((sum, frame) => sum + frame.payload.length, 0);
  if (isBack && size <= client.nsp._config.limits.maxBufferedBytes)
    (client._session ??= new ResumableSession(client)).resume(found);
  else found.finish();
}

/** Keeps the session of a client that leaves, if it is known whose it is. */
export function storeSession(recovery: Recovery, client: EnvelopeSocket, session: Session): void {
  const { id, rooms, _userRoom: userRoom, _grant: grant, _undoAuth: undo } = client;
  undo?.();
  if (grant?.key === undefined || !hasGrantedUser(client, grant)) return;
  const { token, sent, from, changes } = session;
  const [, former] = client._session?.tokens ?? [];
  session.isKept = true;
  recovery.save({
    token,
    former,
    id,
    // what was sent to its user is among what it misses
    rooms: userRoom === undefined ? [...rooms] : [...rooms, userRoom],
    data: dataToStore(client, grant, undo !== undefined),
    identity: grant.key,
    sent,
    from,
    changes,
    address: client._upgrade.clientInfo.rateKey,
  });
}

/** What a client comes back to of its `data`: what its guards had put there is for its guards to put there again. */
function dataToStore(client: EnvelopeSocket, { keys }: Grant, isWritten: boolean): unknown {
  const data = dataOf(client);
  // not an object: what guards put there is theirs as a whole
  if (data === undefined) return keys === undefined ? undefined : (client.data as unknown);
  if (!isWritten && (keys === undefined || keys.size === 0)) return data;
  // a copy: `handleDisconnect` may still look into it, and guards may still write
  const kept = Object.assign(Object.create(Object.getPrototypeOf(data) as object | null), data) as object;
  for (const key of keys ?? []) Reflect.deleteProperty(kept, key);
  return kept;
}

/** Another node has a client on the line that shows the token of one of ours: that line is dead, or soon will be. */
export function releaseSession(
  sockets: ReadonlyMap<string, EnvelopeSocket>,
  [token, answer]: readonly unknown[],
): void {
  const isOurs = typeof token === 'string' && disconnectTokenOwner(sockets, token);
  if (typeof answer === 'function') Reflect.apply(answer, undefined, [isOurs]);
}

/** @returns whether there was such a client; its session can be taken now */
export function disconnectTokenOwner(sockets: ReadonlyMap<string, unknown>, token: string): boolean {
  const client = sockets.get(socketIdOf(token)) as EnvelopeSocket | undefined;
  if (client?._session?.tokens.includes(token) !== true) return false;
  client._end('transport close', CLOSE_CODES.NORMAL.code, 'resumed on another connection');
  return true;
}
