/** The valid values of a port option, for error messages. */
export const PORT = 'a whole number from 0 to 65535';

/**
 * Returns a port as a number; `undefined` if the value is not a port. Accepts strings, since environment variables are
 * strings.
 */
export function toPort(value: unknown): number | undefined {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : undefined;
}
