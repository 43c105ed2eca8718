/**
 * Every code with which the server closes a connection: codes of RFC 6455, section 7.4.1, and codes from 4000 to 4999, which
 * the RFC leaves to applications. `reconnect` says what a client does: `'yes'` reconnects with backoff, `'later'` reconnects
 * after a longer delay, `'no'` does not reconnect, because the next attempt would fail, too, until something changes.
 *
 * @example
 * observe('disconnect', ({ closed }) => {
 *   if (closed.code === CLOSE_CODES.TRY_AGAIN_LATER.code) metrics.count('slow client');
 * });
 */
export const CLOSE_CODES = {
  NORMAL: { code: 1000, reconnect: 'no', means: 'the server disconnected the client: client.disconnect()' },
  GOING_AWAY: { code: 1001, reconnect: 'yes', means: 'the server shuts down or restarts' },
  PROTOCOL_ERROR: { code: 1002, reconnect: 'no', means: 'a frame that breaks RFC 6455' },
  INVALID_DATA: { code: 1007, reconnect: 'no', means: 'a text message that is not UTF-8' },
  POLICY_VIOLATION: {
    code: 1008,
    reconnect: 'no',
    means: 'the client was refused, or kept sending malformed or too many messages',
  },
  TOO_LARGE: { code: 1009, reconnect: 'no', means: 'a message over maxPayload' },
  INTERNAL_ERROR: { code: 1011, reconnect: 'later', means: 'handleConnection failed or did not settle' },
  TRY_AGAIN_LATER: {
    code: 1013,
    reconnect: 'later',
    means: 'the client reads too slowly, or none of its requests completes',
  },
  UNAUTHORIZED: {
    code: 4401,
    reconnect: 'yes',
    means: 'the credentials expired: reconnect with a fresh token',
  },
  DUPLICATE_ID: { code: 4409, reconnect: 'no', means: 'a request used the id of a request in flight' },
} as const satisfies Record<string, CloseCode>;

/** One row of {@link CLOSE_CODES}. */
export interface CloseCode {
  readonly code: number;
  readonly reconnect: 'yes' | 'later' | 'no';
  readonly means: string;
}

/** Whether a close frame may carry the code (RFC 6455, section 7.4, and the IANA registry up to 1014). */
export function isCloseCode(code: unknown): boolean {
  if (typeof code !== 'number' || !Number.isInteger(code)) return false;
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

/** The body of a close frame has at most 125 bytes; the code takes two of them (RFC 6455, section 5.5). */
const MAX_REASON_BYTES = 123;

/** Cuts a close reason to 123 bytes of UTF-8, between characters. */
export function truncateReason(reason: string): string {
  if (reason.length * 3 <= MAX_REASON_BYTES) return reason;
  let bytes = 0;
  let text = '';
  for (const character of reason) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes > MAX_REASON_BYTES) break;
    text += character;
  }
  return text;
}
