/**
 * Copies a string into memory that it shares with no other string. A substring, as `split` and `slice` return it, keeps
 * the whole string alive that it was cut from: a room name of twenty characters could hold a client's message of a
 * megabyte.
 */
export function detach(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
