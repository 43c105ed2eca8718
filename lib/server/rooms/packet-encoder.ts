import { encodeEvent } from '../../protocol/codec.js';
import type { EventPacket } from './adapter-types.js';
import { Frame, type Placement } from '../transport/frame.js';
import { REVOKED } from './target.js';

/** An event packet as adapters hand it over, and where in the log it is going to stand. */
type Packet = Omit<EventPacket, 'type'> & { place?: Placement };

/**
 * What adapters make frames with: one broadcast is encoded and framed once, for all its recipients.
 *
 * @throws TypeError on what another node should not have sent
 */
export function encodePacket(packet: Packet): Frame[] {
  const [event, data, ...rest] = packet.data;
  if (event === REVOKED) return [];
  if (typeof event !== 'string') throw new TypeError('a packet has no event');
  // its own only: an id that somebody put on Object.prototype would make every broadcast a request
  const id = Object.hasOwn(packet, 'id') ? packet.id : undefined;
  const payload = Object.hasOwn(packet, 'bare') ? undefined : data;
  const text = encodeEvent(
    event,
    payload,
    id,
    false,
    Object.hasOwn(packet, 'meta') ? packet.meta : undefined,
  );
  // adapters that keep a log add the position at the end
  const offset = rest.at(-1);
  return [new Frame(text, true, typeof offset === 'string' ? offset : packet.place)];
}
