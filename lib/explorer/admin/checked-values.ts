import { isRecordLike } from '../../protocol/refuse.js';
import { fail } from './admin-failure.js';

/** Fields of a request, or of another node's answer. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns a text for a value of another node: cut, and empty for what is no text. */
export function textOf(value: unknown, maxLength: number): string {
  return typeof value === 'string' ? value.slice(0, maxLength) : '';
}

/** Returns a number of another node; 0 for what is none. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

/** Returns the objects of another node's list, at most `max`. */
export function recordsOf(value: unknown, max: number): readonly Fields[] {
  return Array.isArray(value) ? value.slice(0, max).filter(isFields) : [];
}

/** Returns the fields of another node's answer; none for what is no object. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function isFields(value: unknown): value is Fields {
  return isRecordLike(value);
}

/**
 * Returns the fields of a request.
 *
 * @throws WsException on what is no object, and on an unknown field
 */
export function requestFields(data: unknown, names: readonly string[], where = 'The request'): Fields {
  if (data === undefined || data === null) return {};
  if (!isFields(data)) fail('invalid', `${where} takes an object`);
  for (const name of Object.keys(data))
    if (!names.includes(name)) fail('invalid', `${where}: unknown field: it takes ${names.join(', ')}`);
  return data;
}

/** Returns a text of a request. @throws WsException on anything else, on an empty and on a too long text */
export function requiredText(fields: Fields, name: string, maxLength = 256): string {
  const value = fields[name];
  if (typeof value === 'string' && value !== '' && value.length <= maxLength) return value;
  fail('invalid', `${name}: it takes a text of 1 to ${maxLength} characters`);
}

/** The same for a field that may be absent. */
export function optionalText(fields: Fields, name: string, maxLength = 256): string | undefined {
  return fields[name] === undefined ? undefined : requiredText(fields, name, maxLength);
}

/** Returns one of several values. @throws WsException on any other */
export function choice<Value extends string>(
  fields: Fields,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const given = fields[name];
  if (given === undefined) return undefined;
  return (
    values.find((value) => value === given) ?? fail('invalid', `${name}: it takes ${values.join(' or ')}`)
  );
}

/**
 * Returns a whole number.
 *
 * @param otherwise the number if the field is absent; without it, the field is required
 * @throws WsException on anything else, and on a number out of range
 */
export function wholeNumber(
  fields: Fields,
  name: string,
  least: number,
  most: number,
  otherwise?: number,
): number {
  const value = fields[name] ?? otherwise;
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  fail('invalid', `${name}: it takes a whole number from ${least} to ${most}`);
}
