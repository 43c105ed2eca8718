import { withCode } from '../protocol/with-code.js';
import type { SchemaSide, StandardSchema } from '../nest/schemas/standard-schema.js';
import type { JsonSchema } from './asyncapi-types.js';
import { fromOpenApi } from './open-api.js';

/** What a {@link SchemaConverter} returns: a JSON Schema, and the schemas that it refers to as `#/components/schemas/Name`. */
export interface ConvertedSchema {
  readonly schema: unknown;
  readonly components?: Readonly<Record<string, unknown>>;
}

/**
 * Converts Standard Schemas to JSON Schema; `undefined`: leaves it to the library of the schema. The same type as
 * `StandardSchemaConverter` of `@nestjs/swagger`, so that one function serves both.
 */
export type SchemaConverter = (
  schema: unknown,
  options: { schemaType: SchemaSide },
) => ConvertedSchema | undefined;

/** A JSON Schema and the schemas that it refers to, by the names that it uses. */
export interface SchemaDocument {
  readonly root: JsonSchema;
  readonly definitions: Readonly<Record<string, JsonSchema>>;
}

/** The drafts to ask for. AsyncAPI's default is draft 7. */
const TARGETS = ['draft-07', 'draft-2020-12'];

/**
 * Returns the JSON Schema of a Standard Schema; `undefined` if neither its library nor the converter can write JSON Schema.
 *
 * @throws the error of the library, if it cannot express the schema, or of the converter
 */
export function exportSchema(
  schema: StandardSchema,
  side: SchemaSide,
  convert: SchemaConverter | undefined,
): SchemaDocument | undefined {
  const converted = convert?.(schema, { schemaType: side });
  if (converted !== undefined) return fromConverter(converted);
  const write = schema['~standard'].jsonSchema?.[side];
  if (typeof write !== 'function') return undefined;
  let failure: unknown;
  for (const target of TARGETS) {
    try {
      return toDocument(write({ target }));
    } catch (error) {
      failure = error; // the first draft may be unknown to the library, so the last error tells more
    }
  }
  throw failure;
}

/** Splits a JSON Schema into its root and its definitions. */
export function toDocument(schema: unknown): SchemaDocument {
  // a copy: libraries may return functions and objects that they share
  const text = JSON.stringify(schema) as string | undefined;
  const copy: unknown = text === undefined ? undefined : JSON.parse(text);
  if (typeof copy === 'boolean') return { root: copy ? {} : { not: {} }, definitions: {} };
  if (typeof copy !== 'object' || copy === null)
    throw withCode('ERR_ENVELOPE_INVALID_CONTRACT', new Error(`${String(text)} is not a JSON Schema`));
  const { $schema: _, definitions = {}, $defs = {}, ...root } = copy as Record<string, unknown>;
  return { root, definitions: { ...(definitions as object), ...($defs as object) } };
}

function fromConverter({ schema, components = {} }: ConvertedSchema): SchemaDocument {
  const { root, definitions } = toDocument(schema);
  const ofComponents = Object.entries(components).map(([name, one]) => [name, toDocument(one).root] as const);
  const all = [...Object.entries(definitions), ...ofComponents];
  return {
    root: fromOpenApi(root),
    definitions: Object.fromEntries(all.map(([name, one]) => [name, fromOpenApi(one)])),
  };
}
