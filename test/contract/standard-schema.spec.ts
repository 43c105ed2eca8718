import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { createContract, Emits, Receives, Replies, type SchemaSource } from '../../lib/contract/index.js';
import { startApp } from '../support/app.js';

declare const NEST_MAJOR: number;

/** Returns a Standard Schema as libraries create it. Only some libraries provide `jsonSchema`. */
function schemaOf(jsonSchema?: object): SchemaSource {
  return {
    '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }), jsonSchema },
  };
}
const schemaWith = (input: object, output: object = input): SchemaSource =>
  schemaOf({
    input: ({ target }: { target: string }) => ({ $schema: target, ...input }),
    output: ({ target }: { target: string }) => ({ $schema: target, ...output }),
  });

const TEXT = { type: 'object', properties: { text: { type: 'string', minLength: 1 } }, required: ['text'] };
const UNKNOWN = {
  description:
    'Validated by a schema of test that this contract cannot show. The server does not accept every value.',
};
/** Schemas that have no JSON Schema, or none that another document can embed. */
const UNSUPPORTED: Record<string, SchemaSource> = {
  'without a JSON Schema': schemaOf(),
  'of a type that JSON does not have': schemaOf({
    input: () => {
      throw new Error('Date cannot be represented in JSON Schema');
    },
  }),
  'that refers to itself': schemaWith({ type: 'object', properties: { next: { $ref: '#' } } }),
};

/** The parameter options of Nest 12. Nest 11 has no type for them. */
const body = (...args: unknown[]): ParameterDecorator =>
  Reflect.apply(MessageBody, undefined, args) as ParameterDecorator;

class SayDto {}

interface Message {
  readonly payload: { readonly properties: Record<string, unknown>; readonly required: string[] };
}

async function messagesOf(gateway: new () => object): Promise<Record<string, Message>> {
  const app = await startApp({ providers: [gateway] });
  const { channels } = await createContract(app.nest);
  return channels['ws']!.messages as never;
}

(NEST_MAJOR === 12 ? describe : describe.skip)('@MessageBody({ schema })', () => {
  it('describes the messages of clients, regardless of the type of the parameter', async () => {
    @WebSocketGateway({ path: '/ws' })
    class Gateway {
      @SubscribeMessage('say') say(@body({ schema: schemaWith(TEXT) }) _say: object): void {}
      @SubscribeMessage('dto') dto(@body({ schema: schemaWith(TEXT, {}) }) _say: SayDto): void {}
      @SubscribeMessage('field') field(
        @body('text', { schema: schemaWith({ type: 'string' }) }) _text: string,
      ): void {}
    }
    const { say, dto, field } = await messagesOf(Gateway);
    for (const message of [say!, dto!]) {
      expect(message.payload.properties).toMatchObject({ data: TEXT });
      expect(message.payload.properties['data']).toEqual(TEXT);
      expect(message.payload.required).toEqual(['event', 'data']);
    }
    expect(field!.payload.properties).toMatchObject({
      data: { type: 'object', properties: { text: { type: 'string' } } },
    });
  });

  it.each(Object.keys(UNSUPPORTED))('is described as unknown for a schema %s', async (name) => {
    @WebSocketGateway({ path: '/ws' })
    class Gateway {
      @SubscribeMessage('say') say(@body({ schema: UNSUPPORTED[name] }) _say: object): void {}
    }
    const { say } = await messagesOf(Gateway);
    expect(say!.payload.properties).toMatchObject({ data: UNKNOWN });
    expect(say!.payload.properties['data']).toEqual(UNKNOWN);
    expect(say!.payload.required).toEqual(['event']);
  });
});

describe('a Standard Schema in a decorator', () => {
  it('is converted to a JSON Schema', async () => {
    const callable = Object.assign(() => undefined, schemaWith(TEXT));
    @Emits('said', schemaWith({}, { type: 'number' }))
    @Emits('unsupported', schemaOf())
    @WebSocketGateway({ path: '/ws' })
    class Gateway {
      @Receives(callable as never)
      @Replies(schemaWith({ type: 'string' }, TEXT))
      @SubscribeMessage('say')
      say(): void {}
    }
    const messages = await messagesOf(Gateway);
    const dataOf = (name: string): unknown => messages[name]!.payload.properties['data'];
    expect(['say', 'say.reply', 'emits.said', 'emits.unsupported'].map(dataOf)).toEqual([
      TEXT,
      TEXT,
      { type: 'number' },
      UNKNOWN,
    ]);
  });
});
