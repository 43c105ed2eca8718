import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { RawFrame } from './raw-client.js';

/** The first reserved bit, which marks a compressed message (RFC 7692, section 6). */
export const COMPRESSED = 4;

/** Compresses one message without a context (RFC 7692, section 7.2.1). */
export const deflated = (payload: string | Buffer): Buffer =>
  deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

/**
 * Returns the text of one frame, decompressed by a decoder that has seen no other frame (RFC 7692, section 7.2.2).
 *
 * @param windowBits the window of the decoder
 */
export function textOf({ fin, rsv, payload }: RawFrame, windowBits = 15): string {
  if (!fin) throw new Error('a part of a message');
  if (rsv === 0) return payload.toString();
  if (rsv !== COMPRESSED) throw new Error(`reserved bits ${rsv}`);
  const whole = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]);
  // with small chunks of output, zlib looks back no further than its window
  return inflateRawSync(whole, { windowBits, chunkSize: 64, finishFlush: constants.Z_SYNC_FLUSH }).toString();
}
