import { connect, type Socket } from 'node:net';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/raw-client.js';
import type { AdapterInternals } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade, type UpgradeResponse } from '../support/upgrade.js';
import { deferred, until } from '../support/wait.js';

/** Allows, refuses, throws, or waits for the test, depending on the query. */
class QueryGuard implements CanActivate {
  static waiting: ((passes: boolean) => void)[] = [];

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const guard = context.switchToWs().getClient<EnvelopeSocket>().query['guard'];
    if (guard === 'throws') throw new Error('the guard is broken');
    if (guard === 'refuses') return false;
    if (guard !== 'waits') return true;
    return new Promise((resolve) => QueryGuard.waiting.push(resolve));
  }
}

@UseGuards(QueryGuard)
@WebSocketGateway({ path: '/ws' })
class GuardedGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

@UseGuards(QueryGuard)
@WebSocketGateway({ path: '/unlimited', limits: { upgradeTimeout: false } })
class UnlimitedGateway {}

@UseGuards(QueryGuard)
@WebSocketGateway({ path: '/short', limits: { upgradeTimeout: 30 } })
class ShortTimeoutGateway {}

interface Counts {
  connections: number;
  pending: number;
  addresses: number;
  upgrades: number;
}

/** Reads the counters of the adapter, and the number of upgrades that it tracks. */
function counts(app: TestApp): Counts {
  const { services, mounted } = app.adapter as unknown as AdapterInternals;
  const upgrades = [...mounted.endpoints].reduce((sum, { upgrades }) => sum + upgrades.upgrades.size, 0);
  const { connections, pending, perAddress } = services.connectionCounter;
  return { connections, pending, addresses: perAddress.size, upgrades };
}

const NO_COUNTS: Counts = { connections: 0, pending: 0, addresses: 0, upgrades: 0 };

async function expectNothingLeft(app: TestApp): Promise<void> {
  await until('the end of all connections', () => counts(app).connections === 0);
  expect(counts(app)).toEqual(NO_COUNTS);
}

const start = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp({ providers: [GuardedGateway, UnlimitedGateway, ShortTimeoutGateway] }, { adapter });

function expectRefusal(answer: UpgradeResponse, status: number, message: string): void {
  expect(answer.status).toBe(status);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  const error = status === 503 ? 'Service Unavailable' : 'Too Many Requests';
  expect(JSON.parse(answer.body)).toEqual({ statusCode: status, message, error });
}

const sockets: Socket[] = [];
afterEach(() => {
  for (const tcp of sockets.splice(0)) tcp.destroy();
  for (const decide of QueryGuard.waiting.splice(0)) decide(false);
});

/** Opens a TCP connection to the server, and writes the text. */
function write(app: TestApp, text: string): Socket {
  const tcp = connect(app.port, '127.0.0.1');
  tcp.on('error', () => undefined).resume();
  tcp.write(text);
  sockets.push(tcp);
  return tcp;
}

