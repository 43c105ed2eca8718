import { jest } from '@jest/globals';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { deferred, until } from '../support/wait.js';

type When = number | Date | undefined;

/** What the guard and `handleConnection` do. */
let atUpgrade: () => When;
let atConnection: (client: EnvelopeSocket) => void;
let secondGuard: (client: EnvelopeSocket) => Promise<void>;
let sockets: EnvelopeSocket[] = [];
let disconnects: unknown[] = [];
beforeEach(() => {
  atUpgrade = () => undefined;
  atConnection = () => undefined;
  secondGuard = async () => undefined;
  sockets = [];
  disconnects = [];
});

class ExpiryGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.switchToWs().getPattern() !== '$upgrade') return true;
    const client: EnvelopeSocket = context.switchToWs().getClient();
    client.expiresAt = atUpgrade();
    return true;
  }
}
class SecondGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { getPattern, getClient } = context.switchToWs();
    if (getPattern() === '$upgrade') await secondGuard(getClient());
    return true;
  }
}

@UseGuards(ExpiryGuard, SecondGuard)
@WebSocketGateway({ path: '/ws' })
class ExpiryGateway {
  handleConnection(client: EnvelopeSocket): void {
    sockets.push(client);
    atConnection(client);
  }
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    disconnects.push([reason, client.closed]);
  }
  @SubscribeMessage('set')
  set(@MessageBody() when: number | null, @ConnectedSocket() client: EnvelopeSocket): unknown {
    client.expiresAt = when ?? undefined;
    return client.expiresAt ?? null;
  }
  @SubscribeMessage('around expiry')
  emitAround(@ConnectedSocket() client: EnvelopeSocket): void {
    client.emit('around expiry', 'before');
    client.expiresAt = Date.now() - 1;
    client.emit('around expiry', 'after');
  }
  @SubscribeMessage('late')
  async late(@ConnectedSocket() client: EnvelopeSocket): Promise<string> {
    client.expiresAt = Date.now() - 1;
    await new Promise((resolve) => client.on('disconnect', resolve));
    return 'no client receives this';
  }
}
@UseGuards(ExpiryGuard)
@WebSocketGateway({ path: '/short', limits: { maxLifetime: 60 } })
class ShortGateway extends ExpiryGateway {}

const start = (limits: EnvelopeOptions['limits'] = {}): Promise<TestApp> =>
  startApp({ providers: [ExpiryGateway, ShortGateway] }, { adapter: { limits } });

/** Does this while the clock stands still: on a busy machine, a time that is set could pass before it ends. */
async function withoutTime<Result>(work: () => Promise<Result>): Promise<Result> {
  const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now());
  try {
    return await work();
  } finally {
    clock.mockRestore();
  }
}

const EXPIRED = { code: 4401, reason: 'expired' };
const LIFETIME_ENDED = { code: 4401, reason: 'end of the lifetime' };
const disconnectOf = ({ code, reason }: typeof EXPIRED): unknown => [
  'server namespace disconnect',
  { code, reason, wasClean: true, initiator: 'server' },
];

