/** What an option that names a port takes, for errors. */
export const PORT = 'a whole number from 0 to 65535';

/** A port as a number; `undefined` where it is none. What comes from the environment is a text. */
export function toPort(value: unknown): number | undefined {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : undefined;
}
