const MAX_DEPTH = 32;

/**
 * Returns the canonical text of a value: equal values have equal texts, regardless of the key order of objects.
 * Supports strings, numbers, booleans, bigints, dates, bytes, database identifiers, and arrays and plain objects of
 * those.
 *
 * @returns `undefined` for any other value, since two different values could get the same text: class instances may
 * differ in private fields only. Also `undefined` below 32 levels of nesting.
 */
export function canonical(value: unknown, depth = 0): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || depth > MAX_DEPTH) return undefined;
  if (Array.isArray(value))
    return wrap(
      '[]',
      value.map((entry) => canonical(entry ?? null, depth + 1)),
    );
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : `date(${value.getTime()})`;
  const id = databaseId(value);
  if (id !== undefined) return `id(${id})`;
  // Object.entries skips symbol keys, so two objects that differ in them would get the same text
  if (!isPlain(value) || Object.getOwnPropertySymbols(value).length > 0) return undefined;
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return wrap(
    '{}',
    entries
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, entry]) => {
        const text = canonical(entry, depth + 1);
        return text && `${JSON.stringify(key)}:${text}`;
      }),
  );
}

function wrap(brackets: string, parts: readonly (string | undefined)[]): string | undefined {
  if (parts.includes(undefined)) return undefined;
  return `${brackets[0]}${parts.join()}${brackets[1]}`;
}

/** Returns whether an object is a literal, or has no prototype. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // not compared by identity: objects of another realm have another Object.prototype
  return prototype === null || Object.hasOwn(prototype as object, 'isPrototypeOf');
}

/** Returns the text of an identifier that is an object: MongoDB's `ObjectId` or `UUID`, or bytes. */
export function databaseId(value: object): string | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  const toHexString: unknown = Reflect.get(value, 'toHexString');
  if (typeof toHexString !== 'function') return undefined;
  const text: unknown = Reflect.apply(toHexString, value, []);
  return typeof text === 'string' && text !== '' ? text : undefined;
}
