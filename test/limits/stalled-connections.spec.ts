import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { NEVER } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class AskingGateway {
  clients: EnvelopeSocket[] = [];
  gate = deferred();
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    this.clients.push(client);
    if (client.headers['x-pace'] === 'slow') await this.gate.promise;
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('confirm')
  async confirm(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: number): Promise<unknown> {
    return client.emitWithAck('confirm?', data);
  }
  @SubscribeMessage('endless')
  endless(): unknown {
    return NEVER;
  }
}

const unlimited = { messagesPerSecond: false } as const;

describe('a paused connection', () => {
  expectNoUnhandledErrors();

  it(
    'still reads the answers that its handlers wait for',
    underAttack(AskingGateway, { limits: { maxInFlight: 4, ...unlimited } })(async ({ attacker }) => {
      const client = await attacker();
      client.ws.on('message', (text) => {
        const { event, id, data } = JSON.parse(String(text)) as { event: string; id: number; data: unknown };
        if (event === 'confirm?') client.send({ ack: id, data });
      });
      for (let id = 0; id < 400; id++) client.send({ event: 'confirm', id: `c${id}`, data: id });
      await client.until('all answers', () => answersOf(client.frames).length === 400);
      const done = answersOf(client.frames).filter(({ event }) => event === 'confirm');
      const refused = answersOf(client.frames).filter(({ data }) => data.code === 'rate_limited');
      // Messages within the queue are handled, in order. The others get an exception.
      expect(done.map(({ data }) => data)).toEqual(done.map((_, index) => index));
      expect(done.length).toBeGreaterThanOrEqual(128);
      expect(done.length + refused.length).toBe(400);
      expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
    }),
  );

  it(
    'closes with 1013 when no message in flight ends',
    underAttack(AskingGateway, { connectTimeout: 100, limits: { maxInFlight: 2, ...unlimited } })(
      async ({ attacker }) => {
        const client = await attacker();
        for (let id = 0; id < 400; id++) client.send({ event: 'endless', id, stream: true });
        expect(await client.ended()).toEqual({ code: 1013, reason: 'no message in flight comes to an end' });
      },
    ),
  );

  it.each([3, 100])(
    'closes with 1013 when no message in flight ends and some messages wait, %i in all',
    (count) =>
      underAttack(AskingGateway, { connectTimeout: 100, limits: { maxInFlight: 2, ...unlimited } })(
        async ({ attacker }) => {
          const client = await attacker();
          for (let id = 0; id < count; id++) client.send({ event: 'endless', id });
          expect(await client.ended()).toEqual({
            code: 1013,
            reason: 'no message in flight comes to an end',
          });
        },
      )(),
  );

  it(
    'continues when a slow client reads its answers',
    underAttack(AskingGateway, { limits: { maxBufferedBytes: 4_000_000, ...unlimited } })(
      async ({ attacker, gateway }) => {
        const client = await attacker();
        const socket = gateway.clients.at(-1)!;
        client.ws.pause();
        const text = 'x'.repeat(200_000);
        for (let id = 0; id < 200; id++) client.send({ event: 'echo', id, data: text });
        await until('a pause', () => socket.isPaused);
        client.ws.resume();
        await client.until('all answers', () => client.frames.length === 200);
        expect(client.frames.map(({ ack }) => ack)).toEqual(client.frames.map((_, index) => index));
        expect(client.closed).toBeUndefined();
      },
    ),
  );

  it(
    'continues when the connection is ready and the queue has room',
    underAttack(AskingGateway, { limits: { maxInFlight: 20, ...unlimited } })(
      async ({ attacker, gateway }) => {
        const client = await attacker({ headers: { 'x-pace': 'slow' } });
        for (let id = 0; id < 128; id++) client.send({ event: 'endless', id, stream: true });
        await until('a pause', () => gateway.clients.at(-1)!.isPaused);
        gateway.gate.resolve();
        client.send({ event: '$cancel', data: 0 });
        expect(await client.answer(0)).toEqual({ event: 'endless', ack: 0 });
      },
    ),
  );
});

function answersOf<Frame extends { ack?: string | number }>(frames: readonly Frame[]): Frame[] {
  return frames.filter(({ ack }) => String(ack).startsWith('c'));
}
