import type { SchemaSide } from '../nest/schemas/standard-schema.js';
import type { JsonSchema } from './asyncapi-types.js';
import type { SchemaDocument } from './exported-schema.js';
import { pointer, typeName } from './naming.js';
import { mapSchemas, referencesIn } from './schema-walk.js';

/** A schema that other documents can contain, and the components that it refers to. */
interface EmbeddedSchema {
  readonly root: JsonSchema;
  readonly components: ReadonlyMap<string, JsonSchema>;
}

interface EmbedOptions {
  readonly side: SchemaSide;
  /** The same schema for the other side; `undefined` if its library cannot write it. */
  readonly other: SchemaDocument | undefined;
  /** Whether a root with a name becomes a component. */
  readonly namesRoot: boolean;
  /** The beginning of the names of components that have no name. */
  readonly base: string;
  /** Whether a component may have this name: it is free, or is the same schema. */
  readonly accepts: (name: string, schema: JsonSchema) => boolean;
}

/** The key of the root among the definitions. No library uses it. */
const ROOT = '#';
/** Names that libraries make: zod's `__schema0`, valibot's `0`, arktype's `intersection12`, which depends on the order of imports. */
const MADE = /^(?:__schema|alias|domain|intersection|morph|proto|type|union|unit)?\d+$/;
const PRIMITIVE = new Set<unknown>(['string', 'number', 'integer', 'boolean', 'null']);

/**
 * Makes a JSON Schema part of another document: its definitions become components under their names, and references to them, or to
 * the schema itself, point there. Definitions without a name of their own are put in place, or are numbered if they are recursive.
 */
export function embedSchema(document: SchemaDocument, options: EmbedOptions): EmbeddedSchema {
  const own = new Definitions(document, options.namesRoot);
  const other = options.other && new Definitions(options.other, options.namesRoot);
  const split = splitNames(own, other);
  const used = own.reachable();
  const kept = used.filter((key) => !MADE.test(key) || own.isRecursive(key));
  const nameless = kept.filter((key) => isNameless(own, key));
  for (let first = 1; ; first++) {
    const names = new Map(
      kept.map((key) => {
        const given = nameless.includes(key)
          ? `${typeName(options.base)}.${first + nameless.indexOf(key)}`
          : toName(key === ROOT ? declaredName(own.get(ROOT))! : key);
        return [key, split.has(key) && options.side === 'input' ? `${given}Input` : given];
      }),
    );
    const component = (key: string): JsonSchema => {
      // both sides of a schema share a component where they agree; the input is the more general one
      const from = options.side === 'input' || split.has(key) ? own : other!;
      return rewrite(from.get(key), from, names);
    };
    if (nameless.every((key) => options.accepts(names.get(key)!, component(key)))) {
      const components = new Map(kept.map((key) => [names.get(key)!, component(key)]));
      return { root: rewrite(own.root, own, names), components };
    }
  }
}

/** The definitions of one document, with the root among them if something refers to it, or if it has a name. */
class Definitions {
  readonly root: JsonSchema;
  private readonly all: Map<string, JsonSchema>;

  constructor({ root, definitions }: SchemaDocument, namesRoot: boolean) {
    this.all = new Map(Object.entries(definitions));
    const refs = [root, ...this.all.values()].flatMap(referencesIn);
    const isReferredTo = refs.some((ref) => this.target(ref)?.key === ROOT);
    const isNamed = namesRoot && typeof root['$ref'] !== 'string' && declaredName(root) !== undefined;
    // valibot writes a recursive root twice: as the root and as a definition
    const text = JSON.stringify(root);
    const same = [...this.all].find(([, one]) => JSON.stringify(one) === text)?.[0];
    if (isReferredTo || isNamed) this.all.set(ROOT, root);
    if (isReferredTo || isNamed) this.root = { $ref: ROOT };
    else this.root = same === undefined ? root : { $ref: pointer('definitions', same) };
  }

  get(key: string): JsonSchema {
    return this.all.get(key)!;
  }

  has(key: string): boolean {
    return this.all.has(key);
  }

