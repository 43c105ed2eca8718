import { Ack, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { z } from 'zod';
import { createContract, Emits, Receives, Replies, type ContractMessage } from '../../lib/contract/index.js';
import { Signal } from '../../lib/index.js';
import { startApp } from '../support/app.js';

async function messagesOf(gateway: new () => object): Promise<(name: string) => ContractMessage['payload']> {
  const { nest } = await startApp({ providers: [gateway] });
  const { channels } = await createContract(nest);
  return (name) => (channels['ws']!.messages[name] as ContractMessage).payload;
}

it('schemas of zod and valibot describe what @Receives, @Replies and @Emits name', async () => {
  const Say = z.object({ text: z.string().min(1) });
  const Row = toStandardJsonSchema(v.object({ id: v.number() }));
  @Emits('rows', [Row])
  @Emits('said', Say)
  @WebSocketGateway({ path: '/ws' })
  class Gateway {
    @Receives(Say) @Replies(Row) @SubscribeMessage('say') say(@MessageBody() _say: object): void {}
  }
  const payload = await messagesOf(Gateway);
  const say = { type: 'object', properties: { text: { type: 'string', minLength: 1 } }, required: ['text'] };
  const row = { type: 'object', properties: { id: { type: 'number' } }, required: ['id'] };
  const names = ['say', 'say.reply', 'emits.rows', 'emits.said'];
  expect(names.map((name) => (payload(name)['properties'] as { data: object }).data)).toEqual([
    say,
    row,
    { type: 'array', items: row },
    { ...say, additionalProperties: false },
  ]);
});

it('a handler with parameters that read nothing of the message takes nothing', async () => {
  @WebSocketGateway({ path: '/ws' })
  class Gateway {
    @SubscribeMessage('report') report(@Signal() _signal: AbortSignal): void {}
    @SubscribeMessage('both') both(@Signal() _signal: AbortSignal, @Ack() _ack: () => void): void {}
    @Receives(z.number()) @SubscribeMessage('move') move(@Signal() _signal: AbortSignal): void {}
    @SubscribeMessage('body') body(@Signal() _signal: AbortSignal, @MessageBody() _text: string): void {}
  }
  const payload = await messagesOf(Gateway);
  const fields = (name: string): string[] => Object.keys(payload(name)['properties'] as object);
  expect(fields('report')).toEqual(['event', 'id']);
  expect(fields('both')).toEqual(['event', 'id']);
  expect(fields('move')).toEqual(['event', 'data', 'id']);
  expect(fields('body')).toEqual(['event', 'data', 'id']);
});
