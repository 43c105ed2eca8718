import { withCode } from './with-code.js';

/** A key that needs no brackets in a path. */
const PLAIN_KEY = /^[A-Za-z_$][\w$]{0,63}$/;
/** Characters of a path in an error. */
const MAX_PATH = 200;

/**
 * Writes a payload as JSON, and refuses what JSON would drop, empty or replace without a word (PROTOCOL.md, section
 * "What a payload may hold").
 *
 * @param name the event, for the error
 * @param root what the payload is called in the error: `data`, `payload`
 * @param whole what is written, where the payload is a part of it
 * @returns `undefined` where there is no payload
 * @throws TypeError that names the event, the place in the payload, what is there and what to send in its place
 */
export function writePayload(
  data: unknown,
  name: string,
  root = 'data',
  whole: unknown = data,
): string | undefined {
  let text: string | undefined;
  try {
    text = JSON.stringify(whole) as string | undefined;
  } catch (cause) {
    throw refusal(data, name, root, cause);
  }
  assertCarried(data, name, root);
  return text;
}

/**
 * The same check for a payload that somebody else writes.
 *
 * @throws TypeError as {@link writePayload} does
 */
export function assertCarried(data: unknown, name: string, root = 'data'): void {
  try {
    if (isCarried(data)) return;
  } catch (cause) {
    throw refusal(data, name, root, cause);
  }
  const found = find(data, root, new Set());
  if (found !== undefined)
    throw withCode(
      'ERR_ENVELOPE_INVALID_PAYLOAD',
      new TypeError(`${JSON.stringify(name)} cannot be sent: ${found}`),
    );
}

/** What was thrown while the payload was written or looked at, with the place where that can be found. */
function refusal(data: unknown, name: string, root: string, cause: unknown): TypeError {
  let found: string | undefined;
  try {
    found = find(data, root, new Set());
  } catch {
    // a getter or a toJSON that throws, or a payload that is nested too deep to be walked
  }
  const why =
    found ?? `${root} cannot be written as JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
  return withCode(
    'ERR_ENVELOPE_INVALID_PAYLOAD',
    new TypeError(`${JSON.stringify(name)} cannot be sent: ${why}`, { cause }),
  );
}

/**
 * Whether JSON carries a value whole, as far as a quick look tells: `false` is for {@link find} to confirm. It costs a
 * tenth to a quarter of what `JSON.stringify` takes for plain objects and arrays, and up to twice as much for instances of
 * classes and objects with very many keys.
 */
function isCarried(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return true;
    case 'number':
      return value - value === 0;
    case 'object':
      return value === null || isWhole(value as object);
    default:
      return false;
  }
}

function isWhole(value: object): boolean {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isCarried(value[i])) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function' && !ArrayBuffer.isView(value))
      return !(value instanceof Date) || isCarried(value.getTime());
    if (cureOf(value) !== undefined) return false;
  }
  // inherited keys, too: Object.keys would take twice the time, and find() does not take them for a fault
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key in fields) if (!isCarried(fields[key])) return false;
  return true;
}

/**
 * What there is to say of the first value that JSON does not carry, by the order of the keys.
 *
 * @param above the objects that it is in
 */
function find(value: unknown, path: string, above: Set<object>): string | undefined {
  const say = (what: string, cure: string): string => {
    const place = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
    return `${place} is ${what}, which JSON cannot carry: ${cure}`;
  };
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : say(String(value), 'send null or a text');
    case 'bigint':
      // an application may have taught JSON to write them
      return 'toJSON' in BigInt.prototype ? undefined : say('a BigInt', 'send String(value)');
    case 'function':
      return say('a function', 'leave it out');
    case 'symbol':
      return say('a symbol', 'send a text');
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null) return undefined;
  if (typeof Reflect.get(value, 'toJSON') === 'function' && !isBuffer(value))
    return tagOf(value) === 'Date' && Number.isNaN(Number(value))
      ? say('an invalid Date', 'send null or a valid one')
      : undefined;
  const cure = Array.isArray(value) ? undefined : cureOf(value);
  if (cure !== undefined) {
    const name = nameOf(value);
    return say(`${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`, cure);
  }
  if (above.has(value)) return say('a circular reference', 'send an id in its place');
  above.add(value);
  const found = Array.isArray(value)
    ? findFirst(value, (item, i) => find(item, `${path}[${i}]`, above))
    : findFirst(Object.entries(value), ([key, item]) => find(item, path + placeOf(key), above));
  above.delete(value);
  return found;
}

function findFirst<Item>(
  items: readonly Item[],
  look: (item: Item, index: number) => string | undefined,
): string | undefined {
  for (const [index, item] of items.entries()) {
    const found = look(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

function placeOf(key: string): string {
  return PLAIN_KEY.test(key) ? `.${key}` : `[${JSON.stringify(key).slice(0, MAX_PATH)}]`;
}

/** What an object may have that says more of it than its own fields do. */
interface Telling {
  readonly [Symbol.iterator]?: unknown;
  readonly [Symbol.asyncIterator]?: unknown;
  readonly then?: unknown;
  readonly subscribe?: unknown;
  readonly pipe?: unknown;
}

/** What to send in the place of an object of which JSON does not keep what it is; `undefined` where it keeps it. */
function cureOf(value: object): string | undefined {
  const tag = tagOf(value);
  if (tag !== 'Object') {
    if (ArrayBuffer.isView(value) || BYTES.has(tag)) return 'send a list of numbers or a base64 text';
    if (BOXED.has(tag)) return undefined;
    if (tag === 'Map') return 'send Object.fromEntries(map) or [...map]';
    // an HttpException has its message as a field of its own
    if (tag === 'Error')
      return Object.keys(value).includes('message') ? undefined : 'send its message, or give it a toJSON()';
    if (tag === 'RegExp') return 'send its source';
  }
  const {
    [Symbol.iterator]: items,
    [Symbol.asyncIterator]: values,
    then,
    subscribe,
    pipe,
  } = value as Telling;
  if (typeof items === 'function') return 'send a list, [...value]';
  if (typeof then === 'function') return 'await it';
  if (typeof values === 'function' || (typeof subscribe === 'function' && typeof pipe === 'function'))
    return 'send each of its values, or return it from a handler';
  return tag !== 'Object' && Object.keys(value).length === 0 ? 'send a plain object' : undefined;
}

const BYTES = new Set(['ArrayBuffer', 'SharedArrayBuffer', 'Blob', 'File']);
/** JSON writes what is inside. */
const BOXED = new Set(['String', 'Number', 'Boolean', 'BigInt']);

function isBuffer(value: object): boolean {
  return ArrayBuffer.isView(value) && nameOf(value) === 'Buffer';
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function nameOf(value: object): string {
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' && name !== 'Object' ? name : tagOf(value);
}