  /** Returns the definition that a reference names, and the pointer within it; `undefined` for a reference to other documents. */
  target(ref: string): { key: string; rest: string } | undefined {
    if (ref === ROOT) return { key: ROOT, rest: '' };
    const [, folder, name, rest = ''] =
      /^#\/(definitions|\$defs|components\/schemas)\/([^/]+)(\/.*)?$/.exec(ref) ?? [];
    if (name !== undefined) {
      const key = decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~');
      if (this.all.has(key) || folder !== 'components/schemas') return { key, rest };
      return undefined;
    }
    if (ref.startsWith('#/')) return { key: ROOT, rest: ref.slice(1) };
    const byId = [...this.all].find(([key, { $id }]) => $id === ref || key === ref);
    return byId && { key: byId[0], rest: '' };
  }

  /** Returns the keys of the definitions that the root needs, in the order of their first use. */
  reachable(): string[] {
    return this.from(this.root);
  }

  isRecursive(key: string): boolean {
    return this.from(this.get(key)).includes(key);
  }

  targetsIn(schema: JsonSchema): string[] {
    return referencesIn(schema).flatMap((ref) => {
      const key = this.target(ref)?.key;
      return key !== undefined && this.all.has(key) ? [key] : [];
    });
  }

  private from(schema: JsonSchema): string[] {
    const found = new Set(this.targetsIn(schema));
    for (const key of found) for (const next of this.targetsIn(this.get(key))) found.add(next);
    return [...found];
  }
}

/** Returns the definitions that differ between what clients send and what the server sends, and those that refer to them. */
function splitNames(own: Definitions, other: Definitions | undefined): ReadonlySet<string> {
  const keys = own.reachable();
  const split = new Set(
    keys.filter(
      (key) => other === undefined || !other.has(key) || general(own.get(key)) !== general(other.get(key)),
    ),
  );
  for (let before = -1; before !== split.size;) {
    before = split.size;
    for (const key of keys)
      if (own.targetsIn(own.get(key)).some((target) => split.has(target))) split.add(key);
  }
  return split;
}

/** Returns a schema as text, without `additionalProperties: false`: zod removes unknown fields, and so only output has it. */
function general(schema: JsonSchema): string {
  return JSON.stringify(
    mapSchemas(schema, ({ additionalProperties, ...rest }) =>
      additionalProperties === undefined || additionalProperties === false
        ? rest
        : { ...rest, additionalProperties },
    ),
  );
}

function rewrite(schema: JsonSchema, from: Definitions, names: ReadonlyMap<string, string>): JsonSchema {
  return mapSchemas(schema, (one) => {
    // an id would change what the references within it mean
    const { $id: _, $ref, ...rest } = one;
    if (typeof rest['id'] === 'string') delete (rest as Record<string, unknown>)['id'];
    if (typeof $ref !== 'string') return plain(rest);
    const target = from.target($ref);
    if (target === undefined || !from.has(target.key)) return { $ref, ...rest };
    const name = names.get(target.key);
    if (name === undefined) return { ...rest, ...rewrite(from.get(target.key), from, names) };
    return { $ref: pointer('components', 'schemas', name) + target.rest, ...rest };
  });
}

/** Returns a schema in draft 7 where it is one of draft 2020-12, and without an `allOf` around a single reference. */
function plain(schema: JsonSchema): JsonSchema {
  const { prefixItems, items, allOf, ...rest } = schema;
  if (Array.isArray(prefixItems))
    return { ...rest, items: prefixItems, ...(items !== undefined && { additionalItems: items }) };
  const isWrapped = Array.isArray(allOf) && allOf.length === 1 && Object.keys(schema).length === 1;
  return isWrapped ? (allOf[0] as JsonSchema) : schema;
}

function isNameless(own: Definitions, key: string): boolean {
  return MADE.test(key) || (key === ROOT && declaredName(own.get(ROOT)) === undefined);
}

/** Returns the name that a schema gives itself. The title of a text or a number is a label. */
function declaredName({ id, $id, title, type }: JsonSchema): string | undefined {
  const names = [id, $id, PRIMITIVE.has(type) ? undefined : title];
  return names.find((name): name is string => typeof name === 'string' && name !== '');
}

function toName(key: string): string {
  return /^[\w.-]+$/.test(key) ? key : typeName(key).replace(/[^\w.-]/g, '_');
}
