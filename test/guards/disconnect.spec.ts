import { UnauthorizedException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { NEVER } from 'rxjs';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { clientFrame, OP } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { askForUpgrade, beginUpgrade } from '../support/upgrade.js';
import { deferred, until } from '../support/wait.js';

/** What the guards of this test wait for, one for each client. */
let doors: ReturnType<typeof deferred<boolean>>[] = [];
let clients: EnvelopeSocket[] = [];
let trail: string[] = [];
beforeEach(() => {
  doors = [];
  clients = [];
  trail = [];
});

class DoorGuard implements CanActivate {
  canActivate(context: ExecutionContext): ReturnType<CanActivate['canActivate']> {
    if (context.switchToWs().getPattern() !== '$upgrade') return true;
    const client: EnvelopeSocket = context.switchToWs().getClient();
    clients.push(client);
    client.emit('hello');
    void client.join('waiting');
    if (client.query['never'] !== undefined) return NEVER;
    const door = deferred<boolean>();
    doors.push(door);
    return door.promise;
  }
}
class NextGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.switchToWs().getPattern() === '$upgrade') trail.push('next guard');
    return true;
  }
}

class Gateway {
  handleConnection(): void {
    trail.push('connected');
  }
  handleDisconnect(): void {
    trail.push('disconnected');
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    trail.push('echo');
    return data;
  }
}
@UseGuards(DoorGuard, NextGuard)
@WebSocketGateway({ path: '/ws' })
class DoorGateway extends Gateway {}
@UseGuards(DoorGuard)
@WebSocketGateway({ path: '/many', namespace: /^\/\d+$/ })
class ManyGateway extends Gateway {}
@UseGuards(DoorGuard)
@WebSocketGateway({ path: '/hasty', limits: { upgradeTimeout: 20 } })
class HastyGateway extends Gateway {}

const start = (limits: EnvelopeOptions['limits'] = {}): Promise<TestApp> =>
  startApp({ providers: [DoorGateway, ManyGateway, HastyGateway] }, { adapter: { limits } });

/** What a guard may still come to say, when nobody listens any more. */
const LATE: Record<string, (door: (typeof doors)[number]) => void> = {
  true: (door) => door.resolve(true),
  false: (door) => door.resolve(false),
  'a refusal': (door) => door.reject(new UnauthorizedException()),
  'an error': (door) => door.reject(new Error('too late')),
};

/** Opens the doors, and lets all that follows from it happen. */
async function answerLate(how: (door: (typeof doors)[number]) => void): Promise<void> {
  doors.forEach(how);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a guard that takes too long', () => {
  expectNoUnhandledErrors();

  it.each(Object.keys(LATE))(
    'is answered for with 503, and its late answer does not count: %s',
    async (name) => {
      const app = await start({ upgradeTimeout: 30 });
      for (const path of ['/ws', '/many/1']) {
        const answer = await askForUpgrade(app.port, path);
        expect(answer.status).toBe(503);
        expect(answer.headers['retry-after']).toMatch(/^\d+$/);
        expect(JSON.parse(answer.body)).toEqual({
          statusCode: 503,
          message: 'The upgrade took too long',
          error: 'Service Unavailable',
        });
      }
      expect(countResources(app)).toEqual(NO_RESOURCES);
      await answerLate(LATE[name]!);
      expect(countResources(app)).toEqual(NO_RESOURCES);
      expect(trail).toEqual([]);
    },
  );

  it('may be one that never says anything', async () => {
    const app = await start({ upgradeTimeout: 30 });
    expect((await askForUpgrade(app.port, '/ws?never')).status).toBe(503);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });

  it('has the time that its gateway gives it', async () => {
    const app = await start();
    const { tcp } = beginUpgrade(app.port, '/ws');
    expect((await askForUpgrade(app.port, '/hasty')).status).toBe(503);
    // the other one still waits
    expect(countResources(app)).toMatchObject({ pending: 1, upgrades: 1 });
    tcp.destroy();
    await until('the end of the other one', () => countResources(app)['pending'] === 0);
  });

  it('takes no more places than there are', async () => {
    const app = await start({ maxPendingUpgrades: 2 });
    const waiting = [beginUpgrade(app.port, '/ws'), beginUpgrade(app.port, '/ws')];
    await until('the guards', () => doors.length === 2);
    expect((await askForUpgrade(app.port, '/ws')).status).toBe(503);
    doors.forEach((door) => door.resolve(false));
    for (const { answer } of waiting) expect((await answer).status).toBe(403);
    const { tcp } = beginUpgrade(app.port, '/ws');
    await until('the next guard', () => doors.length === 3);
    tcp.destroy();
  });

  it('is not waited for when the application closes', async () => {
    const app = await start();
    const { answer } = beginUpgrade(app.port, '/ws');
    await until('the guard', () => doors.length === 1);
    await app.close();
    expect((await answer).status).toBe(503);
    await answerLate(LATE['true']!);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(trail).toEqual([]);
  });
});

