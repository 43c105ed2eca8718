import { UnauthorizedException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { NEVER } from 'rxjs';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { clientFrame, OP } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade, beginUpgrade } from '../support/upgrade.js';
import { deferred, until } from '../support/wait.js';

/** What the guards of a test wait for, one entry for each client. */
let gates: ReturnType<typeof deferred<boolean>>[] = [];
let clients: EnvelopeSocket[] = [];
let calls: string[] = [];
beforeEach(() => {
  gates = [];
  clients = [];
  calls = [];
});

class WaitingGuard implements CanActivate {
  canActivate(context: ExecutionContext): ReturnType<CanActivate['canActivate']> {
    if (context.switchToWs().getPattern() !== '$upgrade') return true;
    const client: EnvelopeSocket = context.switchToWs().getClient();
    clients.push(client);
    client.emit('hello');
    void client.join('waiting');
    if (client.query['never'] !== undefined) return NEVER;
    const gate = deferred<boolean>();
    gates.push(gate);
    return gate.promise;
  }
}
class NextGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.switchToWs().getPattern() === '$upgrade') calls.push('next guard');
    return true;
  }
}

class Gateway {
  handleConnection(): void {
    calls.push('connected');
  }
  handleDisconnect(): void {
    calls.push('disconnected');
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    calls.push('echo');
    return data;
  }
}
@UseGuards(WaitingGuard, NextGuard)
@WebSocketGateway({ path: '/ws' })
class WaitingGateway extends Gateway {}
@UseGuards(WaitingGuard)
@WebSocketGateway({ path: '/many', namespace: /^\/\d+$/ })
class ManyGateway extends Gateway {}
@UseGuards(WaitingGuard)
@WebSocketGateway({ path: '/short', limits: { upgradeTimeout: 20 } })
class ShortTimeoutGateway extends Gateway {}

const start = (limits: EnvelopeOptions['limits'] = {}): Promise<TestApp> =>
  startApp({ providers: [WaitingGateway, ManyGateway, ShortTimeoutGateway] }, { adapter: { limits } });

/** Late results of a guard. */
const LATE: Record<string, (gate: (typeof gates)[number]) => void> = {
  true: (gate) => gate.resolve(true),
  false: (gate) => gate.resolve(false),
  'a refusal': (gate) => gate.reject(new UnauthorizedException()),
  'an error': (gate) => gate.reject(new Error('too late')),
};

/** Settles all guards, and waits for the effects. */
async function settleLate(how: (gate: (typeof gates)[number]) => void): Promise<void> {
  gates.forEach(how);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a guard that takes too long', () => {
  expectNoUnhandledErrors();

  it.each(Object.keys(LATE))('is answered with 503, and its late result is ignored: %s', async (name) => {
    const app = await start({ upgradeTimeout: 30 });
    for (const path of ['/ws', '/many/1']) {
      const answer = await requestUpgrade(app.port, path);
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      expect(JSON.parse(answer.body)).toEqual({
        statusCode: 503,
        message: 'The upgrade took too long',
        error: 'Service Unavailable',
      });
    }
    expect(countResources(app)).toEqual(NO_RESOURCES);
    await settleLate(LATE[name]!);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(calls).toEqual([]);
  });

  it('may never settle', async () => {
    const app = await start({ upgradeTimeout: 30 });
    expect((await requestUpgrade(app.port, '/ws?never')).status).toBe(503);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });

  it('has the timeout of its gateway', async () => {
    const app = await start();
    const { tcp } = beginUpgrade(app.port, '/ws');
    await until('the guard', () => gates.length === 1);
    expect((await requestUpgrade(app.port, '/short')).status).toBe(503);
    // The other one is still waiting.
    expect(countResources(app)).toMatchObject({ pending: 1, upgrades: 1 });
    tcp.destroy();
    await until('the end of the other one', () => countResources(app)['pending'] === 0);
  });

  it('counts towards maxPendingUpgrades', async () => {
    const app = await start({ maxPendingUpgrades: 2 });
    const waiting = [beginUpgrade(app.port, '/ws'), beginUpgrade(app.port, '/ws')];
    await until('the guards', () => gates.length === 2);
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(503);
    gates.forEach((gate) => gate.resolve(false));
    for (const { answer } of waiting) expect((await answer).status).toBe(403);
    const { tcp } = beginUpgrade(app.port, '/ws');
    await until('the next guard', () => gates.length === 3);
    tcp.destroy();
  });

  it('does not delay the close of the application', async () => {
    const app = await start();
    const { answer } = beginUpgrade(app.port, '/ws');
    await until('the guard', () => gates.length === 1);
    await app.close();
    expect((await answer).status).toBe(503);
    await settleLate(LATE['true']!);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(calls).toEqual([]);
  });
});

