/** Bytes that V8 takes for a string itself, beside its characters. */
const STRING = 24;
/** Bytes of an object, an array, a Map or a Set without entries. */
const OBJECT = 56;
/** Bytes of one field, element or entry. */
const SLOT = 16;
/** Bytes of one entry of a Map or a Set, which have room to grow. */
const ENTRY = 48;

/** Bytes of the heap that a string's characters take: one each in ASCII text, two each in other text. */
export function textBytes(text: string): number {
  // Latin-1 text takes one byte each as well; to tell it apart would cost a second pass
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}

/** Bytes of the heap that a string takes. */
export function stringBytes(text: string): number {
  return STRING + textBytes(text);
}

/**
 * The same text in memory of its own. A part of a longer string, which `split` and `slice` return, keeps the whole of
 * it alive, and a client may have sent a megabyte to choose a room of twenty characters.
 */
export function detach(text: string): string {
  const encoding = Buffer.byteLength(text) === text.length ? 'latin1' : 'utf16le';
  return Buffer.from(text, encoding).toString(encoding);
}

/**
 * Estimates the bytes of the heap that a value keeps alive. Functions, and what they close over, count nothing.
 *
 * @param max the estimate ends once it exceeds this: a value may lead to the whole application
 */
export function valueBytes(value: unknown, max: number): number {
  const seen = new Set<object>();
  const open: unknown[] = [value];
  let bytes = 0;
  while (open.length > 0 && bytes <= max) {
    const next = open.pop();
    if (typeof next === 'string') bytes += stringBytes(next);
    else if (typeof next === 'bigint') bytes += STRING + next.toString(16).length / 2;
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    bytes += OBJECT;
    if (ArrayBuffer.isView(next) || next instanceof ArrayBuffer) bytes += next.byteLength;
    else if (next instanceof Map || next instanceof Set) {
      bytes += ENTRY * next.size;
      for (const [key, held] of next.entries()) open.push(key, held);
    } else bytes += ownBytes(next, max - bytes, open);
  }
  return bytes;
}

/** Bytes of an object's fields. What they hold is added to `open`. */
function ownBytes(value: object, max: number, open: unknown[]): number {
  let bytes = 0;
  for (const name of Object.keys(value)) {
    bytes += SLOT;
    // names of fields that a program wrote are shared, those that a client sent are not
    if (!Array.isArray(value)) bytes += stringBytes(name);
    const field = Object.getOwnPropertyDescriptor(value, name);
    if (field !== undefined && 'value' in field) open.push(field.value);
    if (bytes > max) break;
  }
  return bytes;
}
