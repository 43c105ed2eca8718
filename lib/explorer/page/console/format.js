const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Formats a whole number: `1,234`. */
export const count = (number) => (Number.isFinite(number) ? whole.format(number) : '–');

/** Formats a rate: `0`, `0.4`, `12`. */
export function rate(perSecond) {
  if (!Number.isFinite(perSecond)) return '–';
  return perSecond === 0 || perSecond >= 10 ? whole.format(perSecond) : oneDigit.format(perSecond);
}

/** Formats bytes: `512 B`, `1.5 KiB`, `23 MiB`. */
export function bytes(number) {
  if (!Number.isFinite(number)) return '–';
  let [value, unit] = [number, 'B'];
  for (const next of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (value < 1024) break;
    [value, unit] = [value / 1024, next];
  }
  return `${unit === 'B' || value >= 10 ? whole.format(value) : oneDigit.format(value)} ${unit}`;
}

/** Formats a duration in milliseconds by its two largest units: `5 s`, `3 min 20 s`, `2 h 5 min`, `4 d 7 h`. */
export function duration(milliseconds) {
  if (!Number.isFinite(milliseconds)) return '–';
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

/** Returns the zone of a time in the browser: `UTC`, `UTC+02:00`. It may change during the year. */
function zoneOf(date) {
  const offset = -date.getTimezoneOffset();
  if (offset === 0) return 'UTC';
  const two = (value) => String(Math.floor(value)).padStart(2, '0');
  return `UTC${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}

/** Formats a time of day: `14:03:07 UTC+02:00`. Who reads a screenshot may be in another zone. */
export function clock(time) {
  const date = new Date(time);
  return `${date.toLocaleTimeString('en-GB')} ${zoneOf(date)}`;
}

/** Formats a date and time: `2026-11-30 14:03:07 UTC+02:00`. */
export function moment(time) {
  const date = new Date(time);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return `${day.map((part) => String(part).padStart(2, '0')).join('-')} ${clock(time)}`;
}

/** Returns `1 connection`, `2,000 connections`. */
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
