import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import { Type } from 'typebox';
import * as v from 'valibot';
import { z } from 'zod';
import {
  defineEvents,
  Emits,
  Receives,
  Replies,
  schema,
  type EventsOf,
  type PayloadOf,
  type SchemaConverter,
} from '../../lib/contract/index.js';
import type { EnvelopeServer } from '../../lib/index.js';

const Said = z.object({ text: z.string(), size: z.number().default(3) });
const Row = v.object({ id: v.number() });
const Box = Type.Object({ width: Type.Number() });

const events = defineEvents({
  said: Said,
  length: z.string().transform((text) => text.length),
  rows: [Row],
  described: toStandardJsonSchema(Row),
  moved: type({ x: 'number', 'y?': 'number' }),
  choice: z.union([z.literal('a'), z.null()]),
  box: schema<Type.Static<typeof Box>>(Box),
  bye: null,
});

export function emits(server: EnvelopeServer<Record<string, never>, EventsOf<typeof events>>): void {
  server.emit('said', { text: 'hi', size: 3 });
  server.emit('length', 3);
  server.emit('rows', [{ id: 1 }]);
  server.to('red').emit('described', { id: 1 });
  server.emit('moved', { x: 1 });
  server.emit('choice', null);
  server.emit('box', { width: 1 });
  server.emit('bye');

  // @ts-expect-error the schema returns a size
  server.emit('said', { text: 'hi' });
  // @ts-expect-error what the schema takes, not what it returns
  server.emit('length', 'text');
  // @ts-expect-error it must be a list
  server.emit('rows', { id: 1 });
  // @ts-expect-error not a number
  server.emit('described', { id: '1' });
  // @ts-expect-error x is missing
  server.emit('moved', { y: 1 });
  // @ts-expect-error not a choice
  server.emit('choice', 'b');
  // @ts-expect-error not a number
  server.emit('box', { width: '1' });
}

export const payload: PayloadOf<typeof Said> = { text: 'hi', size: 3 };
export const list: PayloadOf<readonly [typeof Row]> = [{ id: 1 }];

@Emits('said', Said)
@Emits('rows', [Row])
@Emits('moved', type('number'))
export class Gateway {
  @Receives(Said) @Replies([type({ x: 'number' })], { stream: true }) say(): void {}
  // @ts-expect-error a list has one source
  @Replies([Said, Row]) two(): void {}
  // @ts-expect-error not a source
  @Receives('text') text(): void {}
}

export const converter: SchemaConverter = (given, { schemaType }) =>
  given === Row && schemaType === 'input' ? { schema: {}, components: {} } : undefined;
