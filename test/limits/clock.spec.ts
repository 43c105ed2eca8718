import { jest } from '@jest/globals';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { NEVER } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import { underAttack } from '../support/attack-harness.js';
import { stopClock } from '../support/clock.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class TimedGateway {
  readonly clients: EnvelopeSocket[] = [];
  readonly reasons: unknown[] = [];
  readonly gate = deferred();

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
  @SubscribeMessage('work')
  async work(): Promise<string> {
    await this.gate.promise;
    return 'done';
  }
  @SubscribeMessage('endless')
  endless(): unknown {
    return NEVER;
  }
}

describe('limits on the time', () => {
  expectNoUnhandledErrors();
  beforeEach(() => {
    // the network stays real
    stopClock();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it(
    'a paused connection does not time out, and silent connections do',
    underAttack(TimedGateway, { limits: { maxInFlight: 3 }, pingInterval: 1_000, pingTimeout: 5_000 })(
      async ({ attacker, raw, gateway, expectServed: isServed }) => {
        const client = await attacker();
        const socket = gateway.clients.at(-1)!;
        // more than wait while the heartbeat reads on
        for (let sent = 0; sent < 500; sent++) client.send({ event: 'work' });
        await until('a pause', () => socket.isPaused);
        const silent = [await raw(), await raw()];
        for (let second = 0; gateway.reasons.length < silent.length; second++) {
          expect(second).toBeLessThan(10);
          jest.advanceTimersByTime(1_000);
          // its pong comes before the second request
          for (let requests = 0; requests < 2; requests++) await isServed();
          await until('the pause, after the heartbeat has read on', () => socket.isPaused);
        }
        for (const connection of silent) await connection.ended();
        expect(gateway.reasons).toEqual(['ping timeout', 'ping timeout']);
        expect(socket.connected).toBe(true);
        gateway.gate.resolve();
        await client.until('all answers', () => client.frames.length === 500);
        expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
        expect(gateway.reasons).toHaveLength(2);
      },
    ),
  );

  it(
    'a connection with messages that wait stays open while messages end, or while none waits',
    underAttack(TimedGateway, {
      connectTimeout: 1_500,
      limits: { maxInFlight: 2, messagesPerSecond: false },
    })(async ({ attacker }) => {
      const [idle, active, stuck] = [await attacker(), await attacker(), await attacker()];
      for (let id = 0; id < 2; id++) idle.send({ event: 'endless', id, stream: true });
      for (const client of [active, stuck])
        for (let id = 0; id < 4; id++) client.send({ event: 'endless', id, stream: true });
      for (const client of [idle, active, stuck]) await client.settled();
      jest.advanceTimersByTime(1_499);
      // The next message starts.
      active.send({ event: '$cancel', data: 0 });
      expect(await active.answer(0)).toEqual({ event: 'endless', ack: 0 });
      expect(await stuck.ask('$ping')).toMatchObject({ event: '$ping' });
      jest.advanceTimersByTime(1);
      expect(await stuck.ended()).toEqual({ code: 1013, reason: 'no message in flight comes to an end' });
      jest.advanceTimersByTime(1_498);
      for (const client of [idle, active])
        expect(await client.ask('$ping')).toMatchObject({ event: '$ping' });
      jest.advanceTimersByTime(1);
      expect((await active.ended()).code).toBe(1013);
      expect(await idle.ask('$ping')).toMatchObject({ event: '$ping' });
    }),
  );

  it(
    'a client over the message rate is served again when a token has returned',
    underAttack(TimedGateway, { limits: { messagesPerSecond: 100, messageBurst: 3 } })(
      async ({ attacker }) => {
        const client = await attacker();
        for (let id = 0; id < 10; id++) client.send({ event: 'echo', id });
        await client.until('all answers', () => client.frames.length === 10);
        const served = client.frames.filter(({ event }) => event === 'echo');
        expect(served.map(({ ack }) => ack)).toEqual([0, 1, 2]);
        for (let token = 0; token < 5; token++) {
          expect((await client.ask('echo')).data.code).toBe('rate_limited');
          jest.advanceTimersByTime(10);
          expect(await client.ask('echo', token)).toMatchObject({ event: 'echo', data: token });
        }
        expect(client.closed).toBeUndefined();
      },
    ),
  );
});
