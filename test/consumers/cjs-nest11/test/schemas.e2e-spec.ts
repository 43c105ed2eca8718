import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { IsInt } from 'class-validator';
import { EnvelopeAdapter, EnvelopeServer, type DefaultEventsMap } from 'nestjs-envelope';
import {
  createContract,
  defineEvents,
  Emits,
  Receives,
  Replies,
  type EventsOf,
} from 'nestjs-envelope/contract';
import { createTestClient } from 'nestjs-envelope/testing';
import { z } from 'zod';

const Say = z.object({ text: z.string().min(1) });
const Said = z.object({ text: z.string() }).meta({ id: 'Said' });

class PointDto {
  @IsInt() x!: number;
}

const events = defineEvents({ said: Said, all: [Said], point: PointDto });

@Emits(events)
@WebSocketGateway({ path: '/ws' })
class SchemaGateway {
  @WebSocketServer() server!: EnvelopeServer<DefaultEventsMap, EventsOf<typeof events>>;

  @Receives(Say)
  @Replies(Said)
  @SubscribeMessage('say')
  say(): z.infer<typeof Said> {
    return { text: 'hi' };
  }
}

it('nestjs-envelope/contract, CommonJS: schemas of zod describe and check', async () => {
  const moduleFixture = await Test.createTestingModule({ providers: [SchemaGateway] }).compile();
  const app = moduleFixture.createNestApplication();
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { validateEmits: true }));
  const client = await createTestClient(app, '/ws');
  try {
    expect(await client.emitWithAck('say')).toEqual({ text: 'hi' });
    const { server } = app.get(SchemaGateway);
    expect(() => server.emit('all', [{ text: 7 as never }])).toThrow('data[0].text');
    expect(() => server.emit('point', { x: 1.5 })).toThrow('data.x: x must be an integer');
    const { channels, components } = await createContract(app);
    expect(Object.keys(components.schemas ?? {})).toEqual(['PointDto', 'Said']);
    expect(JSON.stringify(channels.ws.messages)).toContain('{"text":{"type":"string","minLength":1}}');
  } finally {
    await app.close();
  }
});
