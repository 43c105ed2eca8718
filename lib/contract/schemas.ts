import type { INestApplication, INestApplicationContext } from '@nestjs/common';
import { isClass, plainSchema } from './design-types.js';
import type { JsonSchema } from './asyncapi-types.js';
import { mergeObjects, schemaByValidators } from './dto-schema.js';
import type { SchemaClass, SchemaSource } from './events.js';
import { pointer, sorted } from './naming.js';
import { componentsOfOpenApi } from './open-api.js';
import type { Peers } from './optional-peers.js';
import { embedSchema } from './embedded-schema.js';
import { exportSchema, toDocument, type SchemaConverter, type SchemaDocument } from './exported-schema.js';
import { referencesIn } from './schema-walk.js';
import { isStandardSchema, type SchemaSide, type StandardSchema } from '../nest/schemas/standard-schema.js';
import { withCode } from '../protocol/with-code.js';

/** A module that no application imports. An empty `include` would mean all modules. */
class NoModule {}

interface Described {
  readonly schema: JsonSchema;
  /** The class or handler that uses the schema, for errors. */
  readonly where: string;
  /** What was described; `undefined` for a class that another one contains. */
  readonly type?: Named | undefined;
}

/** What has a name among the components. */
type Named = SchemaClass | StandardSchema | JsonSchema;

/** What uses a schema. */
export interface Place {
  /** The class or handler, for errors. */
  readonly where: string;
  readonly event: string;
  /** What the schema describes, for errors: `the data of "say"`. */
  readonly what: string;
}

/** Collects the schemas of an application: of its DTO classes, by class name, and those that its Standard Schemas name. */
export class Schemas {
  private readonly names = new Map<SchemaClass, string>();
  /** The schemas by name, each with the first place that uses it. */
  private readonly found = new Map<string, Described>();
  /** The same without the keywords of validators: `@nestjs/swagger` returns nested schemas by name, without their classes. */
  private readonly bySwagger = new Map<string, Described>();

  private readonly embedded: Readonly<Record<SchemaSide, Map<object, JsonSchema>>> = {
    input: new Map(),
    output: new Map(),
  };
  /** What has a schema whose library cannot write JSON Schema, by library. */
  private readonly unwritten = new Map<string, Set<string>>();

  constructor(
    private readonly app: INestApplicationContext,
    private readonly peers: Peers,
    private readonly convert?: SchemaConverter,
  ) {}

  /**
   * Returns the schema of a payload; a reference for a DTO class, and for a schema with a name.
   *
   * @param source `undefined`: any JSON
   * @param side the side of a Standard Schema: `input` for what clients send, `output` for what the server sends
   * @throws Error if two different schemas have the same name, if the name of a class is not valid, or if a library cannot write a
   * schema as JSON Schema
   */
  of(source: Exclude<SchemaSource, null> | undefined, place: Place, side: SchemaSide): JsonSchema {
    if (source === undefined) return {};
    // first: schemas of arktype are functions, those of zod are objects
    if (isStandardSchema(source)) return this.ofStandard(source, place, side);
    if (Array.isArray(source))
      return { type: 'array', items: this.of((source as readonly [SchemaClass])[0], place, side) };
    if (!isClass(source)) return this.ofJson(source as JsonSchema, place);
    return plainSchema(source) ?? { $ref: pointer('components', 'schemas', this.name(source, place.where)) };
  }

  /** Returns a warning for each library whose schemas the contract cannot describe. */
  warnings(): string[] {
    return [...this.unwritten].map(
      ([vendor, places]) =>
        `createContract: a schema of ${vendor} has no JSON Schema, so the contract says "any JSON" for ${[...places].join(', ')}. ` +
        (vendor === 'valibot'
          ? 'Wrap it in toStandardJsonSchema() of @valibot/to-json-schema'
          : 'Update the library') +
        ', or pass the option schemaConverter',
    );
  }

  /** Returns `components.schemas`. */
  components(): Record<string, JsonSchema> {
    return sorted([...this.found].map(([name, { schema }]) => [name, schema]));
  }

  private ofStandard(source: StandardSchema, place: Place, side: SchemaSide): JsonSchema {
    const known = this.embedded[side].get(source);
    if (known !== undefined) return known;
    const document = this.export(source, place, side);
    if (document === undefined) {
      const { vendor } = source['~standard'];
      if (!this.unwritten.has(vendor)) this.unwritten.set(vendor, new Set());
      this.unwritten.get(vendor)!.add(`${place.what} (${place.where})`);
      return { description: `Validated by a schema of ${vendor}. The server does not accept every value.` };
    }
    let other: SchemaDocument | undefined;
    try {
      other = exportSchema(source, side === 'input' ? 'output' : 'input', this.convert);
    } catch {
      // a transformation, whose result the library does not know
    }
    return this.embed(source, document, place, side, other);
  }

