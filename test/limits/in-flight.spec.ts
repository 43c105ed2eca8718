import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { NEVER, Observable } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import type { TestClient } from '../support/client.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class BusyGateway {
  readonly clients: EnvelopeSocket[] = [];
  readonly reasons: unknown[] = [];
  /** The data of started handlers, in order. */
  readonly started: unknown[] = [];
  private readonly pendingResults: ((value: unknown) => void)[] = [];
  /** Whether handlers return at once. */
  isQuick = false;

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }
  handleDisconnect(_client: EnvelopeSocket, reason?: string): void {
    this.reasons.push(reason);
  }
  /** Finishes the oldest handlers. */
  finish(count = 1): void {
    for (const resolve of this.pendingResults.splice(0, count)) resolve('done');
  }
  /** Finishes all handlers, now and later. */
  finishAll(): void {
    this.isQuick = true;
    this.finish(Infinity);
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('work')
  work(@MessageBody() data: unknown): unknown {
    this.started.push(typeof data === 'object' ? 'large' : data);
    return this.isQuick ? 'done' : new Promise((resolve) => this.pendingResults.push(resolve));
  }
  @SubscribeMessage('forgotten')
  forgotten(@Ack() _ack: () => void): void {}
  @SubscribeMessage('watch')
  watch(@MessageBody() data: unknown): Observable<unknown> {
    this.started.push(data);
    return NEVER;
  }
  @SubscribeMessage('ask me')
  askMe(@ConnectedSocket() client: EnvelopeSocket): Promise<unknown> {
    return client.emitWithAck('question');
  }
}

const attack = underAttack(BusyGateway, { limits: { maxInFlight: 3, messagesPerSecond: false } });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function sendWork(client: TestClient, count: number, ids: 'all' | 'none' | 'some'): void {
  for (const data of numbers(count)) {
    const hasId = ids === 'all' || (ids === 'some' && data % 2 === 0);
    client.send({ event: 'work', data, ...(hasId && { id: data }) });
  }
}

