import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { toJsonSchema, toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import { z } from 'zod';
import {
  createContract,
  Emits,
  Receives,
  Replies,
  type Contract,
  type ContractOptions,
  type SchemaSource,
} from '../../lib/contract/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { coded } from '../support/error-code.js';
import { Move, Row, Say } from './schema-gateways.js';

/** The parameter options of Nest 12. Nest 11 has no type for them. */
const body = (...args: unknown[]): ParameterDecorator =>
  Reflect.apply(MessageBody, undefined, args) as ParameterDecorator;

class SayDto {}

const SAY = {
  type: 'object',
  properties: {
    text: { type: 'string', minLength: 1, maxLength: 500 },
    author: { $ref: '#/components/schemas/Author' },
  },
  required: ['text'],
};
const MOVE = {
  type: 'object',
  properties: { x: { type: 'number' }, y: { type: 'number' } },
  required: ['x'],
};
const ROW = {
  type: 'object',
  properties: { id: { type: 'number' }, label: { type: 'string', minLength: 1 } },
  required: ['id', 'label'],
};

interface Message {
  readonly payload: { readonly properties: Record<string, unknown>; readonly required: string[] };
}

async function contractOf(
  gateway: new () => object,
  options?: ContractOptions,
): Promise<
  Contract & { app: TestApp; dataOf: (name: string) => unknown; message: (name: string) => Message }
> {
  const app = await startApp({ providers: [gateway] });
  const contract = await createContract(app.nest, options);
  const message = (name: string): Message => contract.channels['ws']!.messages[name] as never;
  return { ...contract, app, message, dataOf: (name) => message(name).payload.properties['data'] };
}

/** Returns a gateway that emits `said` with this schema. */
function emitting(source: SchemaSource): new () => object {
  @Emits('said', source)
  @WebSocketGateway({ path: '/ws' })
  class EmittingGateway {}
  return EmittingGateway;
}

describe('@MessageBody({ schema })', () => {
  it('describes the messages of clients, whatever the type of the parameter', async () => {
    @WebSocketGateway({ path: '/ws' })
    class Gateway {
      @SubscribeMessage('say') say(@body({ schema: Say }) _say: object): void {}
      @SubscribeMessage('dto') dto(@body({ schema: Say }) _say: SayDto): void {}
      @SubscribeMessage('move') move(@body({ schema: Move }) _move: object): void {}
      @SubscribeMessage('row') row(@body({ schema: toStandardJsonSchema(Row) }) _row: object): void {}
      @Receives(Move) @SubscribeMessage('wins') wins(@body({ schema: Say }) _say: object): void {}
    }
    const { dataOf, message } = await contractOf(Gateway);
    expect(['say', 'dto', 'move', 'row', 'wins'].map(dataOf)).toEqual([SAY, SAY, MOVE, ROW, MOVE]);
    expect(message('say').payload.required).toEqual(['event', 'data']);
  });

  it('describes fields, and requires those whose schema refuses undefined', async () => {
    @WebSocketGateway({ path: '/ws' })
    class Gateway {
      @SubscribeMessage('name') name(
        @body('text', { schema: z.string().min(1) }) _text: string,
        @body('colour', { schema: type("'red' | 'blue'") }) _colour: string,
        @body('size', { schema: z.number().optional() }) _size: number,
        @body('at', { schema: z.unknown().refine(async () => Promise.resolve(true)) }) _at: string,
        @MessageBody('plain') _plain: boolean,
      ): void {}
    }
    const { dataOf } = await contractOf(Gateway);
    expect(dataOf('name')).toEqual({
      type: 'object',
      properties: {
        text: { type: 'string', minLength: 1 },
        colour: { enum: ['blue', 'red'] },
        size: { type: 'number' },
        at: {},
        plain: { type: 'boolean' },
      },
      required: ['text', 'colour'],
    });
  });
});

describe('a Standard Schema in a decorator', () => {
  it('is what its validator takes where clients send it, and what it returns where the server does', async () => {
    const counted = z.string().transform(Number).pipe(z.number());
    @Emits('zod', counted)
    @Emits('arktype', type('string.integer.parse'))
    @WebSocketGateway({ path: '/ws' })
    class Gateway {
      @Receives(counted) @Replies(counted) @SubscribeMessage('count') count(): void {}
      @Receives(Move) @Replies(null) @SubscribeMessage('move') move(): void {}
    }
    const { dataOf } = await contractOf(Gateway);
    expect(['count', 'count.reply', 'emits.zod', 'emits.arktype', 'move', 'move.reply'].map(dataOf)).toEqual([
      { type: 'string' },
      { type: 'number' },
      { type: 'number' },
      { type: 'integer' },
      MOVE,
      undefined,
    ]);
  });

  it('gives an Error that names the place if its library cannot write it', async () => {
    const { nest } = await startApp({ providers: [emitting(z.object({ at: z.date() }))] });
    await expect(createContract(nest)).rejects.toThrow(
      coded(
        'ERR_ENVELOPE_INVALID_CONTRACT',
        'createContract: the data of "said" (EmittingGateway) has a schema that zod cannot write as JSON Schema: ' +
          'Date cannot be represented in JSON Schema. Use a type that JSON has, or describe the schema with the option schemaConverter',
      ),
    );
  });

  it('is any JSON if its library writes no JSON Schema, and one warning names the places', async () => {
    @Emits('rows', [Row])
    @WebSocketGateway({ path: '/ws' })
    class Gateway {
      @Receives(Row) @Replies(Row) @SubscribeMessage('row') row(): void {}
    }
    const { dataOf, message, app } = await contractOf(Gateway);
    const any = { description: 'Validated by a schema of valibot. The server does not accept every value.' };
    expect(dataOf('row')).toEqual(any);
    expect(dataOf('emits.rows')).toEqual({ type: 'array', items: any });
    expect(message('row').payload.required).toEqual(['event']);
    expect(app.log.of('warn')).toEqual([
      'createContract: a schema of valibot has no JSON Schema, so the contract says "any JSON" for the data of "row" (Gateway.row), ' +
        'the reply to "row" (Gateway.row), the data of "rows" (Gateway). Wrap it in toStandardJsonSchema() of ' +
        '@valibot/to-json-schema, or pass the option schemaConverter',
    ]);
  });

  it('asks for draft 2020-12 if the library does not know draft 7', async () => {
    const newer = {
      '~standard': {
        version: 1 as const,
        vendor: 'newer',
        validate: (value: unknown) => ({ value }),
        jsonSchema: {
          output: ({ target }: { target: string }) => {
            if (target !== 'draft-2020-12') throw new Error(`unknown target ${target}`);
            return { $schema: target, type: 'array', prefixItems: [{ type: 'string' }], items: false };
          },
        },
      },
    };
    const { dataOf } = await contractOf(emitting(newer));
    expect(dataOf('emits.said')).toEqual({
      type: 'array',
      items: [{ type: 'string' }],
      additionalItems: false,
    });
  });
});

describe('the option schemaConverter', () => {
  it('describes what a library does not, and leaves the rest to the library', async () => {
    @Emits('row', Row)
    @Emits('at', z.date())
    @Emits('move', Move)
    @WebSocketGateway({ path: '/ws' })
    class Gateway {}
    const { dataOf, components, app } = await contractOf(Gateway, {
      schemaConverter: (schema, { schemaType }) => {
        if (schema instanceof z.ZodDate)
          return { schema: { type: 'string', nullable: true, format: 'date-time' } };
        if (schema !== Row) return undefined;
        return {
          schema: { $ref: '#/components/schemas/Row' },
          components: { Row: toJsonSchema(Row, { typeMode: schemaType }) },
        };
      },
    });
    expect(['emits.row', 'emits.at', 'emits.move'].map(dataOf)).toEqual([
      { $ref: '#/components/schemas/Row' },
      { type: ['string', 'null'], format: 'date-time' },
      MOVE,
    ]);
    expect(components.schemas).toEqual({ Row: ROW });
    expect(app.log.of('warn')).toEqual([]);
  });

  it('must be a function', async () => {
    const { nest } = await startApp({ providers: [] });
    await expect(createContract(nest, { schemaConverter: {} as never })).rejects.toThrow(
      coded('ERR_ENVELOPE_INVALID_OPTION', 'createContract: schemaConverter is {}: it takes a function'),
    );
  });
});

it.each([
  [[], 'a list of one of them'],
  [[Say, Say], 'a list of one of them'],
  [['text'], 'a list of one of them'],
  [3, 'a Standard Schema'],
])('a source is not %p', (source, takes) => {
  expect(() => Replies(source as never)).toThrow(coded('ERR_ENVELOPE_INVALID_ARGUMENT', takes));
});
