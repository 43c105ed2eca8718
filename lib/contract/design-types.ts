import { Observable } from 'rxjs';
import type { JsonSchema } from './asyncapi-types.js';
import type { SchemaClass, SchemaSource } from './events.js';

/** What TypeScript leaves of a type that is a class; primitives are their constructors. */
const PLAIN = new Map<unknown, JsonSchema>([
  [String, { type: 'string' }],
  [Number, { type: 'number' }],
  [Boolean, { type: 'boolean' }],
  [Array, { type: 'array' }],
  [Date, { type: 'string', format: 'date-time' }],
]);

/** What says nothing of the JSON: sources and containers, and what interfaces, unions and `unknown` become. */
const SILENT = [Promise, Observable, Symbol, BigInt, Map, Set, WeakMap, ArrayBuffer, Uint8Array];

/** The schema of a built-in class; `undefined` where it is a class of the application's. */
export function plainSchema(type: unknown): JsonSchema | undefined {
  return PLAIN.get(type);
}

/** What emitted type metadata says of the JSON; `undefined`: nothing. */
export function fromDesign(type: unknown): SchemaClass | undefined {
  if (typeof type !== 'function' || type === Object || type === Function) return undefined;
  const isSilent = SILENT.some((silent) => type === silent || type.prototype instanceof silent);
  return isSilent ? undefined : (type as SchemaClass);
}

export function isClass(source: SchemaSource | undefined): source is SchemaClass {
  return typeof source === 'function';
}
