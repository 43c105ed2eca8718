import type { Frame } from '../transport/frame.js';
import { encodePacket } from '../rooms/packet-encoder.js';
import { ENVELOPE } from '../transport/encoding.js';
import { REVOKED } from '../rooms/target.js';

/** Flags that are appended to the event and the payload of a packet. */
const VOLATILE = 0;
const BARE = 1;

/**
 * Encodes the packets that a client missed, except those that {@link withFlag} flagged as volatile.
 *
 * @returns `undefined` if one of the packets revokes the session
 */
export function toFrames(packets: readonly (readonly unknown[])[]): Frame[] | undefined {
  const frames: Frame[] = [];
  for (const packet of packets) {
    // packets of other senders may have an event only
    const [event, data, flag] = packet.slice(0, -1);
    if (event === REVOKED) return undefined;
    if (flag === VOLATILE) continue;
    const bare = flag === BARE ? { bare: true as const } : {};
    for (const message of encodePacket({ data: [event, data, packet.at(-1)], ...bare }))
      frames.push(message.frame(ENVELOPE));
  }
  return frames;
}

/**
 * Returns the data of a packet with its flag appended. Adapters return only the data of a missed packet, so the flag
 * has to be part of it.
 */
export function withFlag(data: readonly unknown[], isVolatile: boolean, isBare: boolean): unknown[] {
  const [event, payload] = data;
  if (isVolatile) return [event, payload, VOLATILE];
  return isBare ? [event, payload, BARE] : [event, payload];
}
