import { withCode } from './with-code.js';

/** A key that a path shows without brackets. */
const PLAIN_KEY = /^[A-Za-z_$][\w$]{0,63}$/;
/** Characters of a path in an error. */
const MAX_PATH = 200;

/** How an encoding carries some values, such as bytes, beside the text of JSON. */
export interface Aside {
  /** Whether a value is carried beside the text. */
  takes(value: unknown): boolean;
  /** What `JSON.stringify` writes in the place of a value: its `replacer`. */
  replace(this: unknown, key: string, value: unknown): unknown;
}

/**
 * Writes a payload as JSON. Refuses values that JSON would silently drop, empty or replace (PROTOCOL.md, section 6).
 *
 * @param name the event, for the error
 * @param root the name of the payload in the error: `data` or `payload`
 * @param whole the value to write, if the payload is a part of it
 * @param aside carries what JSON cannot; `undefined`: nothing does
 * @returns `undefined` if the payload is `undefined`
 * @throws TypeError that names the event, the place in the payload, the value and what to send in its place
 */
export function writePayload(
  data: unknown,
  name: string,
  root = 'data',
  whole: unknown = data,
  aside?: Aside,
): string | undefined {
  let found: string | undefined;
  let options: ErrorOptions | undefined;
  try {
    const text = JSON.stringify(whole, aside?.replace) as string | undefined;
    if (isCarried(data)) return text;
    found = find(data, root, new Set(), aside);
    if (found === undefined) return text;
  } catch (cause) {
    options = { cause };
    found = `${root} cannot be written as JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
    try {
      found = find(data, root, new Set(), aside) ?? found;
    } catch {
      // a getter or a toJSON that throws, or a payload that is nested too deep to be walked
    }
  }
  throw withCode(
    'ERR_ENVELOPE_INVALID_PAYLOAD',
    new TypeError(`${JSON.stringify(name)} cannot be sent: ${found}`, options),
  );
}

/**
 * Whether JSON keeps all of a value, and no `toJSON` but that of a `Date` decides what it writes: there is nothing in it that
 * an {@link Aside} could take.
 */
export function isPlain(value: unknown): boolean {
  const before = ownTexts;
  try {
    return isCarried(value) && ownTexts === before;
  } catch {
    return false;
  }
}

/** How many objects with a `toJSON` of their own the check has met. */
let ownTexts = 0;

/**
 * Checks a payload that other code writes as JSON.
 *
 * @throws TypeError like {@link writePayload}
 */
export function assertCarried(data: unknown, name: string, root = 'data', aside?: Aside): void {
  // writes nothing
  writePayload(data, name, root, null, aside);
}

/**
 * Whether JSON keeps all of a value, by a quick check. {@link find} confirms a `false`. For plain objects and arrays the check
 * costs a tenth to a quarter of `JSON.stringify`; for instances of classes and objects with very many keys it costs up to twice
 * as much.
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
      return value === null || areFieldsCarried(value as object);
    default:
      return false;
  }
}

/** Whether JSON keeps all fields of an object, or all items of an array. */
function areFieldsCarried(value: object): boolean {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isCarried(value[i])) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function' && !ArrayBuffer.isView(value)) {
      if (value instanceof Date) return isCarried(value.getTime());
      ownTexts++;
      return true;
    }
    if (adviceFor(value) !== undefined) return false;
  }
  // includes inherited keys: Object.keys would take twice the time, and find() ignores inherited keys
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key in fields) if (!isCarried(fields[key])) return false;
  return true;
}

/**
 * Describes the first value, in the order of the keys, that JSON cannot carry: its place, what it is, and what to send instead.
 *
 * @param above the objects that contain the value
 * @returns `undefined` if JSON carries all values
 */
function find(value: unknown, path: string, above: Set<object>, aside?: Aside): string | undefined {
  const explain = (what: string, advice: string): string => {
    const place = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
    return `${place} is ${what}, which JSON cannot carry: ${advice}`;
  };
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : explain(String(value), 'send null or a text');
    case 'bigint':
      // an application may have defined a toJSON for them
      return 'toJSON' in BigInt.prototype ? undefined : explain('a BigInt', 'send String(value)');
    case 'function':
      return explain('a function', 'leave it out');
    case 'symbol':
      return explain('a symbol', 'send a text');
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null || aside?.takes(value) === true) return undefined;
  if (typeof Reflect.get(value, 'toJSON') === 'function' && !isBuffer(value))
    return tagOf(value) === 'Date' && Number.isNaN(Number(value))
      ? explain('an invalid Date', 'send null or a valid one')
      : undefined;
  const advice = Array.isArray(value) ? undefined : adviceFor(value);
  if (advice !== undefined) {
    const name = nameOf(value);
    return explain(`${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`, advice);
  }
  if (above.has(value)) return explain('a circular reference', 'send an id in its place');
  above.add(value);
  const found = Array.isArray(value)
    ? findFirst(value, (item, i) => find(item, `${path}[${i}]`, above, aside))
    : findFirst(Object.entries(value), ([key, item]) => find(item, path + keyPath(key), above, aside));
  above.delete(value);
  return found;
}

function findFirst<Item>(
  items: readonly Item[],
  check: (item: Item, index: number) => string | undefined,
): string | undefined {
  for (const [index, item] of items.entries()) {
    const found = check(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Returns how a path shows a key: `.name`, or `["a name"]`. */
export function keyPath(key: string): string {
  return PLAIN_KEY.test(key) ? `.${key}` : `[${JSON.stringify(key).slice(0, MAX_PATH)}]`;
}

/** Members that mark an object as a collection, a promise, a stream or an Observable. */
interface Marks {
  readonly [Symbol.iterator]?: unknown;
  readonly [Symbol.asyncIterator]?: unknown;
  readonly then?: unknown;
  readonly subscribe?: unknown;
  readonly pipe?: unknown;
}

/** Returns what to send in place of an object that JSON would empty or replace; `undefined` if JSON keeps the object. */
function adviceFor(value: object): string | undefined {
  const tag = tagOf(value);
  if (tag !== 'Object') {
    if (ArrayBuffer.isView(value) || BYTES.has(tag)) return 'send a list of numbers or a base64 text';
    if (BOXED.has(tag)) return undefined;
    if (tag === 'Map') return 'send Object.fromEntries(map) or [...map]';
    // the message of an HttpException is an enumerable field
    if (tag === 'Error')
      return Object.keys(value).includes('message') ? undefined : 'send its message, or give it a toJSON()';
    if (tag === 'RegExp') return 'send its source';
  }
  const { [Symbol.iterator]: items, [Symbol.asyncIterator]: values, then, subscribe, pipe } = value as Marks;
  if (typeof items === 'function') return 'send a list, [...value]';
  if (typeof then === 'function') return 'await it';
  if (typeof values === 'function' || (typeof subscribe === 'function' && typeof pipe === 'function'))
    return 'send each of its values, or return it from a handler';
  return tag !== 'Object' && Object.keys(value).length === 0 ? 'send a plain object' : undefined;
}

const BYTES = new Set(['ArrayBuffer', 'SharedArrayBuffer', 'Blob', 'File']);
/** Boxed primitives. JSON writes the primitive. */
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
