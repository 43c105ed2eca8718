import { encodeEvent } from '../../protocol/codec.js';
import type { EventPacket } from './adapter-types.js';
import { Frame, type Placement } from '../transport/frame.js';
import { REVOKED } from './target.js';

/** An event packet as adapters pass it, with its position in the log once that is known. */
type Packet = Omit<EventPacket, 'type'> & { place?: Placement };

/**
 * Encodes a packet of an adapter. A broadcast becomes one frame, which all its recipients share.
 *
 * @throws TypeError on a packet without an event, which a faulty node may send
 */
export function encodePacket(packet: Packet): Frame[] {
  const [event, data, ...rest] = packet.data;
  if (event === REVOKED) return [];
  if (typeof event !== 'string') throw new TypeError('a packet has no event');
  // own properties only: an id on Object.prototype would turn every broadcast into a request
  const id = Object.hasOwn(packet, 'id') ? packet.id : undefined;
  const payload = Object.hasOwn(packet, 'bare') ? undefined : data;
  const text = encodeEvent(
    event,
    payload,
    id,
    false,
    Object.hasOwn(packet, 'meta') ? packet.meta : undefined,
  );
  // adapters with a log append the position
  const offset = rest.at(-1);
  return [new Frame(text, true, typeof offset === 'string' ? offset : packet.place)];
}
