import type { JsonSchema } from './asyncapi-types.js';

/** The part of a Standard Schema (standardschema.dev) that is read. zod, valibot and arktype implement it. */
export interface StandardSchema extends JsonSchema {
  readonly '~standard': {
    readonly vendor: string;
    /** Present in libraries that can export JSON Schema: zod from 4.2 on, arktype from 2.1.28 on. */
    readonly jsonSchema?: {
      readonly input: (options: { target: string }) => unknown;
      readonly output: (options: { target: string }) => unknown;
    };
  };
}

export function isStandardSchema(value: unknown): value is StandardSchema {
  const standard: unknown =
    value === undefined || value === null ? undefined : Reflect.get(Object(value) as object, '~standard');
  return typeof standard === 'object' && standard !== null;
}

/**
 * Returns the JSON Schema of a Standard Schema. If its library cannot export one, or exports one with references, which would be
 * wrong in another document, the result accepts any value and says so in its description.
 *
 * @param side `input`: what the validator accepts; `output`: what it returns
 */
export function fromStandardSchema(schema: StandardSchema, side: 'input' | 'output'): JsonSchema {
  const { vendor, jsonSchema } = schema['~standard'];
  try {
    const exported = jsonSchema?.[side]({ target: 'draft-07' });
    const text = JSON.stringify(exported) as string | undefined;
    if (text !== undefined && !text.includes('"$ref":"#')) {
      const { $schema: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
      return rest;
    }
  } catch {
    // a type that JSON lacks, such as z.date()
  }
  return {
    description: `Validated by a schema of ${vendor} that this contract cannot show. The server does not accept every value.`,
  };
}
