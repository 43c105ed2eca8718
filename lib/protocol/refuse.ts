import { withCode } from './with-code.js';

/** Characters of a value in an error. */
const MAX_SHOWN = 100;

/** Returns a value as errors show it. Strings are quoted: a value from the environment would otherwise look like a number. */
export function show(value: unknown): string {
  const text = describe(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${typeof field}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/**
 * Always throws.
 *
 * @throws TypeError that names the function or class, the parameter, the value, and the accepted values
 */
export function refuse(where: string, name: string, value: unknown, takes: string): never {
  throw withCode('ERR_ENVELOPE_INVALID_ARGUMENT', new TypeError(describeRefusal(where, name, value, takes)));
}

/**
 * Always throws.
 *
 * @throws TypeError that names the function or class, the option, the value, and the accepted values
 */
export function refuseOption(where: string, name: string, value: unknown, takes: string): never {
  throw withCode('ERR_ENVELOPE_INVALID_OPTION', new TypeError(describeRefusal(where, name, value, takes)));
}

function describeRefusal(where: string, name: string, value: unknown, takes: string): string {
  return `${where}: ${name} is ${show(value)}: it takes ${takes}`;
}

/** Whether a value can hold options: an object other than an array, a function or `null`. */
export function isRecordLike(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Checks that a value is a Nest application.
 *
 * @throws TypeError if it is not
 */
export function assertApplication(where: string, app: unknown): void {
  const has = (name: string): boolean => typeof Reflect.get(Object(app) as object, name) === 'function';
  if (!has('get') || !has('select'))
    refuse(where, 'app', app, 'a Nest application, such as await NestFactory.create(AppModule)');
}

/**
 * Checks that options are an object whose names are all known.
 *
 * @param example an example of valid options, for the error
 * @throws TypeError that names the function or class and the option, and suggests the nearest name
 */
export function assertOptions(
  where: string,
  options: unknown,
  names: readonly string[],
  example: string,
  parameter = 'options',
): void {
  if (!isRecordLike(options)) refuse(where, parameter, options, `an object, such as ${example}`);
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !names.includes(name)) refuseUnknown(where, name, names);
}

/**
 * Always throws.
 *
 * @throws TypeError that suggests the nearest name, or lists all names
 */
export function refuseUnknown(where: string, name: string, names: readonly string[], kind = 'option'): never {
  const near = nearest(name, names);
  const help = near === undefined ? `Valid names: ${names.join(', ')}` : `Did you mean "${near}"?`;
  throw withCode(
    'ERR_ENVELOPE_INVALID_OPTION',
    new TypeError(`${where}: unknown ${kind} ${show(name)}. ${help}`),
  );
}

/** Returns the most similar name, if it differs in at most a third of its characters (or two). */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const given = name.toLowerCase();
  const ranked = names
    .map((known) => ({ known, distance: distance(given, known.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(2, Math.floor(best.known.length / 3))
    ? best.known
    : undefined;
}

/** Returns the Levenshtein distance: the number of characters to add, remove or change to turn one text into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
