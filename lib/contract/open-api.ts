import type { JsonSchema } from './asyncapi-types.js';
import { BYTES } from './design-types.js';
import { pointer } from './naming.js';

type Keywords = Record<string, unknown>;

/** The keywords whose value is a schema, a list of schemas, or schemas by name. */
const ONE = ['items', 'not', 'additionalProperties'];
const MANY = ['allOf', 'anyOf', 'oneOf'];
const NAMED = ['properties', 'patternProperties'];
/** Keywords that stand in place of `type`. With one of them, `nullable` becomes an `anyOf`. */
const COMPOSED = ['$ref', ...MANY];
/** Keywords of OpenAPI that JSON Schema does not define. */
const FOREIGN = ['nullable', 'example', 'xml'];

/** Converts a schema of OpenAPI 3.0, which `@nestjs/swagger` creates, to JSON Schema draft 7. */
export function fromOpenApi(schema: object): JsonSchema {
  const result: Keywords = { ...schema };
  for (const [name, value] of Object.entries(result)) {
    if (value === undefined || FOREIGN.includes(name)) delete result[name];
    else if (ONE.includes(name)) result[name] = convert(value);
    else if (MANY.includes(name)) result[name] = (value as unknown[]).map(convert);
    else if (NAMED.includes(name)) result[name] = mapValues(value as object, convert);
  }
  const { example, nullable, discriminator } = schema as Keywords;
  if (example !== undefined) result['examples'] = [example];
  else if (isRecord(result['examples'])) result['examples'] = Object.values(result['examples']);
  if (isRecord(discriminator)) result['discriminator'] = discriminator['propertyName'];
  // as in draft 4, OpenAPI 3.0 has a boolean beside the bound
  bound(result, 'exclusiveMinimum', 'minimum');
  bound(result, 'exclusiveMaximum', 'maximum');
  const plain = unwrap(result);
  return nullable === true ? orNull(plain) : plain;
}

function convert(value: unknown): unknown {
  return isRecord(value) ? fromOpenApi(value) : value;
}

function bound(schema: Keywords, exclusive: string, inclusive: string): void {
  if (typeof schema[exclusive] !== 'boolean') return;
  if (schema[exclusive]) {
    schema[exclusive] = schema[inclusive];
    delete schema[inclusive];
  } else delete schema[exclusive];
}

/** Unwraps a reference in an `allOf` of one, if no other keyword is left. `@nestjs/swagger` wraps it to add keywords. */
function unwrap(schema: Keywords): Keywords {
  const { allOf, type, ...rest } = schema;
  const isReference = Array.isArray(allOf) && allOf.length === 1 && isRecord(allOf[0]) && '$ref' in allOf[0];
  if (!isReference) return schema;
  // draft 7 ignores all keywords beside $ref
  return Object.keys(rest).length === 0 ? (allOf[0] as Keywords) : { ...rest, allOf };
}

function orNull(schema: Keywords): Keywords {
  const { type, description, enum: values, ...rest } = schema;
  if (COMPOSED.some((name) => name in schema)) {
    const { description: _, ...value } = schema;
    const choice = { anyOf: [unwrap(value), { type: 'null' }] };
    return description === undefined ? choice : { description, ...choice };
  }
  return {
    ...(type !== undefined && { type: [type, 'null'].flat() }),
    ...(description !== undefined && { description }),
    ...(Array.isArray(values) && { enum: [...(values as unknown[]), null] }),
    ...rest,
  };
}

function mapValues(record: object, map: (value: unknown) => unknown): Keywords {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

function isRecord(value: unknown): value is Keywords {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The classes of bytes. `@nestjs/swagger` takes them for DTO classes without properties. */
const BYTE_CLASSES = ['Buffer', 'Uint8Array', 'ArrayBuffer'];

/** Returns schemas of components, converted, in which bytes are text and not references to empty objects. */
export function componentsOfOpenApi(
  components: Readonly<Record<string, object>>,
): Record<string, JsonSchema> {
  const isBytes = (name: string): boolean =>
    BYTE_CLASSES.includes(name) &&
    Object.keys((components[name] as { properties?: object }).properties ?? {}).length === 0;
  const bytes = Object.keys(components).filter(isBytes);
  const references = bytes.map((name) => pointer('components', 'schemas', name));
  const withBytes = (schema: object): object =>
    JSON.parse(
      JSON.stringify(schema, (_key, value: unknown) =>
        isRecord(value) && references.includes(value['$ref'] as string) ? BYTES : value,
      ),
    ) as object;
  const others = Object.entries(components).filter(([name]) => !bytes.includes(name));
  return Object.fromEntries(
    others.map(([name, schema]) => [name, fromOpenApi(bytes.length === 0 ? schema : withBytes(schema))]),
  );
}
