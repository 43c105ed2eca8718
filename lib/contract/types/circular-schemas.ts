import type { JsonSchema } from '../asyncapi-types.js';

const COMPOSED = ['allOf', 'anyOf', 'oneOf'];

/**
 * Returns the names of the schemas that are nothing but themselves, such as one that is a reference to itself. TypeScript has no
 * such types; those that contain themselves in a property or a list are no problem.
 *
 * @param nameOf returns the name of the schema that a reference stands for
 */
export function circularSchemas(
  schemas: Readonly<Record<string, JsonSchema>>,
  nameOf: (reference: string) => string | undefined,
): Set<string> {
  const targets = new Map(
    Object.entries(schemas).map(([name, schema]) => [name, [...targetsOf(schema, nameOf)]]),
  );
  const circular = new Set<string>();
  for (const name of targets.keys()) {
    const reached = new Set<string>();
    const waiting = [...targets.get(name)!];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      waiting.push(...(targets.get(next) ?? []));
    }
    if (reached.has(name)) circular.add(name);
  }
  return circular;
}

/** The schemas that a value has to match at the same place. */
function* targetsOf(
  schema: unknown,
  nameOf: (reference: string) => string | undefined,
): Generator<string, void, undefined> {
  const { $ref: reference, ...keywords } = Object(schema) as JsonSchema;
  if (typeof reference === 'string') {
    const name = nameOf(reference);
    if (name !== undefined) yield name;
    return;
  }
  for (const keyword of COMPOSED)
    if (Array.isArray(keywords[keyword]))
      for (const one of keywords[keyword] as unknown[]) yield* targetsOf(one, nameOf);
}
