import type { JsonSchema } from '../../contract/asyncapi-types.js';
import type { PayloadSchema } from '../../contract/types/event-maps.js';
import { segmentsOf } from '../../contract/types/read-contract.js';

const MAX_LENGTH = 40;

/** Returns the types of payloads in one short text: `SayDto`, `string[]`, `any`; `-` for no payload. */
export function describePayloads(payloads: readonly PayloadSchema[]): string {
  const all = payloads.map((payload) => (payload === null ? '-' : describe(payload.schema)));
  return [...new Set(all)].join(' | ') || '-';
}

function describe(schema: unknown): string {
  const {
    $ref: reference,
    type,
    items,
    enum: values,
    const: value,
    anyOf,
    oneOf,
    title,
  } = Object(schema) as JsonSchema;
  if (typeof reference === 'string') return segmentsOf(reference).at(-1)!;
  const choices = [anyOf, oneOf].find(Array.isArray) as unknown[] | undefined;
  if (choices !== undefined) return shorten(choices.map(describe).join(' | '));
  if (value !== undefined) return shorten(JSON.stringify(value));
  if (Array.isArray(values)) return shorten(values.map((one) => JSON.stringify(one)).join(' | '));
  if (type === 'array') return items === undefined || Array.isArray(items) ? 'array' : `${describe(items)}[]`;
  if (type === 'object' && typeof title === 'string') return title;
  return type === undefined ? 'any' : [type].flat().map(String).join(' | ');
}

function shorten(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1)}…` : text;
}
