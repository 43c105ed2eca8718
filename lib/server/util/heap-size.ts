/** Bytes that V8 allocates for a string in addition to its characters. */
const STRING = 24;
/** Bytes of an empty object, array, Map or Set. */
const OBJECT = 56;
/** Bytes of one field, element or entry. */
const SLOT = 16;
/** Bytes of one entry of a Map or a Set, which allocate spare capacity. */
const ENTRY = 48;

/** Returns the heap bytes of a string's characters: one each in ASCII text, two each in other text. */
export function textBytes(text: string): number {
  // Latin-1 text takes one byte per character as well, but detecting it would cost a second pass
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}

/** Returns the heap bytes of a string. */
export function stringBytes(text: string): number {
  return STRING + textBytes(text);
}

/**
 * Estimates the heap bytes that a value keeps alive. Functions and their closures are not counted.
 *
 * @param max the estimate stops once it exceeds this number of bytes, since a value may reference the whole application
 */
export function valueBytes(value: unknown, max: number): number {
  const seen = new Set<object>();
  const pending: unknown[] = [value];
  let bytes = 0;
  while (pending.length > 0 && bytes <= max) {
    const next = pending.pop();
    if (typeof next === 'string') bytes += stringBytes(next);
    else if (typeof next === 'bigint') bytes += STRING + next.toString(16).length / 2;
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    bytes += OBJECT;
    if (ArrayBuffer.isView(next) || next instanceof ArrayBuffer) bytes += next.byteLength;
    else if (next instanceof Map || next instanceof Set) {
      bytes += ENTRY * next.size;
      for (const [key, entry] of next.entries()) pending.push(key, entry);
    } else bytes += fieldBytes(next, max - bytes, pending);
  }
  return bytes;
}

/** Returns the bytes of an object's fields, and adds their values to `pending`. */
function fieldBytes(value: object, max: number, pending: unknown[]): number {
  let bytes = 0;
  for (const name of Object.keys(value)) {
    bytes += SLOT;
    // V8 shares field names that are in the source code, but not those that a client sent
    if (!Array.isArray(value)) bytes += stringBytes(name);
    const field = Object.getOwnPropertyDescriptor(value, name);
    if (field !== undefined && 'value' in field) pending.push(field.value);
    if (bytes > max) break;
  }
  return bytes;
}
