import type { Frame } from '../transport/frame.js';
import { OutgoingMessage, LOG_OFFSET } from '../rooms/outgoing-message.js';
import type { Encoding } from '../transport/encoding.js';
import { REVOKED } from '../rooms/target.js';

/**
 * Encodes the packets that a client missed. The last element of each is its offset in the log, as in Socket.IO. Leaves
 * out a packet of another sender that the encoding cannot carry, as it is when it arrives at a connected client.
 *
 * @param metas the metadata of the packets by offset
 * @returns `undefined` if one of the packets revokes the session
 */
export function toFrames(
  packets: readonly (readonly unknown[])[],
  encoding: Encoding,
  metas: ReadonlyMap<string, object>,
): Frame[] | undefined {
  const frames: Frame[] = [];
  for (const packet of packets) {
    const data = packet.slice(0, -1);
    if (data[0] === REVOKED) return undefined;
    const offset = packet.at(-1) as string;
    const meta = metas.get(offset);
    const message = new OutgoingMessage({ data, [LOG_OFFSET]: offset, ...(meta && { meta }) });
    try {
      frames.push(message.frame(encoding));
    } catch {
      // reported when it arrived
    }
  }
  return frames;
}
