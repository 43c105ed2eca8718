import { check } from './fuzz.js';

/** An independent implementation of RFC 6455 that interprets the bytes of both sides, and finds violations. */

export interface ReadFrame {
  opcode: number;
  payload: Buffer;
}

/** Parses the frames of a server. Throws at a violation. The last frame may be incomplete. */
export function readServerFrames(bytes: Buffer): { frames: ReadFrame[]; rest: Buffer } {
  const frames: ReadFrame[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const [first, second] = [bytes[at]!, bytes[at + 1]!];
    check((first & 0xf0) === 0x80, 'a fragment or a reserved bit', at, first);
    check(second < 0x80, 'a server must not mask', at, second);
    const opcode = first & 0x0f;
    check([1, 2, 8, 9, 10].includes(opcode), 'an invalid opcode', at, opcode);
    check(opcode < 8 || second < 126, 'a control frame over 125 bytes', at, second);
    const { start, length } = readLength(bytes, at, second);
    if (start + length > bytes.length) break;
    const payload = bytes.subarray(start, start + length);
    if (opcode === 1) check(isUtf8(payload), 'a text that is not UTF-8', payload);
    check(frames.at(-1)?.opcode !== 8, 'a frame after the close frame', at, opcode);
    frames.push({ opcode, payload });
    at = start + length;
  }
  return { frames, rest: bytes.subarray(at) };
}

function readLength(bytes: Buffer, at: number, second: number): { start: number; length: number } {
  if (second < 126) return { start: at + 2, length: second };
  const size = second === 126 ? 2 : 8;
  if (at + 2 + size > bytes.length) return { start: bytes.length, length: 1 };
  let length = 0n;
  for (const byte of bytes.subarray(at + 2, at + 2 + size)) length = length * 256n + BigInt(byte);
  check(length > (size === 2 ? 125n : 65_535n), 'a length in a longer form than needed', at, Number(length));
  return { start: at + 2 + size, length: Number(length) };
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The outcome of a client's bytes by the RFC. */
export interface ClientOutcome {
  messages: { isText: boolean; payload: Buffer }[];
  pings: Buffer[];
  /** The close code of the server, 1005 for none, or `undefined` when the connection stays open. */
  end: number | undefined;
  /** Whether the server waits for the rest of a frame, or for more fragments. */
  isInMiddle: boolean;
}

/** Interprets the bytes of a client like a server with this limit of the payload. */
export function interpretClientBytes(bytes: Buffer, maxPayload: number): ClientOutcome {
  const outcome: ClientOutcome = { messages: [], pings: [], end: undefined, isInMiddle: false };
  let parts: Buffer[] | undefined;
  let isText = false;
  let at = 0;
  const fail = (code: number): ClientOutcome => ({ ...outcome, end: code, isInMiddle: false });
  while (at < bytes.length) {
    if (bytes.length - at < 2) return { ...outcome, isInMiddle: true };
    const [first, second] = [bytes[at]!, bytes[at + 1]!];
    const [fin, opcode, short] = [first >= 0x80, first & 0x0f, second & 0x7f];
    const isControl = opcode >= 8;
    if ((first & 0x70) !== 0 || ![0, 1, 2, 8, 9, 10].includes(opcode)) return fail(1002);
    if (isControl ? !fin || short > 125 : (opcode === 0) !== (parts !== undefined)) return fail(1002);
    if (opcode === 8 && short === 1) return fail(1002);
    if (second < 0x80) return fail(1002);
    const size = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (bytes.length - at < 2 + size) return { ...outcome, isInMiddle: true };
    let length = size === 0 ? short : 0;
    for (const byte of bytes.subarray(at + 2, at + 2 + size)) length = length * 256 + byte;
    const sum = length + (parts ?? []).reduce((total, part) => total + part.length, 0);
    if (!isControl && sum > maxPayload) return fail(1009);
    const start = at + 2 + size + 4;
    if (bytes.length < start + length) return { ...outcome, isInMiddle: true };
    const key = bytes.subarray(start - 4, start);
    const payload = Buffer.from(bytes.subarray(start, start + length)).map((byte, i) => byte ^ key[i % 4]!);
    at = start + length;
    if (opcode === 9) outcome.pings.push(Buffer.from(payload));
    else if (opcode === 8) return fail(closeCodeOf(Buffer.from(payload)));
    else if (!isControl) {
      if (opcode !== 0) [parts, isText] = [[], opcode === 1];
      parts!.push(Buffer.from(payload));
      if (!fin) continue;
      const whole = Buffer.concat(parts!);
      parts = undefined;
      if (isText && !isUtf8(whole)) return fail(1007);
      outcome.messages.push({ isText, payload: whole });
    }
  }
  return { ...outcome, isInMiddle: parts !== undefined };
}

/** Returns the close code with which the server answers a close frame. */
function closeCodeOf(body: Buffer): number {
  if (body.length === 0) return 1005;
  const code = body.readUInt16BE();
  const isRegistered = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
  if (!isRegistered && (code < 3000 || code > 4999)) return 1002;
  return isUtf8(body.subarray(2)) ? code : 1007;
}
