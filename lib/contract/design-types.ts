import { Observable } from 'rxjs';
import type { JsonSchema } from './asyncapi-types.js';
import type { SchemaClass, SchemaSource } from './events.js';

/** Schemas of the types that TypeScript emits as metadata. It emits primitives as their constructors. */
const PLAIN = new Map<unknown, JsonSchema>([
  [String, { type: 'string' }],
  [Number, { type: 'number' }],
  [Boolean, { type: 'boolean' }],
  [Array, { type: 'array' }],
  [Date, { type: 'string', format: 'date-time' }],
]);

/** Emitted types that do not determine the JSON: containers and sources of values. */
const OPAQUE = [Promise, Observable, Symbol, BigInt, Map, Set, WeakMap, ArrayBuffer, Uint8Array];

/** Returns the schema of a built-in class; `undefined` for a class of the application. */
export function plainSchema(type: unknown): JsonSchema | undefined {
  return PLAIN.get(type);
}

/**
 * Returns the class that emitted type metadata names; `undefined` if it does not determine the JSON. TypeScript emits `Object` for
 * interfaces, unions and `unknown`.
 */
export function fromDesign(type: unknown): SchemaClass | undefined {
  if (typeof type !== 'function' || type === Object || type === Function) return undefined;
  const isOpaque = OPAQUE.some((opaque) => type === opaque || type.prototype instanceof opaque);
  return isOpaque ? undefined : (type as SchemaClass);
}

export function isClass(source: SchemaSource | undefined): source is SchemaClass {
  return typeof source === 'function';
}
