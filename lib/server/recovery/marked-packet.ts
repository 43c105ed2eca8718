import type { Frame } from '../transport/frame.js';
import { encodePacket } from '../rooms/packet-encoder.js';
import { ENVELOPE } from '../transport/encoding.js';
import { REVOKED } from '../rooms/target.js';

/** Marks behind an event and its payload. */
const VOLATILE = 0;
const BARE = 1;

/**
 * Encodes what a client missed, without what {@link markPacket} marked as not to be kept.
 *
 * @returns `undefined` where one of the packets ends the session
 */
export function toFrames(packets: readonly (readonly unknown[])[]): Frame[] | undefined {
  const frames: Frame[] = [];
  for (const packet of packets) {
    // of other senders there may be an event alone
    const [event, data, mark] = packet.slice(0, -1);
    if (event === REVOKED) return undefined;
    if (mark === VOLATILE) continue;
    const bare = mark === BARE ? { bare: true as const } : {};
    for (const message of encodePacket({ data: [event, data, packet.at(-1)], ...bare }))
      frames.push(message.frame(ENVELOPE));
  }
  return frames;
}

/** Adapters hand back of a packet that was missed its data alone: what else matters has to be in there. */
export function markPacket(data: readonly unknown[], isVolatile: boolean, isBare: boolean): unknown[] {
  const [event, payload] = data;
  if (isVolatile) return [event, payload, VOLATILE];
  return isBare ? [event, payload, BARE] : [event, payload];
}