const HEAD = [
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n');
const request = (target: string): string => `GET ${target} HTTP/1.1\r\n${HEAD}\r\n\r\n`;

describe('connection limits', () => {
  expectNoUnhandledErrors();

  it('maxConnections: refuses one more connection with 503 until another one ends', async () => {
    const app = await start({ limits: { maxConnections: 3 } });
    const clients = [await app.connect('/ws'), await app.connect('/unlimited'), await app.connect('/short')];
    for (let i = 0; i < 20; i++) {
      for (const path of ['/ws', '/unlimited'])
        expectRefusal(await requestUpgrade(app.port, path), 503, 'Too many connections');
    }
    expect(counts(app)).toEqual({ connections: 3, pending: 0, addresses: 1, upgrades: 0 });
    clients[1]!.close();
    await clients[1]!.ended();
    await until('a free slot', () => counts(app).connections === 2);
    clients.push(await app.connect('/ws'));
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(503);
    // The open connections still work.
    expect(await clients[0]!.ask('echo', 1)).toMatchObject({ data: 1 });
    for (const { ws } of clients) ws.terminate();
    await expectNothingLeft(app);
  });

  it('maxConnections counts pending upgrades', async () => {
    const app = await start({ limits: { maxConnections: 2 } });
    write(app, request('/ws?guard=waits'));
    write(app, request('/ws?guard=waits'));
    await until('the guards', () => QueryGuard.waiting.length === 2);
    expectRefusal(await requestUpgrade(app.port, '/ws'), 503, 'Too many connections');
    QueryGuard.waiting.pop()!(false);
    await until('a free slot', () => counts(app).connections === 1);
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(101);
  });

  it('maxPendingUpgrades counts the guards of disconnected clients until they settle', async () => {
    const app = await start({ limits: { maxPendingUpgrades: 3 } });
    for (let client = 1; client <= 3; client++) {
      const tcp = write(app, request('/ws?guard=waits'));
      await until('the guard', () => QueryGuard.waiting.length === client);
      tcp.resetAndDestroy();
      await until('the end of the upgrade', () => counts(app).upgrades === 0);
    }
    expectRefusal(await requestUpgrade(app.port, '/ws'), 503, 'Too many connections');
    expect(QueryGuard.waiting).toHaveLength(3);
    QueryGuard.waiting.pop()!(true);
    await until(
      'a free slot',
      () => (app.adapter as unknown as AdapterInternals).services.connectionCounter.abandonedGuards === 2,
    );
    const tcp = write(app, request('/ws?guard=waits'));
    await until('the next guard', () => QueryGuard.waiting.length === 3);
    tcp.destroy();
    await expectNothingLeft(app);
  });

  it('maxConnectionsPerAddress: refuses with 429, although maxConnections has a free slot', async () => {
    const app = await start({ limits: { maxConnectionsPerAddress: 2, maxConnections: 3 } });
    const clients = [await app.connect('/ws'), await app.connect('/unlimited')];
    expectRefusal(await requestUpgrade(app.port, '/ws'), 429, 'Too many connections from this address');
    expect(app.log.of('warn').join()).toContain(
      'is reached by 127.0.0.1; if that is a proxy, name it in the option trustProxy',
    );
    for (const { ws } of clients) ws.terminate();
    await expectNothingLeft(app);
  });

  it('maxPendingUpgrades: refuses with 503 until a pending upgrade is decided', async () => {
    const app = await start({ limits: { maxPendingUpgrades: 2 } });
    const open = await app.connect('/ws');
    const pending = [
      RawClient.connect(app.port, '/ws?guard=waits'),
      RawClient.connect(app.port, '/unlimited?guard=waits'),
    ];
    await until('the guards', () => QueryGuard.waiting.length === 2);
    expectRefusal(await requestUpgrade(app.port, '/ws'), 503, 'Too many connections');
    expect(await open.ask('echo', 1)).toMatchObject({ data: 1 });
    for (const decide of QueryGuard.waiting.splice(0)) decide(true);
    await Promise.all(pending);
    expect(counts(app)).toMatchObject({ connections: 3, pending: 0, upgrades: 0 });
    const next = await app.connect('/ws');
    for (const { ws } of [open, next]) ws.terminate();
    for (const client of await Promise.all(pending)) client.tcp.destroy();
    await expectNothingLeft(app);
  });

  it.each([false, 1_000_000_000] as const)('each limit accepts %p', async (limit) => {
    const limits = { maxConnections: limit, maxConnectionsPerAddress: limit, maxPendingUpgrades: limit };
    const app = await start({ limits });
    const clients = await Promise.all(Array.from({ length: 100 }, () => app.connect('/ws')));
    expect(counts(app)).toMatchObject({ connections: 100 });
    for (const { ws } of clients) ws.terminate();
    await expectNothingLeft(app);
  });

  it('upgradeTimeout: refuses with 503, and ignores the later result of the guard', async () => {
    const app = await start();
    const waiting = RawClient.connect(app.port, '/unlimited?guard=waits');
    await until('the guard', () => QueryGuard.waiting.length === 1);
    const answers = [
      requestUpgrade(app.port, '/short?guard=waits'),
      requestUpgrade(app.port, '/short?guard=waits'),
    ];
    for (const answer of await Promise.all(answers)) expectRefusal(answer, 503, 'The upgrade took too long');
    // A path without this timeout keeps waiting.
    expect(counts(app)).toMatchObject({ connections: 1, pending: 1, upgrades: 1 });
    for (const decide of QueryGuard.waiting.splice(0)) decide(true);
    (await waiting).tcp.destroy();
    await expectNothingLeft(app);
  });

  it.each([
    ['30 ms on the adapter', { limits: { upgradeTimeout: 30 } }, 503],
    ['more than a timer can wait for', { limits: { upgradeTimeout: 2 ** 31 } }, 101],
  ])('upgradeTimeout: %s', async (_, adapter, status) => {
    const app = await start(adapter);
    const answer = requestUpgrade(app.port, '/ws?guard=waits');
    if (status === 101) {
      await until('the guard', () => QueryGuard.waiting.length === 1);
      expect((await requestUpgrade(app.port, '/short?guard=waits')).status).toBe(503);
      QueryGuard.waiting[0]!(true);
    }
    expect((await answer).status).toBe(status);
    await expectNothingLeft(app);
  });

  it('upgradeTimeout includes verifyClient and allowRequest', async () => {
    for (const check of ['verifyClient', 'allowRequest'] as const) {
      const late = deferred<() => void>();
      const hang = (_: unknown, done: (...verdict: unknown[]) => void): void =>
        late.resolve(() => done(true, true));
      const app = await start({ limits: { upgradeTimeout: 30 }, [check]: hang });
      expectRefusal(await requestUpgrade(app.port, '/ws'), 503, 'The upgrade took too long');
      (await late.promise)();
      await expectNothingLeft(app);
    }
  });

  const refusals: [what: string, target: string, headers: Record<string, string>, status: number][] = [
    ['a path without a gateway', '/unknown', {}, 404],
    ['a target that is not a path', '*', {}, 400],
    ['a guard that refuses', '/ws?guard=refuses', {}, 403],
    ['a guard that throws', '/ws?guard=throws', {}, 500],
    ['a foreign origin', '/ws', { Origin: 'https://evil.example' }, 403],
    ['an invalid key', '/ws', { 'Sec-WebSocket-Key': 'x' }, 400],
    ['an unsupported version', '/ws', { 'Sec-WebSocket-Version': '12' }, 400],
    // The server answers it like the plain request that it is as well.
    ['another protocol', '/ws', { Upgrade: 'h2c' }, 404],
    ['an invalid subprotocol', '/ws', { 'Sec-WebSocket-Protocol': 'a,,b' }, 400],
    ['an invalid extension', '/ws', { 'Sec-WebSocket-Extensions': ';;;' }, 400],
  ];

  it.each(refusals)('%s leaves no resources', async (_, target, headers, status) => {
    const app = await start({ perMessageDeflate: true });
    for (let i = 0; i < 5; i++) expect((await requestUpgrade(app.port, target, headers)).status).toBe(status);
    await expectNothingLeft(app);
  });

  it('checks that refuse, throw, reject or select a wrong subprotocol leave no resources', async () => {
    const throws = (): never => {
      throw new Error('the check is broken');
    };
    const options: [EnvelopeOptions, number][] = [
      [{ verifyClient: () => false }, 401],
      [{ verifyClient: throws }, 500],
      [{ allowRequest: (_request, done) => done('no', false) }, 403],
      [{ allowRequest: async () => throws() }, 500],
      [{ handleProtocols: throws }, 500],
      [{ cors: { origin: (_origin: unknown, done: (error: Error) => void) => done(new Error('no')) } }, 403],
    ];
    const headers = { Origin: 'https://page.example', 'Sec-WebSocket-Protocol': 'a' };
    for (const [adapter, status] of options) {
      const app = await start({ cors: { origin: '*', credentials: true }, ...adapter });
      const answer = await requestUpgrade(app.port, '/ws', headers);
      expect([Object.keys(adapter), answer.status]).toEqual([Object.keys(adapter), status]);
      await expectNothingLeft(app);
    }
  });

  it.each([
    ['resets', (tcp: Socket) => tcp.resetAndDestroy()],
    ['closes', (tcp: Socket) => tcp.destroy()],
    ['half-closes', (tcp: Socket) => tcp.end()],
    ['sends frames and closes', (tcp: Socket) => tcp.end(Buffer.alloc(1_000))],
  ])('a thousand clients that each %s while their guard runs leave no resources', async (how, disconnect) => {
    const hasSent = how.startsWith('sends');
    // After a client that sent more than the head, the server notices the end when the guard settles or times out.
    const app = await start({ limits: { upgradeTimeout: hasSent ? 300 : false } });
    for (let batch = 0; batch < 10; batch++) {
      const clients = Array.from({ length: 100 }, () => write(app, request('/ws?guard=waits')));
      await until('the guards', () => QueryGuard.waiting.length === 100 * (batch + 1));
      for (const tcp of clients) disconnect(tcp);
    }
    await expectNothingLeft(app);
    expect(app.log.of('error')).toEqual([]);
    // The late results of the guards open no connection.
    for (const decide of QueryGuard.waiting.splice(0)) decide(true);
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(101);
    await expectNothingLeft(app);
    expect(app.adapter.create(0, { path: '/ws' }).sockets.size).toBe(0);
  });

  it('a thousand truncated requests leave no resources', async () => {
    const app = await start({ limits: { maxConnections: 10 } });
    const whole = request('/ws');
    for (let batch = 0; batch < 20; batch++) {
      const clients = Array.from({ length: 50 }, (_, i) => write(app, whole.slice(0, 1 + i * 3)));
      await Promise.all(clients.map((tcp) => new Promise((resolve) => tcp.on('connect', resolve))));
      for (const tcp of clients) tcp.destroy();
    }
    expect(counts(app)).toEqual(NO_COUNTS);
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(101);
    await expectNothingLeft(app);
  });

  it('connections leave no resources, however they end', async () => {
    const app = await start({ pingInterval: 0 });
    const server = app.adapter.create(0, { path: '/ws' });
    const disconnects: ((client: RawClient, socket: EnvelopeSocket) => unknown)[] = [
      (client) => client.tcp.resetAndDestroy(),
      (client) => client.tcp.end(),
      (client) => client.send({ opcode: 8 }),
      (client) => client.send({ opcode: 3 }),
      (_, socket) => socket.disconnect(),
      (_, socket) => socket.terminate(),
      (_, socket) => socket.ws.terminate(),
      (_, socket) => socket.request.socket.destroy(),
      (_, socket) => socket._connection.timeOut(),
    ];
    for (const disconnectClient of disconnects) {
      const client = await RawClient.connect(app.port, '/ws');
      await until('the client', () => server.sockets.size === 1);
      disconnectClient(client, [...server.sockets.values()][0]!);
      await until('the disconnect', () => server.sockets.size === 0);
      // A disconnected client may still answer the close frame.
      client.tcp.destroy();
      await expectNothingLeft(app);
    }
  });

  it('a pending upgrade is refused when the application closes, and leaves no resources', async () => {
    const app = await start({ limits: { upgradeTimeout: false } });
    const answer = requestUpgrade(app.port, '/ws?guard=waits');
    await until('the guard', () => QueryGuard.waiting.length === 1);
    await app.close();
    expectRefusal(await answer, 503, 'The server is shutting down');
    expect(counts(app)).toMatchObject({ connections: 0, pending: 0, addresses: 0 });
  });
});
