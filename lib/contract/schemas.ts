import type { INestApplication, INestApplicationContext } from '@nestjs/common';
import { isClass, plainSchema } from './design-types.js';
import type { JsonSchema } from './asyncapi-types.js';
import { mergeObjects, schemaByValidators } from './dto-schema.js';
import type { SchemaClass, SchemaSource } from './events.js';
import { pointer, sorted } from './naming.js';
import { fromOpenApi } from './open-api.js';
import type { Peers } from './optional-peers.js';
import { fromStandardSchema, isStandardSchema } from './standard-schema.js';
import { withCode } from '../protocol/with-code.js';

/** A module that no application imports. An empty `include` would mean all modules. */
class NoModule {}

interface Described {
  readonly schema: JsonSchema;
  /** The class or handler that uses the schema, for errors. */
  readonly where: string;
}

/** Collects the schemas of an application's DTO classes, by class name. */
export class Schemas {
  private readonly names = new Map<SchemaClass, string>();
  /** The schemas by name, each with the first place that uses it. */
  private readonly found = new Map<string, Described & { type?: SchemaClass }>();
  /** The same without the keywords of validators: `@nestjs/swagger` returns nested schemas by name, without their classes. */
  private readonly bySwagger = new Map<string, Described>();

  constructor(
    private readonly app: INestApplicationContext,
    private readonly peers: Peers,
  ) {}

  /**
   * Returns the schema of a payload; a reference for a DTO class.
   *
   * @param source `undefined`: any JSON
   * @param where the class or handler that uses the schema, for errors
   * @param side the side of a Standard Schema: `input` for what clients send, `output` for what the server sends
   * @throws Error if two different classes have the same name, or the name of a class is not valid
   */
  of(
    source: Exclude<SchemaSource, null> | undefined,
    where: string,
    side: 'input' | 'output' = 'input',
  ): JsonSchema {
    if (source === undefined) return {};
    // before classes: schemas of arktype are functions
    if (isStandardSchema(source)) return fromStandardSchema(source, side);
    if (Array.isArray(source)) return { type: 'array', items: this.of(source[0] as SchemaClass, where) };
    if (!isClass(source)) return source as JsonSchema;
    return plainSchema(source) ?? { $ref: pointer('components', 'schemas', this.name(source, where)) };
  }

  /** Returns `components.schemas`. */
  components(): Record<string, JsonSchema> {
    return sorted([...this.found].map(([name, { schema }]) => [name, schema]));
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
    const byValidators = schemaByValidators(type, this.peers, (other) => this.of(other, where));
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
    return Object.fromEntries(
      Object.entries(components?.schemas ?? {}).map(([name, schema]) => [name, fromOpenApi(schema)]),
    );
  }

  private keep(name: string, schema: JsonSchema, where: string, type?: SchemaClass): void {
    const before = this.found.get(name);
    if (before === undefined || (before.type === undefined && type !== undefined))
      this.found.set(name, { ...(type && { type }), schema, where });
    else if (type !== undefined) assertSame(name, before, { schema, where });
  }
}

/** @throws Error if one name stands for two different schemas */
function assertSame(name: string, before: Described, now: Described): void {
  if (JSON.stringify(before.schema) === JSON.stringify(now.schema)) return;
  throw withCode(
    'ERR_ENVELOPE_INVALID_CONTRACT',
    new Error(
      `createContract: two different DTO classes are named ${name}: ${before.where} uses one, ${now.where} the other. ` +
        'Rename one of them, or set its name with @ApiSchema({ name })',
    ),
  );
}

/** Adds an HTTP adapter to an application without one: `@nestjs/swagger` reads its type even without routes. */
function withHttp(app: INestApplicationContext): INestApplication {
  const http = { getHttpAdapter: { value: () => ({ getType: () => 'none' }) } };
  return ('getHttpAdapter' in app ? app : Object.create(app, http)) as INestApplication;
}
