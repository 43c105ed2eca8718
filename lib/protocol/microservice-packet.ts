import { writePayload } from './payload.js';

/** A message of the microservice protocol (PROTOCOL.md, section "Microservices"), as a client sends it. */
export interface Packet {
  /** A `message` is answered, an `event` is not. */
  readonly kind: 'message' | 'event';
  /** What `@MessagePattern` and `@EventPattern` compare: a text, a number, or an object. */
  readonly pattern: unknown;
  readonly payload: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Characters of a pattern, as JSON. */
const MAX_PATTERN_LENGTH = 1_024;

/** Checks the fields of a message that has `kind`. @returns a text that says what is wrong with them, if anything */
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

/** As Nest's transports name a pattern. */
export function textOfPattern(pattern: unknown): string {
  return typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
}

/**
 * What a server says of a message: one value, the last one unless `more`, or why there is none.
 *
 * @throws TypeError that names the pattern and the place in the payload, where JSON cannot carry it
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

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
