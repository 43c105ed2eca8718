const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Reads a time: `500`, `500ms`, `2s`, `1.5m` or `1h`.
 *
 * @returns milliseconds; `undefined` if the text is no time
 */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * UNITS[unit]!;
}
