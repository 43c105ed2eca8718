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

/** A module that no application has: an empty list would mean all of them. */
class NoModule {}

interface Described {
  readonly schema: JsonSchema;
  /** Who speaks of it. */
  readonly where: string;
}

/** The schemas of an application's DTOs, each under the name of its class. */
export class Schemas {
  private readonly names = new Map<SchemaClass, string>();
  /** What is known under a name, with who asked for it first. */
  private readonly found = new Map<string, Described & { type?: SchemaClass }>();
  /** The same before validators add to it: `@nestjs/swagger` names classes that it does not hand over. */
  private readonly bySwagger = new Map<string, Described>();

  constructor(
    private readonly app: INestApplicationContext,
    private readonly peers: Peers,
  ) {}

  /**
   * The schema of a payload.
   *
   * @param source `undefined`: any JSON
   * @param where who speaks of it, for errors
   * @param side which side of a Standard Schema: what clients send, or what the server does
   * @throws Error where two classes of the same name differ, or a class has no name
   */
  of(
    source: Exclude<SchemaSource, null> | undefined,
    where: string,
    side: 'input' | 'output' = 'input',
  ): JsonSchema {
    if (source === undefined) return {};
    // before classes: those of arktype are functions
    if (isStandardSchema(source)) return fromStandardSchema(source, side);
    if (Array.isArray(source)) return { type: 'array', items: this.of(source[0] as SchemaClass, where) };
    if (!isClass(source)) return source as JsonSchema;
    return plainSchema(source) ?? { $ref: pointer('components', 'schemas', this.name(source, where)) };
  }

  /** `components.schemas` */
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
          `The contract cannot name a DTO class of ${where}: "${name}" is no name for a schema. Name the class with ` +
            'letters, digits and _, or give it a name by @ApiSchema({ name })',
        ),
      );
    // before its properties: a class may refer to itself
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

  /** The class and all that it refers to, by the decorators of `@nestjs/swagger`. */
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

/** @throws Error where one name stands for two */
function assertSame(name: string, before: Described, now: Described): void {
  if (JSON.stringify(before.schema) === JSON.stringify(now.schema)) return;
  throw withCode(
    'ERR_ENVELOPE_INVALID_CONTRACT',
    new Error(
      `Two DTO classes are called ${name} and differ: one belongs to ${before.where}, one to ${now.where}. ` +
        'Rename one of them, or give it a name of its own by @ApiSchema({ name })',
    ),
  );
}

/** `@nestjs/swagger` asks what HTTP platform there is, also where there are no routes to describe. */
function withHttp(app: INestApplicationContext): INestApplication {
  const http = { getHttpAdapter: { value: () => ({ getType: () => 'none' }) } };
  return ('getHttpAdapter' in app ? app : Object.create(app, http)) as INestApplication;
}
