import 'reflect-metadata';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Module, StandardSchemaValidationPipe, UsePipes } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { IsInt } from 'class-validator';
import { EnvelopeAdapter, EnvelopeServer, type DefaultEventsMap } from 'nestjs-envelope';
import { createContract, defineEvents, Emits, Replies, type EventsOf } from 'nestjs-envelope/contract';
import { createTestClient } from 'nestjs-envelope/testing';
import { z } from 'zod';

const Say = z.object({ text: z.string().min(1) });
const Said = z.object({ text: z.string(), size: z.number() }).meta({ id: 'Said' });

class PointDto {
  @IsInt() x!: number;
}

const events = defineEvents({ said: Said, all: [Said], point: PointDto });

@UsePipes(new StandardSchemaValidationPipe())
@Emits(events)
@WebSocketGateway({ path: '/ws' })
class SchemaGateway {
  @WebSocketServer() server!: EnvelopeServer<DefaultEventsMap, EventsOf<typeof events>>;

  @Replies(Said)
  @SubscribeMessage('say')
  say(@MessageBody({ schema: Say }) { text }: z.infer<typeof Say>): z.infer<typeof Said> {
    return { text, size: text === 'fraction' ? Number('x') : text.length };
  }

  @SubscribeMessage('name')
  name(@MessageBody('text', { schema: z.string() }) text: string): string {
    return text;
  }
}

@Module({ providers: [SchemaGateway] })
class SchemaModule {}

it('nestjs-envelope/contract, ES modules: schemas of zod validate, describe and check', async () => {
  const app = await NestFactory.create(SchemaModule, new ExpressAdapter(), { logger: false });
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { validateEmits: true }));
  const client = await createTestClient(app, '/ws');
  try {
    assert.deepEqual(await client.emitWithAck('say', { text: 'hi' }), { text: 'hi', size: 2 });
    assert.equal(await client.emitWithAck('name', { text: 'ada' }), 'ada');
    await assert.rejects(
      client.emitWithAck('say', { text: '' }),
      (error: { data: { statusCode: number } }) => error.data.statusCode === 400,
    );
    await assert.rejects(client.emitWithAck('say', { text: 'fraction' }), {
      message: 'Internal server error',
    });

    const { server } = app.get(SchemaGateway);
    const code = 'ERR_ENVELOPE_INVALID_EMIT';
    assert.throws(() => server.emit('all', [{ text: 'hi', size: Number('x') }]), {
      code,
      message: /data\[0]\.size/,
    });
    assert.throws(() => server.emit('point', { x: 1.5 }), { code, message: /data\.x: x must be an integer/ });
    server.emit('point', { x: 1 });
    assert.deepEqual(await client.next('point'), { x: 1 });

    const { channels, components } = await createContract(app);
    assert.deepEqual(Object.keys(components.schemas ?? {}), ['PointDto', 'Said']);
    const messages = JSON.stringify(channels['ws']?.messages);
    for (const schema of [
      '"data":{"type":"object","properties":{"text":{"type":"string","minLength":1}},"required":["text"]}',
      '"data":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}',
    ])
      assert.ok(messages.includes(schema), messages);
  } finally {
    await app.close();
  }
});
