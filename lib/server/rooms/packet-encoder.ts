import { ENVELOPE } from '../transport/encoding.js';
import { OutgoingMessage, type LoggedPacket } from './outgoing-message.js';
import { REVOKED } from './target.js';

/**
 * Makes the message of a broadcast: adapters call this once, and hand the result to every recipient. The envelope is
 * encoded at once, so that data which JSON cannot carry throws where the application emits it, recipients or not.
 *
 * @throws TypeError on data that JSON cannot carry, and on a packet of another node that has no event
 */
export function encodePacket(packet: LoggedPacket): OutgoingMessage[] {
  const [event] = packet.data;
  if (event === REVOKED) return [];
  if (typeof event !== 'string') throw new TypeError('a packet has no event');
  const message = new OutgoingMessage(packet);
  message.frame(ENVELOPE);
  return [message];
}
