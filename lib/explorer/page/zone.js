/** Returns the zone of a time in the browser: `UTC`, `UTC+02:00`. It may change during the year. */
export function zoneOf(date) {
  const offset = -date.getTimezoneOffset();
  if (offset === 0) return 'UTC';
  const two = (value) => String(Math.floor(value)).padStart(2, '0');
  return `UTC${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}
