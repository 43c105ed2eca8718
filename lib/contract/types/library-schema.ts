import type { JsonSchema } from '../asyncapi-types.js';

/** Returns the type that a reference of a contract stands for; `undefined` if the contract does not contain it. */
export type Refer = (reference: string) => string | undefined;

/** Keywords without which a schema accepts any value, as far as a type can say. */
const TYPED = [
  'type',
  'enum',
  'const',
  'required',
  'properties',
  'patternProperties',
  'additionalProperties',
  'items',
  'prefixItems',
  'allOf',
  'anyOf',
  'oneOf',
];
/** Keywords that are passed on unchanged. */
const PLAIN = ['type', 'const', 'description', 'deprecated', 'minItems', 'maxItems'];
const COMPOSED = ['allOf', 'anyOf', 'oneOf'];

/**
 * Returns a schema as `json-schema-to-typescript` should read it:
 *
 * - references are names of types: nothing is loaded from a file or a URL, and a type that contains itself is one
 * - `title` and `$id` are gone: the library would declare a type of that name
 * - its own keywords, such as `tsType`, are gone: a contract of others could write any code with them
 * - an object accepts only its properties, so that the compiler finds misspelled ones; one without properties accepts all
 * - bytes are `Uint8Array`, as clients with MessagePack send and receive them
 */
export function librarySchema(schema: unknown, refer: Refer): JsonSchema | boolean {
  if (typeof schema === 'boolean') return schema;
  if (!isSchema(schema)) return unknown();
  const { $ref: reference, description } = schema;
  if (typeof reference === 'string') return typeNamed(refer(reference) ?? 'unknown', description);
  if (isBytes(schema)) return bytes(schema);
  if (!TYPED.some((keyword) => keyword in schema)) return unknown(description);
  const nested = (value: unknown): JsonSchema | boolean => librarySchema(value, refer);
  return {
    ...pick(schema, PLAIN),
    ...(Array.isArray(schema['enum']) && { enum: schema['enum'] as unknown[] }),
    ...objectKeywords(schema, nested),
    ...arrayKeywords(schema, nested),
    ...Object.fromEntries(
      COMPOSED.filter((keyword) => Array.isArray(schema[keyword])).map((keyword) => [
        keyword,
        (schema[keyword] as unknown[]).map(nested),
      ]),
    ),
  };
}

type Nested = (schema: unknown) => JsonSchema | boolean;

function objectKeywords(schema: JsonSchema, nested: Nested): JsonSchema {
  const required = (Array.isArray(schema['required']) ? schema['required'] : []).filter(
    (name) => typeof name === 'string',
  );
  const named = isSchema(schema['properties']) ? schema['properties'] : {};
  const properties = new Map(Object.entries(named).map(([name, value]) => [name, nested(value)]));
  // a required property that the schema does not describe
  for (const name of required) if (!properties.has(name)) properties.set(name, unknown());
  const isObject = [schema['type']].flat().includes('object') || properties.size > 0;
  const others = otherProperties(schema, nested);
  if (!isObject && others === undefined) return {};
  const isComposed = COMPOSED.some((keyword) => Array.isArray(schema[keyword]));
  return {
    ...(properties.size > 0 && { properties: Object.fromEntries(properties), required }),
    additionalProperties: others ?? (properties.size === 0 && !isComposed),
  };
}

/** Returns what properties without a name of their own may be: a type has one index signature for all patterns. */
function otherProperties(schema: JsonSchema, nested: Nested): JsonSchema | boolean | undefined {
  const { additionalProperties: others, patternProperties: patterns } = schema;
  if (others === true || !isSchema(patterns)) return others === undefined ? undefined : nested(others);
  // `false` allows no value, so it adds nothing to the union
  const types = [...Object.values(patterns), others ?? false].map(nested).filter((type) => type !== false);
  return types.length > 0 && { anyOf: types };
}

/** Draft 2020-12 has `prefixItems` where draft 7 has a list of `items`. */
function arrayKeywords(schema: JsonSchema, nested: Nested): JsonSchema {
  const { items, prefixItems, additionalItems } = schema;
  const isTuple = Array.isArray(prefixItems) || Array.isArray(items);
  if (!isTuple) return items === undefined ? {} : { items: nested(items) };
  const [first, rest] = Array.isArray(prefixItems) ? [prefixItems, items] : [items, additionalItems];
  return {
    items: (first as unknown[]).map(nested),
    ...(rest !== undefined &&
      rest !== false && { additionalItems: rest === true ? unknown() : nested(rest) }),
  };
}

/** `format: binary` is what OpenAPI, zod and this package call bytes. */
function isBytes({ type, format }: JsonSchema): boolean {
  return format === 'binary' && [type].flat().includes('string');
}

function bytes({ type, description }: JsonSchema): JsonSchema {
  const isNullable = Array.isArray(type) && type.includes('null');
  return typeNamed(isNullable ? 'Uint8Array | null' : 'Uint8Array', description);
}

function unknown(description?: unknown): JsonSchema {
  return typeNamed('unknown', description);
}

function typeNamed(name: string, description?: unknown): JsonSchema {
  return { tsType: name, ...(typeof description === 'string' && { description }) };
}

function pick(schema: JsonSchema, keywords: readonly string[]): JsonSchema {
  return Object.fromEntries(
    keywords.filter((keyword) => keyword in schema).map((keyword) => [keyword, schema[keyword]]),
  );
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
