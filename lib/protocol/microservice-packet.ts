import { isRecord } from './json.js';
import { writePayload } from './payload.js';

/** A message that a client sends by the microservice protocol (PROTOCOL.md, section "Microservices"). */
export interface Packet {
  /** The server answers a `message`, and does not answer an `event`. */
  readonly kind: 'message' | 'event';
  /** The pattern that `@MessagePattern` or `@EventPattern` declares: a string, a number or an object. */
  readonly pattern: unknown;
  readonly payload: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Characters of a pattern, written as JSON. */
const MAX_PATTERN_LENGTH = 1_024;

/**
 * Checks the fields of a message that has `kind`.
 *
 * @returns the packet, or a text that says what is wrong
 */
export function toPacket({
  kind,
  pattern,
  payload,
  metadata = {},
}: Readonly<Record<string, unknown>>): Packet | string {
  if (kind !== 'message' && kind !== 'event') return 'kind must be message or event';
  const isPattern = typeof pattern === 'string' || typeof pattern === 'number' || isRecord(pattern);
  if (!isPattern) return 'pattern must be a string, a number or an object';
  if (textOfPattern(pattern).length > MAX_PATTERN_LENGTH)
    return `pattern must not exceed ${MAX_PATTERN_LENGTH} characters`;
  if (!isRecord(metadata)) return 'metadata must be an object';
  return { kind, pattern, payload, metadata };
}

/** Returns a pattern as text, as Nest's transports do. */
export function textOfPattern(pattern: unknown): string {
  return typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
}

/**
 * Writes one answer to a message: a value, or an error. The answer is the final one unless `more` is set.
 *
 * @throws TypeError that names the pattern and the place in the payload, if JSON cannot carry the payload
 */
export function encodePacket(
  kind: 'response' | 'error',
  pattern: unknown,
  payload: unknown,
  id: string | number | undefined,
  more: boolean,
): string {
  const packet = { kind, pattern, payload, metadata: {}, id, more: more || undefined };
  return writePayload(payload, textOfPattern(pattern), 'payload', packet)!;
}
