import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsInt, IsString } from 'class-validator';
import { Describe, Emits, Receives, Replies, schema } from '../../lib/contract/index.js';
import type { EnvelopeSocket } from '../../lib/index.js';

/** Types with names that the generated file uses itself, or that are equal without their punctuation. */
export class ClientOptions {
  @IsString() name!: string;
}
@ApiSchema({ name: 'Line-Item' })
export class LineItem {
  @ApiProperty() price!: number;
}
@ApiSchema({ name: 'Line.Item' })
export class LineItemOfOthers {
  @ApiProperty() cost!: number;
}
export class WsEmits {
  @IsInt() count!: number;
}
@ApiSchema({ name: '3d_point' })
export class Point {
  @ApiProperty() x!: number;
}

const tuple = schema<[string, number]>({
  type: 'array',
  items: [{ type: 'string' }, { type: 'number' }],
  minItems: 2,
});
const modernTuple = schema({ prefixItems: [{ type: 'string' }], items: { type: 'boolean' }, type: 'array' });
const choice = schema({
  description: 'A circle\nor a */ square',
  oneOf: [
    {
      type: 'object',
      required: ['kind', 'radius'],
      properties: { kind: { const: 'circle' }, radius: { type: 'number' } },
    },
    {
      type: 'object',
      required: ['kind', 'side'],
      properties: { kind: { const: 'square' }, side: { type: 'number' } },
    },
    { type: 'null' },
  ],
});
const shapes = schema({
  type: 'object',
  required: ['id', 'unsaid', 'it\'s "quoted"\n'],
  properties: {
    id: { type: ['integer', 'null'], description: 'Its number' },
    tags: { type: 'array', items: { enum: ['a', 'b)', 1, null] }, maxItems: 3 },
    'it\'s "quoted"\n': { type: 'string' },
    free: {},
    any: true,
    map: { type: 'object', additionalProperties: { type: 'array', items: { type: 'number' } } },
    patterns: { patternProperties: { '^x-': { type: 'string' } } },
    open: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true },
    fixed: { const: { deep: [1, 'two'] } },
    elsewhere: { $ref: 'https://example.com/schema.json' },
    lost: { $ref: '#/components/schemas/Lost' },
    named: { title: 'ClientSocket', type: 'object', properties: { b: { type: 'string' } } },
    written: { tsType: 'string; import("evil")' },
    both: { allOf: [{ type: 'object', properties: { c: { type: 'string' } } }], deprecated: true },
  },
});
const refused = schema({ type: 'object', properties: { old: { type: 'string', deprecated: 'yes' } } });

@Emits({
  'order.changed': ClientOptions,
  'it\'s "new"': LineItem,
  ['__proto__']: String,
  'new\nline */': null,
  tuple,
  modernTuple,
  choice,
  refused,
})
@Emits('sometimes', Number)
@WebSocketGateway({ path: '/ws' })
export class FirstGateway {
  @Replies(shapes)
  @Receives(shapes)
  @SubscribeMessage('shapes.get')
  shapes(@MessageBody() all: unknown) {
    return all;
  }

  @Replies(Number)
  @SubscribeMessage('shared')
  shared(@MessageBody() item: LineItem) {
    return item.price;
  }

  @Replies(null, { stream: true })
  @SubscribeMessage('progress')
  progress(): void {}
}

/** The same path: both handlers of `shared` run. */
@Emits('sometimes', null)
@Emits('sometimes', [Point])
@WebSocketGateway({ path: '/ws' })
export class SecondGateway {
  @Replies(null)
  @SubscribeMessage('shared')
  shared(@MessageBody() item: LineItemOfOthers): void {
    void item;
  }
}

@WebSocketGateway({ path: '/ws/emits' })
export class EmitsGateway {
  @Replies(WsEmits)
  @SubscribeMessage('count')
  count(@ConnectedSocket() _client: EnvelopeSocket): WsEmits {
    return { count: 1 };
  }
}

@Describe({ description: 'Files.\n\nThey close */ comments.' })
@WebSocketGateway({ path: '/files{/:kind}/*rest' })
export class FilesGateway {
  @SubscribeMessage('read')
  read(): string {
    return '';
  }
}

@WebSocketGateway({ path: "/it's/:tenant/`${x}`" })
export class QuotedGateway {}

/** One name for two paths, except for punctuation. */
@WebSocketGateway({ path: '/a/b' })
export class SlashGateway {}
@WebSocketGateway({ path: '/a_b' })
export class UnderscoreGateway {}

export const TYPE_GATEWAYS = [
  FirstGateway,
  SecondGateway,
  EmitsGateway,
  FilesGateway,
  QuotedGateway,
  SlashGateway,
  UnderscoreGateway,
];
