import { ENVELOPE } from '../transport/encoding.js';
import type { PendingOffset } from '../transport/frame.js';
import type { EventPacket } from './adapter-types.js';
import { OutgoingMessage } from './outgoing-message.js';
import { REVOKED } from './target.js';

/** An event packet of Socket.IO's adapter contract, and its place in the log, known or not yet. */
type Packet = Omit<EventPacket, 'type'> & { place?: PendingOffset };

/**
 * Makes the message of a broadcast: adapters call this once, and hand the result to every recipient. The envelope is
 * encoded at once, so that data which JSON cannot carry throws where the application emits it, recipients or not.
 *
 * @throws TypeError on data that JSON cannot carry, and on a packet of another node that has no event
 */
export function encodePacket(packet: Packet): OutgoingMessage[] {
  const [event, data, ...rest] = packet.data;
  if (event === REVOKED) return [];
  if (typeof event !== 'string') throw new TypeError('a packet has no event');
  // own properties only: an id on Object.prototype would make every broadcast a request
  const id = Object.hasOwn(packet, 'id') ? packet.id : undefined;
  const payload = Object.hasOwn(packet, 'bare') ? undefined : data;
  const meta = Object.hasOwn(packet, 'meta') ? packet.meta : undefined;
  // adapters that keep a log add the position at the end
  const offset = rest.at(-1);
  const place = typeof offset === 'string' ? offset : packet.place;
  const message = new OutgoingMessage(event, payload, id, meta, place);
  message.frame(ENVELOPE);
  return [message];
}
