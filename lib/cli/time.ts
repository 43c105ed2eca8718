/** The time of day of a clock that the user reads: `12:30:00.123`. */
export function timeOfDay(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

/** Rounds milliseconds to a hundredth. */
export function roundTime(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
