/** `input`: what a validator accepts, as clients send it; `output`: what it returns, as the server sends it. */
export type SchemaSide = 'input' | 'output';

/** One reason why a Standard Schema refuses a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

/**
 * A Standard Schema (standardschema.dev), the common interface of zod, valibot and arktype. The same as `StandardSchemaV1` of
 * `@standard-schema/spec`, with the part of `StandardJSONSchemaV1` that exports JSON Schema.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Present in libraries that export JSON Schema: zod from 4.2 on, arktype from 2.1.28 on. */
    readonly jsonSchema?: Partial<
      Readonly<Record<SchemaSide, (options: { readonly target: string }) => Record<string, unknown>>>
    >;
  };
}

/** Whether a value is a Standard Schema. Ask it before anything else: those of arktype are functions, those of zod objects. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  const standard: unknown = Reflect.get(value, '~standard');
  return typeof standard === 'object' && standard !== null;
}