type Socket = ReturnType<typeof beginUpgrade>['tcp'];
const WAYS: Record<string, (tcp: Socket) => unknown> = {
  'a reset': (tcp) => tcp.resetAndDestroy(),
  'the end of TCP': (tcp) => tcp.destroy(),
  'a half-close': (tcp) => tcp.end(),
};

describe('a client that leaves while its guard runs', () => {
  expectNoUnhandledErrors();

  const table = Object.keys(WAYS).flatMap((way) => Object.keys(LATE).map((late) => [way, late] as const));

  it.each(table)('by %s leaves nothing, and the guard then says %s to nobody', async (way, late) => {
    const app = await start({ upgradeTimeout: false });
    for (const path of ['/ws', '/many/1']) {
      const { tcp, answer } = beginUpgrade(app.port, path);
      await until('the guard', () => doors.length === (path === '/ws' ? 1 : 2));
      expect(countResources(app)).toMatchObject({ pending: 1, connections: 1, rooms: 1 });
      WAYS[way]!(tcp);
      await until('the end of the upgrade', () => countResources(app)['upgrades'] === 0);
      expect(countResources(app)).toEqual(NO_RESOURCES);
      expect((await answer.catch(() => ({ status: 0 }))).status).toBe(0);
    }
    await answerLate(LATE[late]!);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(clients.map(({ readyState, CLOSED }) => readyState === CLOSED)).toEqual([true, true]);
    // neither a guard after it nor a hook
    expect(trail).toEqual([]);
  });

  it('in great numbers leaves nothing either', async () => {
    const app = await start();
    const ways = Object.values(WAYS);
    const lines = Array.from({ length: 120 }, () => beginUpgrade(app.port, '/ws'));
    await until('all guards', () => doors.length === lines.length);
    for (const { answer } of lines) answer.catch(() => undefined);
    lines.forEach(({ tcp }, index) => ways[index % ways.length]!(tcp));
    // some of the answers cross the leaving
    doors.forEach((door, index) => index % 2 === 0 && door.resolve(index % 4 === 0));
    await until('the end of all', () => countResources(app)['connections'] === 0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    await until('every disconnect', () => trail.filter((e) => e === 'connected').length === countGone());
  });

  const countGone = (): number => trail.filter((entry) => entry === 'disconnected').length;

  it.each(Object.keys(WAYS))('after it had sent messages already: %s', async (way) => {
    const app = await start();
    const { tcp, answer } = beginUpgrade(app.port, '/ws');
    answer.catch(() => undefined);
    await until('the guard', () => doors.length === 1);
    const early = clientFrame({ opcode: OP.text, payload: JSON.stringify({ event: 'echo', data: 1 }) });
    await new Promise((resolve) => tcp.write(early, resolve));
    WAYS[way]!(tcp);
    await answerLate(LATE['true']!);
    await until('the end of the connection', () => countResources(app)['connections'] === 0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(trail.filter((entry) => entry === 'connected').length).toBe(countGone());
  });

  it('and one that stays has its early messages handled, in order', async () => {
    const app = await start();
    const { tcp, answer } = beginUpgrade(app.port, '/ws');
    await until('the guard', () => doors.length === 1);
    for (const data of [1, 2])
      tcp.write(clientFrame({ opcode: OP.text, payload: JSON.stringify({ event: 'echo', data }) }));
    expect(trail).toEqual([]);
    doors[0]!.resolve(true);
    expect((await answer).status).toBe(101);
    await until('the messages', () => trail.filter((entry) => entry === 'echo').length === 2);
    expect(trail).toEqual(['next guard', 'connected', 'echo', 'echo']);
  });
});
