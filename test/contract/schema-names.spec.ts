import { NestFactory } from '@nestjs/core';
import { WebSocketGateway } from '@nestjs/websockets';
import { IsString } from 'class-validator';
import { z } from 'zod';
import {
  contractToYaml,
  createContract,
  Emits,
  schema,
  type ContractMessage,
  type EventDefinitions,
  type JsonSchema,
} from '../../lib/contract/index.js';
import { EnvelopeModule } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { Child } from '../support/child.js';
import { coded } from '../support/error-code.js';
import { SchemaGateway } from './schema-gateways.js';

const OPTIONS = { title: 'Schemas', version: '1.0.0' };
const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const object = (properties: object, required = Object.keys(properties)): object => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
});

async function schemasOf(events: EventDefinitions): Promise<Record<string, JsonSchema> | undefined> {
  @Emits(events)
  @WebSocketGateway({ path: '/ws' })
  class NamesGateway {}
  const { nest } = await startApp({ providers: [NamesGateway] });
  return (await createContract(nest, OPTIONS)).components.schemas;
}

describe('the schemas of an application with zod, valibot, arktype and TypeBox', () => {
  it('have their names in components, one for both sides unless they differ', async () => {
    const { nest } = await startApp({ providers: [SchemaGateway] });
    const { components, channels } = await createContract(nest, OPTIONS);
    const text = { type: 'string' };
    const number = { type: 'number' };
    expect(components.schemas).toEqual({
      Author: object({ name: text }),
      'Comment.1': object({ text, answers: { type: 'array', items: ref('Comment.1') } }),
      'Folder.1': object({ name: text, folders: { type: 'array', items: ref('Folder.1') } }),
      Leaf: object({ leaves: { type: 'array', items: ref('Leaf') } }),
      'Move.1': object({ value: number, next: ref('Move.1') }, ['value']),
      Page: { ...object({ size: { default: 20, type: 'number' } }), additionalProperties: false },
      PageInput: object({ size: { default: 20, type: 'number' } }, []),
    });
    const dataOf = (name: string): unknown => {
      const { payload } = channels['ws']!.messages[name] as ContractMessage;
      return (payload['properties'] as { data?: unknown }).data;
    };
    const move = object({ x: number, y: number }, ['x']);
    const row = object({ id: number, label: { type: 'string', minLength: 1 } });
    expect(
      Object.fromEntries(
        Object.keys(channels['ws']!.messages)
          .filter((name) => !/exception|say|said/.test(name))
          .map((name) => [name, dataOf(name)]),
      ),
    ).toEqual({
      author: ref('Author'),
      'author.reply': { type: 'array', items: ref('Author') },
      page: ref('PageInput'),
      'page.reply': ref('Page'),
      comment: ref('Comment.1'),
      'comment.reply': ref('Comment.1'),
      move: { type: 'array', items: move },
      'move.reply': ref('Move.1'),
      folder: ref('Folder.1'),
      'folder.reply': {},
      'emits.authors': { type: 'array', items: ref('Author') },
      'emits.rows': { type: 'array', items: row },
      'emits.moved': move,
      'emits.box': object({ width: number, label: text }, ['width']),
      'emits.tree': ref('Leaf'),
      'emits.bye': undefined,
    });
  });

  it('are the same in preview mode and in the running application', async () => {
    const imports = [EnvelopeModule.forRoot({})];
    const running = await startApp({ imports, providers: [SchemaGateway] });
    const module = { module: class AppModule {}, imports, providers: [SchemaGateway] };
    const preview = await NestFactory.createApplicationContext(module, { preview: true, logger: false });
    const texts = [running.nest, preview, preview].map(async (app) =>
      contractToYaml(await createContract(app, OPTIONS)),
    );
    const [first, ...others] = await Promise.all(texts);
    for (const other of others) expect(other).toBe(first);
  });

  describe('as AsyncAPI', () => {
    let parser: Child;
    beforeAll(async () => {
      parser = await Child.start('asyncapi', { isShared: true });
    });

    it('are accepted by its parser', async () => {
      const { nest } = await startApp({ providers: [SchemaGateway] });
      const text = JSON.stringify(await createContract(nest, OPTIONS));
      const { complaints, operations } = await parser.ask<{ complaints: string[]; operations: unknown[] }>(
        'parse',
        text,
      );
      expect(complaints).toEqual([]);
      expect(operations).toHaveLength(13);
    });
  });

  it('have examples in the explorer', async () => {
    const { nest } = await startApp({ providers: [SchemaGateway] });
    const contract = await createContract(nest, OPTIONS);
    const folder = `${process.cwd()}/lib/explorer/page`;
    const { Contract } = (await import(`${folder}/contract.js`)) as {
      Contract: new (document: object) => { channels: { receives: { event: string; data: object }[] }[] };
    };
    const { exampleOf } = (await import(`${folder}/example.js`)) as {
      exampleOf: (contract: object, schema: object) => unknown;
    };
    const shown = new Contract(contract);
    const examples = shown.channels[0]!.receives.map(({ event, data }) => [event, exampleOf(shown, data)]);
    expect(examples).toEqual([
      ['say', { text: 'text', author: { name: 'text' } }],
      ['author', { name: 'text' }],
      ['page', { size: 20 }],
      ['comment', { text: 'text', answers: [] }],
      ['move', [{ x: 1, y: 1 }]],
      ['folder', { name: 'text', folders: [] }],
    ]);
  });
});

