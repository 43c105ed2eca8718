import type { JsonSchema } from './asyncapi-types.js';

/** What is read of a Standard Schema (standardschema.dev), such as those of zod, valibot and arktype. */
export interface StandardSchema extends JsonSchema {
  readonly '~standard': {
    readonly vendor: string;
    /** Of libraries that can say what they check: zod 4.2, arktype 2.1.28 and later. */
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
 * What a Standard Schema says of the JSON. Where its library cannot say it, or says it with references, which lead elsewhere
 * in another document, the schema lets everything through and says so: nobody is to trust it with what is refused.
 *
 * @param side `input`: what is sent to the validator; `output`: what it returns
 */
export function fromStandardSchema(schema: StandardSchema, side: 'input' | 'output'): JsonSchema {
  const { vendor, jsonSchema } = schema['~standard'];
  try {
    const made = jsonSchema?.[side]({ target: 'draft-07' });
    const text = JSON.stringify(made) as string | undefined;
    if (text !== undefined && !text.includes('"$ref":"#')) {
      const { $schema: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
      return rest;
    }
  } catch {
    // a type that JSON does not have, such as z.date()
  }
  return {
    description: `Validated by a schema of ${vendor} that this contract cannot show: not every value is accepted.`,
  };
}
