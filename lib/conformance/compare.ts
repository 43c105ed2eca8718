import { inspect } from 'node:util';
import { ConformanceError } from './suite.js';

/** Stands for any value that it accepts, inside of an expected value. */
class Kind {
  constructor(
    readonly name: string,
    readonly accepts: (value: unknown) => boolean,
  ) {}
}

/** Stand for a text, a number, a list, and any value but `undefined` and `null`. */
export const isText: unknown = new Kind('a text', (value) => typeof value === 'string');
export const isNumber: unknown = new Kind('a number', (value) => typeof value === 'number');
export const isList: unknown = new Kind('a list', Array.isArray);
export const isPresent: unknown = new Kind('a value', (value) => value !== undefined && value !== null);

/** @throws ConformanceError that names the place, unless both values are equal */
export function equal(actual: unknown, expected: unknown): void {
  compare(actual, expected, false);
}

/** @throws ConformanceError that names the place, unless the value has all fields of the expected one */
export function matches(actual: unknown, expected: object): void {
  compare(actual, expected, true);
}

/** @throws ConformanceError if both values are the same */
export function differs(actual: unknown, other: unknown): void {
  if (Object.is(actual, other)) throw new ConformanceError(`it must not be ${show(other)}`);
}

/** @throws ConformanceError if a number is less, or with `isStrict` the same */
export function atLeast(actual: number | undefined, least: number, isStrict = false): void {
  if (!(Number(actual) >= least) || (isStrict && actual === least))
    throw new ConformanceError(`${show(actual)} must be ${isStrict ? 'more than' : 'at least'} ${least}`);
}

/** @throws ConformanceError if a number is greater, or with `isStrict` the same */
export function atMost(actual: number | undefined, most: number, isStrict = false): void {
  if (!(Number(actual) <= most) || (isStrict && actual === most))
    throw new ConformanceError(`${show(actual)} must be ${isStrict ? 'less than' : 'at most'} ${most}`);
}

function compare(actual: unknown, expected: unknown, isPartial: boolean): void {
  const place = difference(actual, expected, isPartial, '');
  if (place === undefined) return;
  const where = place === '' ? '' : `${place} differs: `;
  throw new ConformanceError(`${where}expected ${show(expected)}, but got ${show(actual)}`);
}

/** Returns the place of the first difference. */
function difference(
  actual: unknown,
  expected: unknown,
  isPartial: boolean,
  path: string,
): string | undefined {
  if (expected instanceof Kind) return expected.accepts(actual) ? undefined : path;
  if (typeof expected !== 'object' || expected === null)
    return Object.is(actual, expected) ? undefined : path;
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual) !== Array.isArray(expected))
    return path;
  const has = (object: object, key: string): boolean => Reflect.get(object, key) !== undefined;
  const isWhole = !isPartial || Array.isArray(expected);
  const keys = new Set([...Object.keys(expected), ...(isWhole ? Object.keys(actual) : [])]);
  for (const key of keys) {
    if (!has(actual, key) && !has(expected, key)) continue;
    const at = path === '' ? key : `${path}.${key}`;
    const found = difference(Reflect.get(actual, key), Reflect.get(expected, key), isPartial, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function show(value: unknown): string {
  if (value instanceof Kind) return value.name;
  const text = inspect(value, { depth: 4, breakLength: Infinity, maxStringLength: 200 });
  return text.length > 1_000 ? `${text.slice(0, 1_000)}…` : text;
}
