import type { IncomingMessage } from 'node:http';
import { CLOSE_CODES } from '../protocol/close-code.js';
import type { Conversation } from './conversation.js';
import { identityOf, knownOf } from './identity.js';
import type { Recovery } from './recovery.js';
import { idOf, type Session } from './session.js';
import { offersEnvelope } from './subprotocols.js';

/** Whether a client may be somebody who comes back: only those that negotiate the envelope's version do. */
export function mayResume(recovery: Recovery | undefined, request: IncomingMessage): recovery is Recovery {
  return recovery !== undefined && offersEnvelope(request);
}

/**
 * Gives a client that its guards let in the session back that it shows the token of: id, rooms, data, and what it
 * missed. It stays a new one where that cannot be, or where the guards took it for somebody else this time.
 */
export async function resume(client: Conversation, recovery: Recovery): Promise<void> {
  await recovery.ready;
  const { session: token, offset } = client.handshake.auth as Record<string, unknown>;
  if (typeof token !== 'string' || typeof offset !== 'string') return;
  letGoOf(client.nsp.sockets as ReadonlyMap<string, unknown>, token);
  const found = await recovery.resume(token, offset);
  if (found === undefined) return;
  if (client._gone) return found.giveBack();
  const size = found.missed.reduce((sum, frame) => sum + frame.payload.length, 0);
  // whoever shows another's token has used it up
  const isSame = found.session.identity === identityOf(knownOf(client));
  // one that was there before it joined its rooms would get what was said in them to others
  const isItsOwn = !recovery.isLater(found.session.from, offset);
  if (isSame && isItsOwn && size <= client._limits.maxBufferedBytes) client._comeBack(found);
  else found.later();
}

/** Keeps the session of a client that leaves. */
export function keepSession(recovery: Recovery, client: Conversation, session: Session): void {
  const { id, rooms } = client;
  const { token, sent, from } = session;
  const [, former] = client._tokens;
  session.isKept = true;
  const data: unknown = Reflect.get(client, 'data');
  recovery.save({
    token,
    former,
    id,
    rooms: [...rooms],
    data,
    identity: identityOf(knownOf(client)),
    sent,
    from,
  });
}

/** Another node has a client on the line that shows the token of one of ours: that line is dead, or soon will be. */
export function takeOver(
  sockets: ReadonlyMap<string, Conversation>,
  [token, answer]: readonly unknown[],
): void {
  const isOurs = typeof token === 'string' && letGoOf(sockets, token);
  if (typeof answer === 'function') Reflect.apply(answer, undefined, [isOurs]);
}

/** @returns whether there was such a client; its session can be taken now */
export function letGoOf(sockets: ReadonlyMap<string, unknown>, token: string): boolean {
  const client = sockets.get(idOf(token)) as Conversation | undefined;
  if (client?._tokens.includes(token) !== true) return false;
  client._end('transport close', CLOSE_CODES.NORMAL.code, 'resumed on another connection');
  return true;
}
