import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import type { TestClient } from '../support/client.js';
import { clientFrame, OP } from '../support/raw-client.js';
import { underAttack, type AttackHarness } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class RatedGateway {
  readonly clients: EnvelopeSocket[] = [];
  readonly reasons: unknown[] = [];
  readonly seen: unknown[] = [];
  /** How many pings and pongs the listeners received. */
  controlFrames = 0;

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
    client.on('ping', () => this.controlFrames++);
    client.on('pong', () => this.controlFrames++);
  }
  handleDisconnect(client: EnvelopeSocket, reason?: string): void {
    this.reasons.push([reason, client.closed]);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    this.seen.push(data);
    return data;
  }
}

/** One token in sixteen minutes: spent tokens do not return during a test. The witness has a few as well. */
const SLOW = { messagesPerSecond: 0.001, messageBurst: 20 };
const rated = (limits: object, options: EnvelopeOptions = {}) =>
  underAttack(RatedGateway, { ...options, limits });
const attack = rated(SLOW);
const TOO_MANY = {
  event: 'exception',
  data: { status: 'error', code: 'rate_limited', message: 'too many messages' },
};
const FLOODED = { code: 1008, reason: 'too many messages', wasClean: true, initiator: 'server' };

/** Sends as fast as possible until the server closes the connection. */
async function flood(client: TestClient, message: object, maximum = 100_000): Promise<void> {
  const text = JSON.stringify(message);
  for (let sent = 0; sent < maximum && client.closed === undefined; sent += 100) {
    for (let i = 0; i < 100; i++) client.ws.send(text, () => undefined);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a client over the message rate', () => {
  expectNoUnhandledErrors();

  it.each([
    ['without an id', {}],
    ['with an id', { id: 1 }],
  ])('gets its burst at once, and each further message is refused: %s', (_, id) =>
    attack(async ({ attacker, gateway }) => {
      const client = await attacker();
      for (let data = 0; data < 20; data++) client.send({ event: 'echo', data });
      await client.until('all answers', () => client.frames.length === 20);
      expect(gateway.seen).toHaveLength(20);
      for (let more = 0; more < 3; more++) {
        client.send({ event: 'echo', data: 'too much', ...id });
        expect(await client.next('exception')).toEqual({ ...TOO_MANY, ...('id' in id && { ack: 1 }) });
      }
      expect(gateway.seen).toHaveLength(20);
      expect(client.closed).toBeUndefined();
    })(),
  );

  it(
    'is closed with 1008 when it continues, and its further messages are not handled',
    attack(async ({ attacker, gateway, app }) => {
      const client = await attacker();
      await flood(client, { event: 'echo' });
      expect(await client.ended()).toEqual({ code: 1008, reason: 'too many messages' });
      expect(gateway.seen).toHaveLength(20);
      expect(client.frames.filter(({ event }) => event === 'exception').length).toBeLessThanOrEqual(101);
      await until('handleDisconnect', () => gateway.reasons.length === 1);
      expect(gateway.reasons).toEqual([['server namespace disconnect', FLOODED]]);
      expect(app.log.of('error').concat(app.log.of('warn'))).toEqual([]);
    }),
  );

  it.each([
    ['malformed messages', '{'],
    ['unknown events', '{"event":"unknown"}'],
    ['reserved events', '{"event":"$unknown"}'],
    ['answers to no request', '{"ack":5}'],
    ['$ping', '{"event":"$ping"}'],
    ['$cancel', '{"event":"$cancel","data":1}'],
    ['$auth', '{"event":"$auth","data":{}}'],
    ['empty messages', ''],
  ])('%s count like other messages', (_, text) =>
    rated({ messagesPerSecond: 0.001, messageBurst: 5 })(async ({ raw, gateway }) => {
      const client = await raw();
      client.send(
        Buffer.concat(Array.from({ length: 5 }, () => clientFrame({ opcode: OP.text, payload: text }))),
      );
      client.text({ event: 'echo', id: 'end' });
      let answer = '';
      while (!answer.includes('end')) answer = await client.message();
      expect(JSON.parse(answer)).toEqual({ ...TOO_MANY, ack: 'end' });
      expect(gateway.seen).toEqual([]);
    })(),
  );

  it.each([
    ['pings', OP.ping],
    ['pongs', OP.pong],
  ])('is closed for a flood of %s', (_, opcode) =>
    attack(async ({ raw, gateway, expectServed: isServed }) => {
      const client = await raw();
      const frame = clientFrame({ opcode, payload: 'x'.repeat(125) });
      client.send(Buffer.concat(Array.from({ length: 20 }, () => frame)));
      await until('the burst', () => gateway.controlFrames === 20);
      for (let i = 0; i < 20; i++) client.send(Buffer.concat(Array.from({ length: 1_000 }, () => frame)));
      await isServed();
      let close = await client.frame();
      while (close.opcode !== OP.close) close = await client.frame();
      expect(close.payload.readUInt16BE()).toBe(1008);
      expect(gateway.controlFrames).toBe(20);
      await until('handleDisconnect', () => gateway.reasons.length === 1);
      expect(gateway.reasons).toEqual([['server namespace disconnect', FLOODED]]);
    })(),
  );

  it(
    'is not closed for the pongs that the server requests, and the pings continue',
    underAttack(RatedGateway, {
      limits: { messagesPerSecond: 0.001, messageBurst: 10 },
      pingInterval: 20,
      pingTimeout: 5_000,
    })(async ({ attacker, gateway, server }) => {
      const client = await attacker();
      client.send({ event: 'echo' });
      // A pong that arrives after another sign of life may cost a token.
      await until('many pongs', () => gateway.controlFrames >= 40);
      expect(client.closed).toBeUndefined();
      expect(gateway.reasons).toEqual([]);
      expect(server.sockets.size).toBe(2);
    }),
  );

  it(
    'may always send the answers that the server requested, and they do not count',
    attack(async ({ attacker, gateway }) => {
      const client = await attacker();
      const socket = gateway.clients.at(-1)!;
      const questions = Array.from({ length: 500 }, (_, i) => socket.emitWithAck('ask', i));
      for (let i = 0; i < 500; i++) {
        const { id } = await client.next('ask');
        client.send({ ack: id, data: i });
      }
      expect(await Promise.all(questions)).toEqual(Array.from({ length: 500 }, (_, i) => i));
      // The whole burst is still available.
      for (let i = 0; i < 20; i++) client.send({ event: 'echo', data: i });
      await client.until(
        'all answers',
        () => client.frames.filter(({ event }) => event === 'echo').length === 20,
      );
      client.send({ event: 'echo', id: 1 });
      expect(await client.answer(1)).toMatchObject(TOO_MANY);
      const late = Array.from({ length: 500 }, (_, i) => socket.emitWithAck('ask', i));
      for (let i = 0; i < 500; i++) client.send({ ack: (await client.next('ask')).id, data: i });
      expect(await Promise.all(late)).toHaveLength(500);
      const room = socket.nsp.to(socket.id).timeout(5_000).emitWithAck('ask', 'all');
      client.send({ ack: (await client.next('ask')).id, data: 'of the room' });
      expect(await room).toEqual(['of the room']);
      expect(client.closed).toBeUndefined();
      expect(client.frames.filter(({ event }) => event === 'exception')).toHaveLength(1);
    }),
  );

  it.each([
    [100, 1_000, 105],
    [1_000, 1_000, 1_050],
    [10, 10, 15],
  ])(
    'with %d messages per second may exceed the rate slightly for an hour, with few refusals',
    (messagesPerSecond, messageBurst, sent) =>
      rated({ messagesPerSecond, messageBurst })(async ({ server }) => {
        const { messages, refusals } = server._config.limits;
        let [spent, spentRefusals, refused] = [0, 0, 0];
        for (let i = 0; i < sent * 3_600; i++) {
          const now = (i * 1_000) / sent;
          const next = messages!.take(spent, now);
          if (next !== 0) spent = next;
          else {
            spentRefusals = refusals.take(spentRefusals, now);
            if (spentRefusals === 0) throw new Error(`closed after ${now} ms`);
            refused++;
          }
        }
        expect(refused).toBeLessThanOrEqual((sent - messagesPerSecond) * 3_600);
        expect(refused).toBeGreaterThan((sent - messagesPerSecond) * 3_600 - messageBurst * 2);
      })(),
  );

  it.each([
    ['the defaults', {}, 1_000],
    ['a lower burst', { messageBurst: 7 }, 7],
    ['a higher burst', { messageBurst: 3_000, messagesPerSecond: 0.01 }, 3_000],
  ])('with %s gets the right burst', (_, limits, burst) =>
    underAttack(RatedGateway, { limits })(async ({ raw, gateway }) => {
      const client = await raw();
      const frame = clientFrame({ opcode: OP.text, payload: '{"event":"echo"}' });
      const began = performance.now();
      client.send(Buffer.concat(Array.from({ length: burst + 90 }, () => frame)));
      await client.message();
      await until(
        'the last message',
        () => server(gateway).counters.refusedMessages > 0 || gateway.seen.length === burst + 90,
      );
      // A slow machine takes so long that some tokens return.
      const more = Math.ceil(((performance.now() - began) * 100) / 1_000) + 1;
      await until('the burst', () => gateway.seen.length >= burst);
      expect(gateway.seen.length).toBeLessThanOrEqual(burst + more);
    })(),
  );

  it(
    'may send everything with messagesPerSecond: false',
    rated({ messagesPerSecond: false })(async ({ attacker, gateway }) => {
      const client = await attacker();
      await flood(client, { event: 'echo' }, 20_000);
      await client.settled();
      expect(gateway.seen).toHaveLength(20_000);
    }),
  );

  it(
    'does not delay other clients',
    underAttack(RatedGateway)(async ({ attacker, expectServed: isServed, gateway }) => {
      const attackers = [await attacker(), await attacker(), await attacker()];
      const floods = attackers.map((client) => flood(client, { event: 'echo' }));
      // The attackers and the witness share this process and its one thread with the server. Its processor time does not
      // depend on what else the machine does.
      let slowest = 0;
      for (let i = 0; i < 20; i++) {
        const began = process.cpuUsage();
        await isServed();
        const { user, system } = process.cpuUsage(began);
        slowest = Math.max(slowest, (user + system) / 1_000);
      }
      await Promise.all(floods);
      for (const client of attackers) expect((await client.ended()).code).toBe(1008);
      expect(gateway.seen.length).toBeLessThan(5_000);
      expect(slowest).toBeLessThan(1_000);
    }),
  );

  it(
    'is limited before handleConnection has settled',
    attack(async ({ attacker, server, gateway }) => {
      server.use((_socket, next) => setImmediate(next));
      const client = await attacker();
      await flood(client, { event: 'echo' });
      expect((await client.ended()).code).toBe(1008);
      expect(gateway.seen.length).toBeLessThanOrEqual(20);
    }),
  );
});

function server(gateway: RatedGateway): AttackHarness<RatedGateway>['server'] {
  return gateway.clients[0]!.nsp as unknown as AttackHarness<RatedGateway>['server'];
}