describe('client.expiresAt', () => {
  expectNoUnhandledErrors();

  it.each<[string, () => When]>([
    ['milliseconds', () => Date.now() + 50],
    ['a Date', () => new Date(Date.now() + 50)],
  ])('closes the connection at the time that a guard sets in %s', async (_, when) => {
    const app = await start();
    atUpgrade = when;
    const client = await withoutTime(() => app.connect('/ws'));
    expect(await client.ended()).toEqual(EXPIRED);
    await until('handleDisconnect', () => disconnects.length === 1);
    expect(disconnects).toEqual([disconnectOf(EXPIRED)]);
    await until('the end of the connection', () => countResources(app)['connections'] === 0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });

  it('closes the connection at the time that handleConnection or a handler sets', async () => {
    const app = await start();
    atConnection = (client) => (client.expiresAt = Date.now() + 20);
    expect(await (await app.connect('/ws')).ended()).toEqual(EXPIRED);
    atConnection = () => undefined;
    const client = await app.connect('/ws');
    await withoutTime(async () => {
      const when = Date.now() + 30;
      expect((await client.ask('set', when)).data).toBe(when);
    });
    expect(await client.ended()).toEqual(EXPIRED);
  });

  it('refuses the upgrade with 401 for a time in the past', async () => {
    const app = await start();
    for (const when of [() => Date.now() - 1, () => new Date(Date.now() - 86_400_000)]) {
      atUpgrade = when;
      const answer = await requestUpgrade(app.port, '/ws');
      expect(answer.status).toBe(401);
      expect(JSON.parse(answer.body)).toEqual({
        statusCode: 401,
        message: 'The token has expired',
        error: 'Unauthorized',
      });
    }
    expect([sockets, disconnects]).toEqual([[], []]);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });

  it('refuses the upgrade with 401 when it expires while another guard runs', async () => {
    const app = await start();
    atUpgrade = () => Date.now() + 10;
    secondGuard = (client) => until('the expiry', () => client.closed !== undefined);
    const answer = await requestUpgrade(app.port, '/ws');
    expect([answer.status, JSON.parse(answer.body).message]).toEqual([401, 'The token has expired']);
    expect([sockets, disconnects]).toEqual([[], []]);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });

  it('in the past closes an open connection after the messages sent before', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    client.send({ event: 'around expiry' });
    client.send({ event: 'late', id: 1 });
    expect(await client.ended()).toEqual(EXPIRED);
    expect(client.frames.filter(({ event }) => event === 'around expiry')[0]?.data).toBe('before');
    expect(client.frames.filter(({ ack }) => ack === 1)).toEqual([]);
  });

  it('in seconds is reported as an error and refuses no client permanently', async () => {
    const app = await start();
    atUpgrade = () => Math.floor(Date.now() / 1000) + 3_600;
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(500);
    expect(app.log.of('error').join()).toContain('exp * 1000');
    atUpgrade = () => undefined;
    const client = await app.connect('/ws');
    expect(await client.ask('set', 1_900_000_000)).toMatchObject({
      event: 'exception',
      data: { message: 'Internal server error' },
    });
    expect(client.closed).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['NaN', Number.NaN],
    ['an invalid Date', new Date('tomorrow')],
    ['undefined', undefined],
    ['null', null],
    ['Infinity', Infinity],
  ])('without a valid time never expires, and lets clients connect: %s', async (_, when) => {
    const app = await start();
    atUpgrade = () => when as number;
    const client = await app.connect('/ws');
    await client.settled();
    expect(sockets[0]!.expiresAt).toBeUndefined();
    expect(Reflect.get(sockets[0]!._lifecycle.expiry!, 'timer')).toBeUndefined();
    client.send({ event: '$auth', id: 1, meta: { token: 'fresh' } });
    expect(await client.answer(1)).toEqual({ event: '$auth', ack: 1 });
    const isInvalid = Number.isNaN(Number(when)) && when !== undefined;
    const warnings = new Set(
      app.log.of('warn').map((line) => line.includes('client.expiresAt was set to NaN')),
    );
    expect([...warnings]).toEqual(isInvalid ? [true] : []);
    expect(app.log.of('error')).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['a negative number', -1, 'client.expiresAt is -1: it takes a Date'],
    ['a text', '2030-01-01', 'client.expiresAt is "2030-01-01"'],
    ['true', true, 'client.expiresAt is true'],
    ['an object', {}, 'client.expiresAt is an object'],
    ['a bigint', 1_900_000_000_000n, 'client.expiresAt is 1900000000000'],
  ])('reports a wrong value by its name: %s', async (_, when, text) => {
    const app = await start();
    atUpgrade = () => when as number;
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(500);
    expect(app.log.of('error').join()).toContain(text);
  });

  it('may be years away', async () => {
    const app = await start();
    atUpgrade = () => Date.now() + 10 * 365 * 86_400_000;
    const client = await app.connect('/ws');
    // A timer whose delay overflows fires after one millisecond.
    const connected = Date.now();
    await until('some milliseconds', () => Date.now() > connected + 5);
    await client.settled();
    expect(client.closed).toBeUndefined();
  });

  it('can be postponed and removed', async () => {
    const app = await start();
    atUpgrade = () => Date.now() + 600_000;
    const client = await app.connect('/ws');
    const later = Date.now() + 3_600_000;
    expect((await client.ask('set', later)).data).toBe(later);
    expect(sockets[0]!.expiresAt).toBe(later);
    await client.ask('set', null);
    expect(sockets[0]!.expiresAt).toBeUndefined();
    expect(Reflect.get(sockets[0]!._lifecycle.expiry!, 'timer')).toBeUndefined();
  });

  it('leaves no timer after a disconnect, and sets none for a disconnected client', async () => {
    const app = await start();
    atUpgrade = () => Date.now() + 3_600_000;
    const client = await app.connect('/ws');
    const timer = (): unknown => Reflect.get(sockets[0]!._lifecycle.expiry!, 'timer');
    expect(timer()).toBeDefined();
    client.ws.terminate();
    await until('the disconnect', () => disconnects.length === 1);
    expect(timer()).toBeUndefined();
    sockets[0]!.expiresAt = Date.now() + 3_600_000;
    expect(timer()).toBeUndefined();
  });
});