  /** @throws Error that names the place, with the words of the library */
  private export(source: StandardSchema, place: Place, side: SchemaSide): SchemaDocument | undefined {
    try {
      return exportSchema(source, side, this.convert);
    } catch (cause) {
      const { vendor } = source['~standard'];
      throw withCode(
        'ERR_ENVELOPE_INVALID_CONTRACT',
        new Error(
          `createContract: ${place.what} (${place.where}) has a schema that ${vendor} cannot write as JSON Schema: ` +
            `${cause instanceof Error ? cause.message : String(cause)}. Use a type that JSON has, or describe the schema with ` +
            'the option schemaConverter',
          { cause },
        ),
      );
    }
  }

  private ofJson(source: JsonSchema, place: Place): JsonSchema {
    const known = this.embedded.input.get(source);
    if (known !== undefined) return known;
    const isAlone =
      source['$defs'] === undefined &&
      source['definitions'] === undefined &&
      !referencesIn(source).some((ref) => ref === '#' || /^#\/(?!components\/)/.test(ref));
    if (isAlone) return source;
    const document = toDocument(source);
    return this.embed(source, document, place, 'input', document);
  }

  private embed(
    source: StandardSchema | JsonSchema,
    document: SchemaDocument,
    place: Place,
    side: SchemaSide,
    other: SchemaDocument | undefined,
  ): JsonSchema {
    const { root, components } = embedSchema(document, {
      side,
      other,
      namesRoot: isStandardSchema(source),
      base: place.event,
      accepts: (name, schema) => {
        const before = this.found.get(name);
        return before === undefined || JSON.stringify(before.schema) === JSON.stringify(schema);
      },
    });
    for (const [name, schema] of components) this.keep(name, schema, place.where, source);
    this.embedded[side].set(source, root);
    return root;
  }

  private name(type: SchemaClass, where: string): string {
    const known = this.names.get(type);
    if (known !== undefined) return known;
    const name = this.peers.swagger?.getSchemaPath(type).split('/').at(-1) ?? type.name;
    if (!/^[\w.-]+$/.test(name))
      throw withCode(
        'ERR_ENVELOPE_INVALID_CONTRACT',
        new Error(
          `createContract: "${name}" is not a valid schema name for a DTO class of ${where}. Name the class with ` +
            'letters, digits and _, or set its name with @ApiSchema({ name })',
        ),
      );
    // before its properties, because a class may refer to itself
    this.names.set(type, name);
    const bySwagger = this.describeBySwagger(type);
    for (const [nested, schema] of Object.entries(bySwagger)) {
      const before = this.bySwagger.get(nested);
      if (before === undefined) this.bySwagger.set(nested, { schema, where });
      else assertSame(nested, before, { schema, where });
      if (nested !== name) this.keep(nested, schema, where);
    }
    const place = { where, event: name, what: name };
    const byValidators = schemaByValidators(type, this.peers, (other) => this.of(other, place, 'input'));
    const own = bySwagger[name];
    this.keep(name, own === undefined ? byValidators : mergeObjects(own, byValidators), where, type);
    return name;
  }

  /** Returns the schemas of a class and of all classes that it refers to, from the decorators of `@nestjs/swagger`. */
  private describeBySwagger(type: SchemaClass): Record<string, JsonSchema> {
    const { swagger } = this.peers;
    if (swagger === undefined) return {};
    const info = { title: '', version: '' };
    const { components } = swagger.SwaggerModule.createDocument(
      withHttp(this.app),
      { openapi: '3.0.0', info },
      { include: [NoModule], extraModels: [type] },
    );
    return componentsOfOpenApi(components?.schemas ?? {});
  }

  private keep(name: string, schema: JsonSchema, where: string, type?: Named): void {
    const before = this.found.get(name);
    if (before === undefined || (before.type === undefined && type !== undefined))
      this.found.set(name, { type, schema, where });
    else if (type !== undefined) assertSame(name, before, { type, schema, where });
  }
}

/** @throws Error if one name stands for two different schemas */
function assertSame(name: string, before: Described, now: Described): void {
  if (JSON.stringify(before.schema) === JSON.stringify(now.schema)) return;
  const areClasses = [before, now].every(({ type }) => type === undefined || isDto(type));
  throw withCode(
    'ERR_ENVELOPE_INVALID_CONTRACT',
    new Error(
      `createContract: two different ${areClasses ? 'DTO classes' : 'schemas'} are named ${name}: ${before.where} uses one, ` +
        `${now.where} the other. Rename one of them, or set ` +
        (areClasses
          ? 'its name with @ApiSchema({ name })'
          : 'another id or title. @ApiSchema({ name }) names a DTO class'),
    ),
  );
}

function isDto(source: Named): source is SchemaClass {
  return typeof source === 'function' && !isStandardSchema(source);
}

/** Adds an HTTP adapter to an application without one: `@nestjs/swagger` reads its type even without routes. */
function withHttp(app: INestApplicationContext): INestApplication {
  const http = { getHttpAdapter: { value: () => ({ getType: () => 'none' }) } };
  return ('getHttpAdapter' in app ? app : Object.create(app, http)) as INestApplication;
}