describe('messages in flight', () => {
  expectNoUnhandledErrors();

  it.each(['all', 'none', 'some'] as const)(
    'messages over maxInFlight wait, in order (with an id: %s)',
    (ids) =>
      attack(async ({ attacker, gateway, expectServed: isServed }) => {
        const client = await attacker();
        const socket = gateway.clients.at(-1)!;
        sendWork(client, 20, ids);
        await client.settled();
        for (let started = 3; started < 20; started++) {
          expect(gateway.started).toEqual(numbers(started));
          expect(socket._requests.inFlight).toBe(3);
          gateway.finish();
          await client.settled();
        }
        await isServed();
        gateway.finishAll();
        await client.until(
          'all answers',
          () => client.frames.filter(({ event }) => event === 'work').length === 20,
        );
        const requested = numbers(20).filter((data) => ids === 'all' || (ids === 'some' && data % 2 === 0));
        const answers = client.frames.filter(({ event, ack }) => event === 'work' && ack !== undefined);
        expect(answers.map(({ ack }) => ack)).toEqual(requested);
        expect(socket._requests.inFlight).toBe(0);
        expect(socket.isPaused).toBe(false);
      })(),
  );

  it(
    '$ping, $cancel and answers overtake waiting messages, and streams count',
    attack(async ({ attacker, gateway }) => {
      const client = await attacker();
      const socket = gateway.clients.at(-1)!;
      client.send({ event: 'watch', data: 'one', id: 1, stream: true });
      client.send({ event: 'watch', data: 'two' });
      client.send({ event: 'ask me', id: 2 });
      client.send({ event: 'echo', data: 'waits', id: 3 });
      client.send({ event: 'echo', data: 'waits, too', id: 4 });
      expect(await client.ask('$ping', undefined, 5)).toEqual({ event: '$ping', ack: 5 });
      expect(new Set(client.frames.map(({ event }) => event))).toEqual(new Set(['$ping', 'question']));
      expect(socket._requests.inFlight).toBe(3);
      const { id } = await client.next('question');
      client.send({ ack: id, data: 'answered' });
      expect(await client.answer(2)).toEqual({ event: 'ask me', data: 'answered', ack: 2 });
      expect((await client.answer(3)).data).toBe('waits');
      expect((await client.answer(4)).data).toBe('waits, too');
      client.send({ event: 'ask me', id: 6 });
      client.send({ event: 'echo', data: 'waits again', id: 7 });
      await client.next('question');
      client.send({ event: '$cancel', data: 1 });
      expect(await client.answer(1)).toEqual({ event: 'watch', ack: 1 });
      expect((await client.answer(7)).data).toBe('waits again');
      expect(socket._requests.inFlight).toBe(2);
    }),
  );

  it(
    'a stream that is cancelled while it waits is answered, and never starts',
    attack(async ({ attacker, gateway }) => {
      const client = await attacker();
      sendWork(client, 3, 'none');
      for (const id of [1, 2, 3]) client.send({ event: 'watch', data: id, id, stream: true });
      client.send({ event: 'echo', data: 'no stream', id: 4 });
      for (const id of [2, 1, 4, 3]) client.send({ event: '$cancel', data: id });
      for (const id of [2, 1, 3]) expect(await client.answer(id)).toEqual({ event: 'watch', ack: id });
      await client.settled();
      expect(client.frames.some(({ ack }) => ack === 4)).toBe(false);
      gateway.finishAll();
      expect(await client.answer(4)).toMatchObject({ data: 'no stream' });
      expect(gateway.started).toEqual([0, 1, 2]);
      const socket = gateway.clients.at(-1)!;
      sendWork(client, 1, 'none');
      await client.next('work');
      // The cancelled stream may be the last waiting message.
      gateway.isQuick = false;
      sendWork(client, 3, 'none');
      client.send({ event: 'watch', id: 5, stream: true });
      client.send({ event: '$cancel', data: 5 });
      expect(await client.answer(5)).toEqual({ event: 'watch', ack: 5 });
      gateway.finishAll();
      await until('the end of all messages', () => socket._requests.inFlight === 0);
      expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
    }),
  );

  it(
    'answers malformed, reserved and unknown messages as usual',
    attack(async ({ attacker, gateway }) => {
      const client = await attacker();
      sendWork(client, 10, 'none');
      client.send('{');
      expect((await client.next('exception')).data.code).toBe('bad_frame');
      client.send({ event: '$unknown', id: 1 });
      expect((await client.answer(1)).data.code).toBe('reserved_event');
      client.send({ event: 'unknown', id: 2 });
      gateway.finishAll();
      expect((await client.answer(2)).data.code).toBe('unknown_event');
      expect(gateway.started).toEqual(numbers(10));
    }),
  );

  it.each(['all', 'none', 'some'] as const)(
    'thousands of messages pause the connection, and none is lost or reordered (with an id: %s)',
    (ids) =>
      attack(async ({ attacker, gateway, expectServed: isServed }) => {
        const client = await attacker();
        const socket = gateway.clients.at(-1)!;
        sendWork(client, 5_000, ids);
        await until('a pause', () => socket.isPaused);
        await isServed();
        expect(gateway.started).toEqual(numbers(3));
        gateway.finish();
        await until('the next one', () => gateway.started.length === 4);
        expect(socket.isPaused).toBe(true);
        gateway.finishAll();
        await client.until('all answers', () => client.frames.length === 5_000);
        expect(gateway.started).toEqual(numbers(5_000));
        expect([socket._requests.inFlight, socket.isPaused]).toEqual([0, false]);
      })(),
  );

  it(
    'a client that sends 50 MB to busy handlers has to wait: the server stops reading',
    attack(async ({ attacker, gateway, expectServed: isServed }) => {
      const client = await attacker();
      const socket = gateway.clients.at(-1)!;
      const message = JSON.stringify({ event: 'work', data: { text: 'x'.repeat(499_000) } });
      for (let i = 0; i < 100; i++) client.send(message);
      await until('a pause', () => socket.isPaused);
      for (let i = 0; i < 20; i++) await isServed();
      // Three messages in flight, two that wait, and what the receiver had already read.
      expect(socket.request.socket.bytesRead).toBeLessThan(3_500_000);
      // The client still holds the rest, except for what fits into the kernel buffers.
      expect(client.ws.bufferedAmount).toBeGreaterThan(30_000_000);
      gateway.finishAll();
      await client.until('all answers', () => client.frames.length === 100);
      expect(gateway.started).toHaveLength(100);
      expect(client.ws.bufferedAmount).toBe(0);
    }),
  );

  it(
    'unanswered requests are reported by name, at most five times',
    attack(async ({ attacker, app }) => {
      for (let i = 0; i < 20; i++) {
        const client = await attacker();
        for (const id of [1, 2, 3]) client.send({ event: 'forgotten', id });
        for (let waits = 0; waits < 50; waits++) client.send({ event: 'echo' });
        await client.settled();
      }
      expect(app.log.of('warn')).toEqual(
        Array(5).fill(
          '/ws: a client has 3 messages in flight (limits.maxInFlight): its next ones wait. ' +
            'Requests without an answer yet: "forgotten"',
        ),
      );
      expect(app.log.of('error')).toEqual([]);
    }),
  );

  it.each([
    ['with waiting messages', 20, 0],
    ['with its connection paused', 1_000, 0],
    ['with its connection paused, when a ping detects it', 1_000, 20],
  ])('a client that disconnects %s leaves no resources', (_, count, pingInterval) =>
    underAttack(BusyGateway, { limits: { maxInFlight: 3 }, pingInterval })(
      async ({ attacker, gateway, server, expectServed: isServed }) => {
        const client = await attacker();
        const socket = gateway.clients.at(-1)!;
        sendWork(client, count, 'some');
        const isPaused = count > 128;
        if (isPaused) await until('a pause', () => socket.isPaused);
        else await client.settled();
        client.ws.terminate();
        // The server does not read a paused connection: only a write detects that it has ended.
        if (isPaused && pingInterval === 0) gateway.finishAll();
        await until('the disconnect', () => server.sockets.size === 1);
        if (!isPaused || pingInterval > 0) expect(gateway.started).toEqual(numbers(3));
        gateway.finishAll();
        await until('the handlers', () => socket._requests.inFlight === 0);
        await isServed();
        expect(gateway.reasons).toHaveLength(1);
        const { early, backlog } = socket._lifecycle.inbound as unknown as {
          early?: unknown;
          backlog?: { isEmpty: boolean };
        };
        const isEmpty = backlog?.isEmpty ?? true;
        expect([early, isEmpty, socket._requests.size, socket._requests.streams]).toEqual([
          undefined,
          true,
          0,
          0,
        ]);
      },
    )(),
  );

  it(
    'a client that the server disconnects while its messages wait ends at once',
    attack(async ({ attacker, gateway, server }) => {
      const client = await attacker();
      const socket = gateway.clients.at(-1)!;
      sendWork(client, 5_000, 'some');
      await until('a pause', () => socket.isPaused);
      socket.disconnect();
      expect(await client.ended()).toEqual({ code: 1000, reason: '' });
      expect(server.sockets.size).toBe(1);
      gateway.finishAll();
      await until('the handlers', () => socket._requests.inFlight === 0);
      expect(gateway.started).toEqual(numbers(3));
    }),
  );

  it.each([1, 1_000, false, undefined] as const)('maxInFlight %p', (maxInFlight) =>
    underAttack(BusyGateway, {
      limits: { messagesPerSecond: false, ...(maxInFlight !== undefined && { maxInFlight }) },
    })(async ({ attacker, gateway }) => {
      const client = await attacker();
      sendWork(client, 1_100, 'some');
      const maximum = maxInFlight === false ? 1_100 : (maxInFlight ?? 256);
      await until('the handlers', () => gateway.started.length === maximum);
      if (maxInFlight === false || maxInFlight === 1_000) await client.settled();
      expect(gateway.started).toEqual(numbers(maximum));
      expect(gateway.clients.at(-1)!._requests.inFlight).toBe(maximum);
      gateway.finishAll();
      await client.until(
        'all answers',
        () => client.frames.filter(({ event }) => event === 'work').length === 1_100,
      );
    })(),
  );
});