describe('limits.maxLifetime', () => {
  expectNoUnhandledErrors();

  it('closes every connection', async () => {
    const app = await start({ maxLifetime: 60 });
    const client = await app.connect('/ws');
    expect(await client.ended()).toEqual(LIFETIME_ENDED);
    await until('handleDisconnect', () => disconnects.length === 1);
    expect(disconnects).toEqual([disconnectOf(LIFETIME_ENDED)]);
  });

  it('can be set for one gateway', async () => {
    const app = await start();
    const [long, short] = [await app.connect('/ws'), await app.connect('/short')];
    expect(await short.ended()).toEqual(LIFETIME_ENDED);
    await long.settled();
    expect(long.closed).toBeUndefined();
  });

  it('is an upper bound: a later expiresAt does not extend it, an earlier one applies', async () => {
    const app = await start({ maxLifetime: 60 });
    atUpgrade = () => Date.now() + 3_600_000;
    expect(await (await app.connect('/ws')).ended()).toEqual(LIFETIME_ENDED);
    atUpgrade = () => Date.now() + 30;
    const client = await withoutTime(() => app.connect('/ws'));
    expect(await client.ended()).toEqual(EXPIRED);
  });

  it('counts while handleConnection runs', async () => {
    const app = await start({ maxLifetime: 60 });
    const never = deferred();
    app.nest.get(ExpiryGateway).handleConnection = () => never.promise as unknown as void;
    const client = await app.connect('/ws');
    expect(await client.ended()).toEqual(LIFETIME_ENDED);
    never.resolve();
  });

  it('restarts with $auth', async () => {
    const app = await start({ maxLifetime: 3_600_000 });
    const client = await app.connect('/ws');
    const lifetimeEnd = (): number => Reflect.get(sockets[0]!._lifecycle.expiry!, 'lifetimeEnds') as number;
    const before = lifetimeEnd();
    await until('some milliseconds', () => Date.now() > before - 3_600_000 + 5);
    client.send({ event: '$auth', id: 1, meta: { token: 'fresh' } });
    expect(await client.answer(1)).toEqual({
      event: '$auth',
      ack: 1,
      data: { expiresAt: lifetimeEnd(), expiresIn: expect.any(Number) },
    });
    expect(lifetimeEnd()).toBeGreaterThan(before);
  });
});
