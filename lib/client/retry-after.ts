/** `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that servers may send (RFC 9110, section 5.6.7). */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Returns `Retry-After` in milliseconds. The header holds seconds or a date (RFC 9110, section 10.2.3). */
export function parseRetryAfter(header: unknown): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000 || undefined;
  // Date.parse accepts almost any text
  const time = HTTP_DATE.test(header) ? Date.parse(header) - Date.now() : 0;
  return time > 0 ? time : undefined;
}
