import { withCode } from '../with-code.js';

/** How a runtime recognises bytes. */
type ToBytes = (value: object) => Uint8Array | undefined;

/**
 * Returns a payload as an encoder of MessagePack takes it: what JSON would make of it, but with bytes as bytes. Objects that
 * need no change are returned as they are. The payload must have passed `assertCarried`.
 *
 * @param toBytes returns the bytes of an object that stands for some, otherwise `undefined`
 * @throws TypeError if a text has a lone surrogate, which UTF-8 cannot write
 */
export function prepare(value: unknown, toBytes: ToBytes): unknown {
  return prepareField(value, '', toBytes);
}

function prepareField(given: unknown, key: string, toBytes: ToBytes): unknown {
  let value = given;
  if (typeof value === 'object' && value !== null) {
    const bytes = toBytes(value);
    if (bytes !== undefined) return bytes;
  }
  if ((typeof value === 'object' && value !== null) || typeof value === 'bigint') {
    const { toJSON } = Object(value) as { toJSON?: unknown };
    if (typeof toJSON === 'function') {
      value = Reflect.apply(toJSON, value, [key]) as unknown;
      if (typeof value === 'object' && value !== null) {
        const bytes = toBytes(value);
        if (bytes !== undefined) return bytes;
      }
    }
  }
  switch (typeof value) {
    case 'string':
      return checkText(value);
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return prepareList(value as readonly unknown[], toBytes);
      return prepareObject(unbox(value), toBytes);
    case 'function':
    case 'symbol':
      return undefined;
    default:
      return value;
  }
}

function prepareList(list: readonly unknown[], toBytes: ToBytes): unknown {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = prepareField(list[i], String(i), toBytes) ?? null;
    if (copy === undefined && item !== list[i]) copy = list.slice(0, i);
    copy?.push(item);
  }
  return copy ?? list;
}

function prepareObject(value: unknown, toBytes: ToBytes): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  const prototype: unknown = Object.getPrototypeOf(value);
  let isSame = prototype === Object.prototype || prototype === null;
  const copy: [string, unknown][] = [];
  for (const key of Object.keys(fields)) {
    checkText(key);
    const before = fields[key];
    const after = prepareField(before, key, toBytes);
    if (after !== before) isSame = false;
    if (after !== undefined) copy.push([key, after]);
  }
  return isSame ? value : Object.fromEntries(copy);
}

/** Returns the primitive in a boxed one. */
function unbox(value: object): unknown {
  return value instanceof String || value instanceof Number || value instanceof Boolean
    ? value.valueOf()
    : value;
}

/** Matches a surrogate without its other half. */
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

function checkText(text: string): string {
  if (!LONE_SURROGATE.test(text)) return text;
  const message = 'a text has half of a surrogate pair, which UTF-8 cannot write';
  throw withCode('ERR_ENVELOPE_INVALID_PAYLOAD', new TypeError(message));
}
