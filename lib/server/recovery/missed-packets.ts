import type { Frame } from '../transport/frame.js';
import { PLACE } from '../rooms/outgoing-message.js';
import { encodePacket } from '../rooms/packet-encoder.js';
import { ENVELOPE } from '../transport/encoding.js';
import { REVOKED } from '../rooms/target.js';

/**
 * Encodes the packets that a client missed. The last element of each is its position in the log, as in Socket.IO.
 *
 * @returns `undefined` if one of the packets revokes the session
 */
export function toFrames(packets: readonly (readonly unknown[])[]): Frame[] | undefined {
  const frames: Frame[] = [];
  for (const packet of packets) {
    const data = packet.slice(0, -1);
    if (data[0] === REVOKED) return undefined;
    for (const message of encodePacket({ data, [PLACE]: packet.at(-1) as string }))
      frames.push(message.frame(ENVELOPE));
  }
  return frames;
}
