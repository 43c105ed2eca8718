import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import type { TestClient } from '../support/client.js';
import { underAttack, type AttackHarness } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import { coded } from '../support/error-code.js';

@WebSocketGateway({ path: '/ws' })
class AskingGateway {
  readonly clients: EnvelopeSocket[] = [];
  readonly reasons: unknown[] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }
  handleDisconnect(_client: EnvelopeSocket, reason?: string): void {
    this.reasons.push(reason);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

const attack = underAttack(AskingGateway);

async function connectClient({
  attacker,
  gateway,
}: AttackHarness<AskingGateway>): Promise<[TestClient, EnvelopeSocket]> {
  const client = await attacker();
  return [client, gateway.clients.at(-1)!];
}

const throws = (): never => {
  throw new Error('the callback says no');
};
const rejects = async (): Promise<never> => throws();

describe('hostile answers', () => {
  expectNoUnhandledErrors();

  it(
    'are ignored and counted when forged, repeated or late',
    attack(async (harness) => {
      const [client, socket] = await connectClient(harness);
      const forged = [0, 1, -1, '0', 'x', '__proto__', 'constructor'];
      for (const ack of forged) client.send({ ack, data: 'forged' });
      for (const ack of forged) client.send({ event: 'exception', ack, data: 'forged' });
      await client.settled();
      expect(harness.server.counters.ignoredAnswers).toBe(14);

      const answer = socket.emitWithAck('ask');
      const { id } = await client.next('ask');
      client.send({ ack: String(id), data: 'the wrong type' });
      client.send({ ack: id, data: 'right' });
      client.send({ ack: id, data: 'again' });
      client.send({ event: 'exception', ack: id });
      expect(await answer).toBe('right');
      await client.settled();
      expect(harness.server.counters.ignoredAnswers).toBe(17);

      const timedOut = socket.timeout(1).emitWithAck('ask');
      await expect(timedOut).rejects.toThrow(coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'));
      client.send({ ack: (await client.next('ask')).id, data: 'late' });
      await client.settled();
      expect(harness.server.counters.ignoredAnswers).toBe(18);
      expect(harness.server.counters.refusedMessages).toBe(0);
      expect(client.closed).toBeUndefined();
    }),
  );

  it(
    'are accepted only from the client that received the request',
    attack(async (harness) => {
      const [ada, adaSocket] = await connectClient(harness);
      const [bob] = await connectClient(harness);
      const answer = adaSocket.emitWithAck('ask');
      const { id } = await ada.next('ask');
      bob.send({ ack: id, data: 'from bob' });
      await bob.settled();
      ada.send({ ack: id, data: 'from ada' });
      expect(await answer).toBe('from ada');
      const room = harness.server.to(adaSocket.id).timeout(60_000).emitWithAck('ask room');
      const request = await ada.next('ask room');
      bob.send({ ack: request.id, data: 'from bob' });
      await bob.settled();
      ada.send({ ack: request.id, data: 'from ada' });
      expect(await room).toEqual(['from ada']);
    }),
  );

  it.each([
    ['throws', throws],
    ['rejects', rejects],
  ])('a callback that %s on an answer is logged, and has no other effect', (_how, callback) =>
    attack(async (harness) => {
      const [client, socket] = await connectClient(harness);
      socket.emit('ask', callback);
      client.send({ ack: (await client.next('ask')).id, data: null });
      socket.timeout(1_000).emit('ask', callback);
      client.send({ event: 'exception', ack: (await client.next('ask')).id });
      harness.server.to(socket.id).emit('ask', callback);
      client.send({ ack: (await client.next('ask')).id, data: null });
      socket.timeout(1).emit('ask', callback);
      harness.server.to(socket.id).timeout(1).emit('ask', callback);
      const reportCount = (count: number) =>
        until(`${count} reports`, () => harness.app.log.of('error').length === count);
      await reportCount(5);
      expect(harness.app.log.of('error').join()).toContain('the callback says no');
      expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
      // The end of the connection answers callbacks that take an error, too.
      // From here on the log is sampled.
      let called = 0;
      const count = (): unknown => (called++, callback());
      socket.timeout(5_000).emit('ask', count);
      socket.timeout(5_000).emit('ask', count);
      client.ws.terminate();
      await until('handleDisconnect', () => harness.gateway.reasons.length === 1);
      await until('both callbacks', () => called === 2);
      socket.timeout(5_000).emit('ask', count);
      await until('the third callback', () => called === 3);
      expect(harness.app.log.of('error')).toHaveLength(5);
    })(),
  );

  it(
    'keep their data, whatever its keys are',
    attack(async (harness) => {
      const [client, socket] = await connectClient(harness);
      const data = { then: 1, __proto__: null, message: { toString: 1 } };
      const answer = socket.emitWithAck('ask');
      client.send(`{"ack":${(await client.next('ask')).id},"data":${JSON.stringify(data)}}`);
      expect(await answer).toEqual({ then: 1, message: { toString: 1 } });
      const failure = socket.emitWithAck('ask');
      client.send({ event: 'exception', ack: (await client.next('ask')).id, data });
      await expect(failure).rejects.toMatchObject({ message: 'the request failed', data });
    }),
  );

  it(
    'fail pending requests when the client disconnects',
    attack(async (harness) => {
      const [client, socket] = await connectClient(harness);
      const answers = Promise.allSettled([
        socket.emitWithAck('ask'),
        socket.timeout(5_000).emitWithAck('ask'),
      ]);
      await client.next('ask');
      client.ws.terminate();
      expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    }),
  );
});
