import { Observable } from 'rxjs';
import type { JsonSchema } from './asyncapi-types.js';
import type { SchemaClass, SchemaSource } from './events.js';

/**
 * The schema of bytes: they are text in base64 for clients with JSON, and `bin` for clients with MessagePack. `format` tells them
 * from a text that the application itself encodes, which `@IsBase64()` describes.
 */
export const BYTES: JsonSchema = { type: 'string', format: 'binary', contentEncoding: 'base64' };

/** Schemas of the types that TypeScript emits as metadata. It emits primitives as their constructors. */
const PLAIN = new Map<unknown, JsonSchema>([
  [String, { type: 'string' }],
  [Number, { type: 'number' }],
  [Boolean, { type: 'boolean' }],
  [Array, { type: 'array' }],
  [Date, { type: 'string', format: 'date-time' }],
  [Buffer, BYTES],
  [Uint8Array, BYTES],
  [ArrayBuffer, BYTES],
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
  if (PLAIN.has(type)) return type as SchemaClass;
  const isOpaque = OPAQUE.some((opaque) => type === opaque || type.prototype instanceof opaque);
  return isOpaque ? undefined : (type as SchemaClass);
}

export function isClass(source: SchemaSource | undefined): source is SchemaClass {
  return typeof source === 'function';
}
