import { isUtf8 } from 'node:buffer';

/** Bytes of the longest header of a frame with a mask (RFC 6455, section 5.2). */
export const MAX_HEADER_SIZE = 14;

const FINAL_TEXT = 0x81;
const MASK_SIZE = 4;
const MASKED = 0x80;
const LENGTH = 0x7f;

/** How long the header is of the frame that begins there; 0: too little of it has come to tell. */
export function headerSize(bytes: Buffer, at: number): number {
  if (bytes.length - at < 2) return 0;
  const second = bytes[at + 1]!;
  const length = second & LENGTH;
  const size = (length < 126 ? 2 : length === 126 ? 4 : 10) + ((second & MASKED) === 0 ? 0 : MASK_SIZE);
  return bytes.length - at < size ? 0 : size;
}

/** Bytes of payload, as the header tells that is there whole. */
export function payloadLength(bytes: Buffer, at: number): number {
  const length = bytes[at + 1]! & LENGTH;
  if (length < 126) return length;
  if (length === 126) return bytes.readUInt16BE(at + 2);
  return bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
}

/** Whether the frame is a whole message of text, with a mask. */
export function isPlainText(bytes: Buffer, at: number): boolean {
  return bytes[at] === FINAL_TEXT && (bytes[at + 1]! & MASKED) !== 0;
}

/** Takes the mask off a payload, and reads it; `undefined`, and the mask as it was, where it is no UTF-8. */
export function takeText(bytes: Buffer, from: number, to: number): string | undefined {
  // plain ASCII, which is seen on the way, needs no check and is read twice as fast
  if (applyMask(bytes, from, to)) return bytes.toString('latin1', from, to);
  if (isUtf8(bytes.subarray(from, to))) return bytes.toString('utf8', from, to);
  applyMask(bytes, from, to);
  return undefined;
}

/** @returns whether all that came out is ASCII */
function applyMask(bytes: Buffer, from: number, to: number): boolean {
  const one = bytes[from - 4]!;
  const two = bytes[from - 3]!;
  const three = bytes[from - 2]!;
  const four = bytes[from - 1]!;
  let seen = 0;
  let i = from;
  for (; i + 3 < to; i += 4) {
    seen |= bytes[i]! ^= one;
    seen |= bytes[i + 1]! ^= two;
    seen |= bytes[i + 2]! ^= three;
    seen |= bytes[i + 3]! ^= four;
  }
  if (i < to) seen |= bytes[i]! ^= one;
  if (i + 1 < to) seen |= bytes[i + 1]! ^= two;
  if (i + 2 < to) seen |= bytes[i + 2]! ^= three;
  return seen < 0x80;
}
