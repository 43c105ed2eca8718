import type { JsonSchema } from './asyncapi-types.js';

/** The keywords whose value is a schema, a list of schemas, or schemas by name. All other values are data. */
const ONE = new Set([
  'additionalItems',
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const MANY = new Set(['allOf', 'anyOf', 'items', 'oneOf', 'prefixItems']);
const NAMED = new Set([
  'definitions',
  '$defs',
  'dependencies',
  'dependentSchemas',
  'patternProperties',
  'properties',
]);

/** Returns a copy of a schema in which `change` has replaced the schema and each schema within it, the inner ones first. */
export function mapSchemas(schema: JsonSchema, change: (schema: JsonSchema) => JsonSchema): JsonSchema {
  const map = (value: unknown): unknown => (isSchema(value) ? mapSchemas(value, change) : value);
  const parts = Object.entries(schema).map(([keyword, value]): [string, unknown] => {
    if (MANY.has(keyword) && Array.isArray(value)) return [keyword, value.map(map)];
    if (ONE.has(keyword)) return [keyword, map(value)];
    if (NAMED.has(keyword) && isSchema(value))
      return [keyword, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, map(one)]))];
    return [keyword, value];
  });
  return change(Object.fromEntries(parts));
}

/** Returns the references of a schema and of all schemas within it. */
export function referencesIn(schema: JsonSchema): string[] {
  const found: string[] = [];
  mapSchemas(schema, (one) => {
    if (typeof one['$ref'] === 'string') found.push(one['$ref']);
    return one;
  });
  return found;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