type Socket = ReturnType<typeof beginUpgrade>['tcp'];
const DISCONNECTS: Record<string, (tcp: Socket) => unknown> = {
  'a reset': (tcp) => tcp.resetAndDestroy(),
  'the end of TCP': (tcp) => tcp.destroy(),
  'a half-close': (tcp) => tcp.end(),
};

describe('a client that disconnects while its guard runs', () => {
  expectNoUnhandledErrors();

  const table = Object.keys(DISCONNECTS).flatMap((disconnect) =>
    Object.keys(LATE).map((late) => [disconnect, late] as const),
  );

  it.each(table)(
    'by %s leaves no resources, and a late %s of the guard is ignored',
    async (disconnect, late) => {
      const app = await start({ upgradeTimeout: false });
      for (const path of ['/ws', '/many/1']) {
        const { tcp, answer } = beginUpgrade(app.port, path);
        await until('the guard', () => gates.length === (path === '/ws' ? 1 : 2));
        expect(countResources(app)).toMatchObject({ pending: 1, connections: 1, rooms: 1 });
        DISCONNECTS[disconnect]!(tcp);
        await until('the end of the upgrade', () => countResources(app)['upgrades'] === 0);
        expect(countResources(app)).toEqual(NO_RESOURCES);
        expect((await answer.catch(() => ({ status: 0 }))).status).toBe(0);
      }
      await settleLate(LATE[late]!);
      expect(countResources(app)).toEqual(NO_RESOURCES);
      expect(clients.map(({ readyState, CLOSED }) => readyState === CLOSED)).toEqual([true, true]);
      // Neither the next guard nor a hook ran.
      expect(calls).toEqual([]);
    },
  );

  it('in great numbers leaves no resources either', async () => {
    const app = await start();
    const disconnects = Object.values(DISCONNECTS);
    const upgrades = Array.from({ length: 120 }, () => beginUpgrade(app.port, '/ws'));
    await until('all guards', () => gates.length === upgrades.length);
    for (const { answer } of upgrades) answer.catch(() => undefined);
    upgrades.forEach(({ tcp }, index) => disconnects[index % disconnects.length]!(tcp));
    // Some guards settle at the same time as their client disconnects.
    gates.forEach((gate, index) => index % 2 === 0 && gate.resolve(index % 4 === 0));
    await until('the end of all connections', () => countResources(app)['connections'] === 0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    await until(
      'all disconnects',
      () => calls.filter((e) => e === 'connected').length === countDisconnected(),
    );
  });

  const countDisconnected = (): number => calls.filter((entry) => entry === 'disconnected').length;

  it.each(Object.keys(DISCONNECTS))('after it has sent messages: %s', async (disconnect) => {
    const app = await start();
    const { tcp, answer } = beginUpgrade(app.port, '/ws');
    answer.catch(() => undefined);
    await until('the guard', () => gates.length === 1);
    const early = clientFrame({ opcode: OP.text, payload: JSON.stringify({ event: 'echo', data: 1 }) });
    await new Promise((resolve) => tcp.write(early, resolve));
    DISCONNECTS[disconnect]!(tcp);
    await settleLate(LATE['true']!);
    await until('the end of the connection', () => countResources(app)['connections'] === 0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(calls.filter((entry) => entry === 'connected').length).toBe(countDisconnected());
  });

  it('has its early messages handled in order if it stays connected', async () => {
    const app = await start();
    const { tcp, answer } = beginUpgrade(app.port, '/ws');
    await until('the guard', () => gates.length === 1);
    for (const data of [1, 2])
      tcp.write(clientFrame({ opcode: OP.text, payload: JSON.stringify({ event: 'echo', data }) }));
    expect(calls).toEqual([]);
    gates[0]!.resolve(true);
    expect((await answer).status).toBe(101);
    await until('the messages', () => calls.filter((entry) => entry === 'echo').length === 2);
    expect(calls).toEqual(['next guard', 'connected', 'echo', 'echo']);
  });
});
