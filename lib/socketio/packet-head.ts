/** The types of Socket.IO packets, as they are written on the wire. */
export const PACKET = {
  CONNECT: 0,
  DISCONNECT: 1,
  EVENT: 2,
  ACK: 3,
  CONNECT_ERROR: 4,
  BINARY_EVENT: 5,
  BINARY_ACK: 6,
} as const;

/** Characters of a namespace. The paths of gateways are shorter. */
export const MAX_NAMESPACE_LENGTH = 1024;

const COMMA = 0x2c;
const DASH = 0x2d;
const SLASH = 0x2f;
const ZERO = 0x30;
/** Engine.IO's type `message`, which begins every Socket.IO packet in a text frame. */
const MESSAGE = 0x34;
/** Digits of the number of attachments. */
const MAX_COUNT_DIGITS = 6;

/** What a Socket.IO packet says before its id and its arguments. */
interface PacketHead {
  /** One of {@link PACKET}. */
  readonly type: number;
  /** How many binary frames follow: at least 1 in the binary types, 0 in all others. */
  readonly attachments: number;
  /** Begins with a slash. A part of the packet's text: detach it before you keep it. */
  readonly namespace: string;
  /** The index after the namespace and its comma, where the id or the arguments begin. */
  readonly end: number;
}

/** Whether a text is an event without attachments in the namespace `/`, the most frequent packet. */
export function isRootEvent(text: string): boolean {
  return (
    text.charCodeAt(1) === ZERO + PACKET.EVENT &&
    text.charCodeAt(0) === MESSAGE &&
    text.charCodeAt(2) !== SLASH
  );
}

/** Returns the value of a digit's character code; anything else than 0 to 9: the code is no digit. */
export function digitOf(code: number): number {
  return code - ZERO;
}

/**
 * Reads the beginning of a Socket.IO packet that has the prefix of Engine.IO, such as `42/chat,`.
 *
 * @returns `undefined` if it is malformed, or its namespace is longer than {@link MAX_NAMESPACE_LENGTH}
 */
export function readHead(text: string): PacketHead | undefined {
  if (text.charCodeAt(0) !== MESSAGE) return undefined;
  const type = digitOf(text.charCodeAt(1));
  // NaN, for a text that ends here, fails both comparisons
  if (!(type >= PACKET.CONNECT && type <= PACKET.BINARY_ACK)) return undefined;
  let at = 2;
  let attachments = 0;
  if (type >= PACKET.BINARY_EVENT) {
    for (let digit = digitOf(text.charCodeAt(at)); digit >= 0 && digit <= 9;) {
      attachments = attachments * 10 + digit;
      digit = digitOf(text.charCodeAt(++at));
    }
    if (text.charCodeAt(at) !== DASH || attachments === 0 || at - 2 > MAX_COUNT_DIGITS) return undefined;
    at++;
  }
  if (text.charCodeAt(at) !== SLASH) return { type, attachments, namespace: '/', end: at };
  const longest = Math.min(text.length, at + MAX_NAMESPACE_LENGTH);
  let end = at + 1;
  while (end < longest && text.charCodeAt(end) !== COMMA) end++;
  const isLast = end === text.length;
  if (!isLast && text.charCodeAt(end) !== COMMA) return undefined;
  return { type, attachments, namespace: text.slice(at, end), end: isLast ? end : end + 1 };
}