describe('a name', () => {
  const clash = (name: string): Error =>
    coded(
      'ERR_ENVELOPE_INVALID_CONTRACT',
      `two different schemas are named ${name}: NamesGateway uses one, NamesGateway the other`,
    );

  it('may not be that of two different schemas, nested or not', async () => {
    const first = z.object({ a: z.string() }).meta({ title: 'Twice' });
    const second = z.object({ b: z.string() }).meta({ title: 'Twice' });
    const nested = z.object({ twice: z.object({ c: z.string() }).meta({ id: 'Twice' }) });
    await expect(schemasOf({ first, second })).rejects.toThrow(clash('Twice'));
    await expect(schemasOf({ first, nested })).rejects.toThrow(clash('Twice'));
    await expect(schemasOf({ first, again: [first] })).resolves.toHaveProperty('Twice');
  });

  it('may not be that of a DTO class', async () => {
    class Both {
      @IsString() a!: string;
    }
    const twin = z.object({ b: z.string() }).meta({ title: 'Both' });
    await expect(schemasOf({ twin, dto: Both })).rejects.toThrow(clash('Both'));
    await expect(schemasOf({ dto: Both, twin })).rejects.toThrow(clash('Both'));
  });

  it('may come from the title of an object, and is made one that AsyncAPI accepts', async () => {
    const schemas = await schemasOf({
      titled: z.object({}).meta({ title: 'An order' }),
      label: z.string().meta({ title: 'Name' }),
      id: z.object({ o: z.object({}).meta({ id: 'shop/order' }) }),
    });
    expect(Object.keys(schemas!)).toEqual(['AnOrder', 'ShopOrder']);
  });
});

describe('the definitions of a JSON Schema', () => {
  it('become components, and references that are no definitions stay', async () => {
    const list = schema<unknown>({
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: {
        $ref: { type: 'string' },
        rows: { items: { $ref: '#/$defs/Row' } },
        first: { $ref: '#/$defs/Row/properties/id' },
        self: { $ref: '#' },
        part: { $ref: '#/properties/rows' },
        other: { $ref: 'https://example.com/schema' },
      },
      $defs: { Row: { properties: { id: { const: { $ref: '#/$defs/Row' } } } }, Unused: {} },
    });
    const schemas = await schemasOf({ list });
    expect(Object.keys(schemas!)).toEqual(['List.1', 'Row']);
    expect(schemas!['List.1']!['properties']).toEqual({
      $ref: { type: 'string' },
      rows: { items: ref('Row') },
      first: { $ref: '#/components/schemas/Row/properties/id' },
      self: ref('List.1'),
      part: { $ref: '#/components/schemas/List.1/properties/rows' },
      other: { $ref: 'https://example.com/schema' },
    });
    expect(schemas!['Row']).toEqual({ properties: { id: { const: { $ref: '#/$defs/Row' } } } });
  });

  it('without a name are numbered by event, and shared if they are the same', async () => {
    const nodeOf = (value: z.ZodType): z.ZodType => {
      const node: z.ZodType = z.object({ value, next: z.lazy(() => node).optional() });
      return node;
    };
    const schemas = await schemasOf({
      list: nodeOf(z.string()),
      List: nodeOf(z.number()),
      'li-st': z.object({ a: nodeOf(z.string()) }),
    });
    expect(Object.keys(schemas!)).toEqual(['LiSt.1', 'List.1', 'List.2']);
  });
});
