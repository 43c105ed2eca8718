import { fromDesign, plainSchema } from './design-types.js';
import type { JsonSchema } from './asyncapi-types.js';
import type { SchemaClass } from './events.js';
import type { Peers } from './optional-peers.js';
import { validatedProperties, type ValidatedProperty } from './validators.js';

/** What a class becomes where a property refers to it. */
export type Refer = (type: SchemaClass) => JsonSchema;

/** The schema of a class by its validators and emitted types; of others `{ type: 'object' }`. */
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
  // a rule such as @IsEmail() says more than its property's type does
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
 * The class that class-transformer's `@Type` names. It keeps that where no public name leads, and tells by what it
 * makes of a sample.
 */
function memberOf(
  type: SchemaClass,
  property: string,
  sample: object,
  { transformer }: Peers,
): SchemaClass | undefined {
  if (transformer === undefined) return undefined;
  try {
    const made: object = transformer.plainToInstance(type as new () => object, { [property]: sample });
    const value = [Reflect.get(made, property) as unknown].flat()[0];
    return value === undefined || value === null ? undefined : fromDesign(Object(value).constructor);
  } catch {
    return undefined; // a constructor or a @Transform that would not take the sample
  }
}

/** Both words on one schema, the first one's where they speak of the same. */
export function mergeSchemas(first: JsonSchema, second: JsonSchema): JsonSchema {
  if ('$ref' in first || 'allOf' in first || 'anyOf' in first || 'oneOf' in first) return first;
  if ('$ref' in second) return second;
  const merged: Record<string, unknown> = { ...second, ...first };
  // not another word: `number` is what TypeScript knows of an integer
  if (first['type'] === 'number' && second['type'] === 'integer') merged['type'] = 'integer';
  if (isSchema(first['items']) && isSchema(second['items']))
    merged['items'] = mergeSchemas(first['items'], second['items']);
  return merged;
}

/** The same for objects, property by property: what is required is said by who describes the property. */
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
