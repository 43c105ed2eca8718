import { fromDesign, plainSchema } from './design-types.js';
import type { JsonSchema } from './asyncapi-types.js';
import type { SchemaClass } from './events.js';
import type { Peers } from './optional-peers.js';
import { validatedProperties, type ValidatedProperty } from './validators.js';

/** Returns the schema, usually a reference, of a class that a property refers to. */
export type Refer = (type: SchemaClass) => JsonSchema;

/** Returns the schema of a class from its validators and emitted types; `{ type: 'object' }` if it has no validators. */
export function schemaByValidators(type: SchemaClass, peers: Peers, refer: Refer): JsonSchema {
  const properties = peers.validator === undefined ? [] : validatedProperties(type, peers.validator);
  if (properties.length === 0) return { type: 'object' };
  const required = properties.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(
      properties.map((property) => [property.name, propertySchema(type, property, peers, refer)]),
    ),
    ...(required.length > 0 && { required }),
  };
}

function propertySchema(
  type: SchemaClass,
  property: ValidatedProperty,
  peers: Peers,
  refer: Refer,
): JsonSchema {
  const { name, schema, items, isList, isNested, isNotEmpty } = property;
  const emitted: unknown = Reflect.getMetadata('design:type', type.prototype as object, name);
  const isArray = isList || emitted === Array;
  const rules = isArray ? items : schema;
  // a rule such as @IsEmail() is more precise than the type of its property
  const isKnown = 'type' in rules || 'enum' in rules || 'const' in rules;
  const declared = isKnown || isArray ? undefined : fromDesign(emitted);
  const wantsType = !isKnown && (isArray || isNested);
  const member = declared ?? (wantsType ? memberOf(type, name, isArray ? [{}] : {}, peers) : undefined);
  const base = member === undefined ? {} : (plainSchema(member) ?? refer(member));
  const value = '$ref' in base ? base : { ...base, ...rules };
  if (isArray) return { ...schema, type: 'array', ...(Object.keys(value).length > 0 && { items: value }) };
  const wantsText = isNotEmpty && value['type'] === 'string' && !('minLength' in value);
  return wantsText ? { ...value, minLength: 1 } : value;
}

/**
 * Returns the class that `@Type` of class-transformer names. The package does not expose it, so this function transforms a sample
 * and reads the class of the result.
 */
function memberOf(
  type: SchemaClass,
  property: string,
  sample: object,
  { transformer }: Peers,
): SchemaClass | undefined {
  if (transformer === undefined) return undefined;
  try {
    const transformed: object = transformer.plainToInstance(type as new () => object, { [property]: sample });
    const value = [Reflect.get(transformed, property) as unknown].flat()[0];
    return value === undefined || value === null ? undefined : fromDesign(Object(value).constructor);
  } catch {
    return undefined; // a constructor or a @Transform rejected the sample
  }
}

/** Merges two schemas of one value. The keywords of the first one win. */
function mergeSchemas(first: JsonSchema, second: JsonSchema): JsonSchema {
  if ('$ref' in first || 'allOf' in first || 'anyOf' in first || 'oneOf' in first) return first;
  if ('$ref' in second) return second;
  const merged: Record<string, unknown> = { ...second, ...first };
  // no contradiction: TypeScript knows an integer only as `number`
  if (first['type'] === 'number' && second['type'] === 'integer') merged['type'] = 'integer';
  if (isSchema(first['items']) && isSchema(second['items']))
    merged['items'] = mergeSchemas(first['items'], second['items']);
  return merged;
}

/** Merges two schemas of one object, property by property. A property is required if the first schema that has it says so. */
export function mergeObjects(first: JsonSchema, second: JsonSchema): JsonSchema {
  const own = propertiesOf(first);
  const other = propertiesOf(second);
  const names = [...new Set([...Object.keys(own), ...Object.keys(other)])];
  const required = names.filter((name) => requiredOf(name in own ? first : second).includes(name));
  const { properties: _, required: __, ...rest } = { ...second, ...first };
  return {
    ...rest,
    ...(names.length > 0 && {
      properties: Object.fromEntries(
        names.map((name) => [name, mergeSchemas(own[name] ?? {}, other[name] ?? {})]),
      ),
    }),
    ...(required.length > 0 && { required }),
  };
}

function propertiesOf(schema: JsonSchema): Record<string, JsonSchema> {
  return (schema['properties'] as Record<string, JsonSchema> | undefined) ?? {};
}

function requiredOf(schema: JsonSchema): readonly string[] {
  return (schema['required'] as string[] | undefined) ?? [];
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null;
}
