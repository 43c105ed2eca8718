import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { scope, type } from 'arktype';
import { Type } from 'typebox';
import * as v from 'valibot';
import { z } from 'zod';
import { defineEvents, Emits, Receives, Replies, schema } from '../../lib/contract/index.js';

/** A schema with a name that is used on both sides: zod writes `additionalProperties: false` on one of them. */
export const Author = z.object({ name: z.string() }).meta({ id: 'Author' });
export const Say = z.object({ text: z.string().min(1).max(500), author: Author.optional() });
export const Said = z.object({ text: z.string(), author: Author, at: z.iso.datetime() });
/** A schema with a name whose two sides differ. */
export const Page = z.object({ size: z.number().default(20) }).meta({ id: 'Page' });
export const Comment = z.object({
  text: z.string(),
  get answers() {
    return z.array(Comment);
  },
});
export const Row = v.object({ id: v.number(), label: v.pipe(v.string(), v.minLength(1)) });
export const Folder: v.GenericSchema<FolderValue> = v.object({
  name: v.string(),
  folders: v.array(v.lazy(() => Folder)),
});
interface FolderValue {
  name: string;
  folders: FolderValue[];
}
export const Move = type({ x: 'number', 'y?': 'number' });
export const { chain: Chain } = scope({ chain: { value: 'number', 'next?': 'chain' } }).export();
const Box = Type.Object({ width: Type.Number(), label: Type.Optional(Type.String()) });
const Tree = Type.Cyclic({ Leaf: Type.Object({ leaves: Type.Array(Type.Ref('Leaf')) }) }, 'Leaf');

export const events = defineEvents({
  said: Said,
  authors: [Author],
  rows: [toStandardJsonSchema(Row)],
  moved: Move,
  box: schema<Type.Static<typeof Box>>(Box),
  tree: schema<Type.Static<typeof Tree>>(Tree),
  bye: null,
});

@Emits(events)
@WebSocketGateway({ path: '/ws' })
export class SchemaGateway {
  @Receives(Say) @Replies(Said) @SubscribeMessage('say') say(
    @MessageBody() _say: z.infer<typeof Say>,
  ): void {}
  @Receives(Author) @Replies([Author]) @SubscribeMessage('author') author(): void {}
  @Receives(Page) @Replies(Page) @SubscribeMessage('page') page(): void {}
  @Receives(Comment) @Replies(Comment) @SubscribeMessage('comment') comment(): void {}
  @Receives([Move]) @Replies(Chain) @SubscribeMessage('move') move(): void {}
  @Receives(toStandardJsonSchema(Folder)) @SubscribeMessage('folder') folder(): void {}
}
