import { connect, type Socket } from 'node:net';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { askForUpgrade, type UpgradeAnswer } from '../support/upgrade.js';
import { deferred, until } from '../support/wait.js';

/** Does what the query says: lets in, refuses, throws, or waits for the test. */
class MoodyGuard implements CanActivate {
  static waiting: ((passes: boolean) => void)[] = [];

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const mood = context.switchToWs().getClient<EnvelopeSocket>().query['mood'];
    if (mood === 'throws') throw new Error('the guard is broken');
    if (mood === 'refuses') return false;
    if (mood !== 'waits') return true;
    return new Promise((resolve) => MoodyGuard.waiting.push(resolve));
  }
}

@UseGuards(MoodyGuard)
@WebSocketGateway({ path: '/ws' })
class GuardedGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

@UseGuards(MoodyGuard)
@WebSocketGateway({ path: '/patient', limits: { upgradeTimeout: false } })
class PatientGateway {}

@UseGuards(MoodyGuard)
@WebSocketGateway({ path: '/hasty', limits: { upgradeTimeout: 30 } })
class HastyGateway {}

interface Counts {
  connections: number;
  pending: number;
  addresses: number;
  upgrades: number;
}

/** What the adapter counts, and the upgrades that it has its eye on. */
function counts(app: TestApp): Counts {
  const { connectionCounter, endpoints } = app.adapter as unknown as {
    connectionCounter: { connections: number; pending: number; perAddress: Map<string, number> };
    endpoints: Iterable<{ gate: { upgrades: Map<unknown, unknown> } }>;
  };
  const upgrades = [...endpoints].reduce((sum, { gate }) => sum + gate.upgrades.size, 0);
  const { connections, pending, perAddress } = connectionCounter;
  return { connections, pending, addresses: perAddress.size, upgrades };
}

const NOTHING: Counts = { connections: 0, pending: 0, addresses: 0, upgrades: 0 };

async function leavesNothing(app: TestApp): Promise<void> {
  await until('the counts to be back', () => counts(app).connections === 0);
  expect(counts(app)).toEqual(NOTHING);
}

const start = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp({ providers: [GuardedGateway, PatientGateway, HastyGateway] }, { adapter });

function expectRefusal(answer: UpgradeAnswer, status: number, message: string): void {
  expect(answer.status).toBe(status);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  const error = status === 503 ? 'Service Unavailable' : 'Too Many Requests';
  expect(JSON.parse(answer.body)).toEqual({ statusCode: status, message, error });
}

const lines: Socket[] = [];
afterEach(() => {
  for (const tcp of lines.splice(0)) tcp.destroy();
  for (const decide of MoodyGuard.waiting.splice(0)) decide(false);
});

/** Writes to the server, over TCP. */
function write(app: TestApp, text: string): Socket {
  const tcp = connect(app.port, '127.0.0.1');
  tcp.on('error', () => undefined).resume();
  tcp.write(text);
  lines.push(tcp);
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

describe('limits of connections', () => {
  expectNoUnhandledErrors();

  it('maxConnections: a further one is refused with 503, until one has left', async () => {
    const app = await start({ limits: { maxConnections: 3 } });
    const clients = [await app.connect('/ws'), await app.connect('/patient'), await app.connect('/hasty')];
    for (let i = 0; i < 20; i++) {
      for (const path of ['/ws', '/patient'])
        expectRefusal(await askForUpgrade(app.port, path), 503, 'Too many connections');
    }
    expect(counts(app)).toEqual({ connections: 3, pending: 0, addresses: 1, upgrades: 0 });
    clients[1]!.close();
    await clients[1]!.ended();
    await until('a place', () => counts(app).connections === 2);
    clients.push(await app.connect('/ws'));
    expect((await askForUpgrade(app.port, '/ws')).status).toBe(503);
    // the others have noticed nothing
    expect(await clients[0]!.ask('echo', 1)).toMatchObject({ data: 1 });
    for (const { ws } of clients) ws.terminate();
    await leavesNothing(app);
  });

  it('maxConnections counts those who are on their way', async () => {
    const app = await start({ limits: { maxConnections: 2 } });
    write(app, request('/ws?mood=waits'));
    write(app, request('/ws?mood=waits'));
    await until('the guards', () => MoodyGuard.waiting.length === 2);
    expectRefusal(await askForUpgrade(app.port, '/ws'), 503, 'Too many connections');
    MoodyGuard.waiting.pop()!(false);
    await until('a place', () => counts(app).connections === 1);
    expect((await askForUpgrade(app.port, '/ws')).status).toBe(101);
  });

  it('maxPendingUpgrades counts guards whose clients have left, until they have come to an end', async () => {
    const app = await start({ limits: { maxPendingUpgrades: 3 } });
    for (let client = 1; client <= 3; client++) {
      const tcp = write(app, request('/ws?mood=waits'));
      await until('the guard', () => MoodyGuard.waiting.length === client);
      tcp.resetAndDestroy();
      await until('the end of the upgrade', () => counts(app).upgrades === 0);
    }
    expectRefusal(await askForUpgrade(app.port, '/ws'), 503, 'Too many connections');
    expect(MoodyGuard.waiting).toHaveLength(3);
    MoodyGuard.waiting.pop()!(true);
    await until(
      'a place',
      () => Reflect.get(Reflect.get(app.adapter, 'connectionCounter'), 'abandonedGuards') === 2,
    );
    const tcp = write(app, request('/ws?mood=waits'));
    await until('the next guard', () => MoodyGuard.waiting.length === 3);
    tcp.destroy();
    await leavesNothing(app);
  });

  it('maxConnectionsPerAddress: 429, also where there is a place', async () => {
    const app = await start({ limits: { maxConnectionsPerAddress: 2, maxConnections: 3 } });
    const clients = [await app.connect('/ws'), await app.connect('/patient')];
    expectRefusal(await askForUpgrade(app.port, '/ws'), 429, 'Too many connections from this address');
    expect(app.log.of('warn').join()).toContain(
      'is reached by 127.0.0.1; if that is a proxy, name it in the option trustProxy',
    );
    for (const { ws } of clients) ws.terminate();
    await leavesNothing(app);
  });

  it('maxPendingUpgrades: 503, until one is decided on', async () => {
    const app = await start({ limits: { maxPendingUpgrades: 2 } });
    const open = await app.connect('/ws');
    const pending = [
      RawClient.connect(app.port, '/ws?mood=waits'),
      RawClient.connect(app.port, '/patient?mood=waits'),
    ];
    await until('the guards', () => MoodyGuard.waiting.length === 2);
    expectRefusal(await askForUpgrade(app.port, '/ws'), 503, 'Too many connections');
    expect(await open.ask('echo', 1)).toMatchObject({ data: 1 });
    for (const decide of MoodyGuard.waiting.splice(0)) decide(true);
    await Promise.all(pending);
    expect(counts(app)).toMatchObject({ connections: 3, pending: 0, upgrades: 0 });
    const next = await app.connect('/ws');
    for (const { ws } of [open, next]) ws.terminate();
    for (const client of await Promise.all(pending)) client.tcp.destroy();
    await leavesNothing(app);
  });

  it.each([false, 1_000_000_000] as const)('all of them may be %p', async (limit) => {
    const limits = { maxConnections: limit, maxConnectionsPerAddress: limit, maxPendingUpgrades: limit };
    const app = await start({ limits });
    const clients = await Promise.all(Array.from({ length: 100 }, () => app.connect('/ws')));
    expect(counts(app)).toMatchObject({ connections: 100 });
    for (const { ws } of clients) ws.terminate();
    await leavesNothing(app);
  });

  it('upgradeTimeout: 503, and what the guard says later does not count', async () => {
    const app = await start();
    const patient = RawClient.connect(app.port, '/patient?mood=waits');
    const answers = [
      askForUpgrade(app.port, '/hasty?mood=waits'),
      askForUpgrade(app.port, '/hasty?mood=waits'),
    ];
    for (const answer of await Promise.all(answers)) expectRefusal(answer, 503, 'The upgrade took too long');
    // a path that is patient waits on
    expect(counts(app)).toMatchObject({ connections: 1, pending: 1, upgrades: 1 });
    for (const decide of MoodyGuard.waiting.splice(0)) decide(true);
    (await patient).tcp.destroy();
    await leavesNothing(app);
  });

  it.each([
    ['the adapter’s', { limits: { upgradeTimeout: 30 } }, 503],
    ['one that no timer can wait for', { limits: { upgradeTimeout: 2 ** 31 } }, 101],
  ])('upgradeTimeout: %s', async (_, adapter, status) => {
    const app = await start(adapter);
    const answer = askForUpgrade(app.port, '/ws?mood=waits');
    if (status === 101) {
      await until('the guard', () => MoodyGuard.waiting.length === 1);
      expect((await askForUpgrade(app.port, '/hasty?mood=waits')).status).toBe(503);
      MoodyGuard.waiting[0]!(true);
    }
    expect((await answer).status).toBe(status);
    await leavesNothing(app);
  });

  it('upgradeTimeout covers verifyClient and allowRequest, too', async () => {
    for (const check of ['verifyClient', 'allowRequest'] as const) {
      const late = deferred<() => void>();
      const hang = (_: unknown, done: (...verdict: unknown[]) => void): void =>
        late.resolve(() => done(true, true));
      const app = await start({ limits: { upgradeTimeout: 30 }, [check]: hang });
      expectRefusal(await askForUpgrade(app.port, '/ws'), 503, 'The upgrade took too long');
      (await late.promise)();
      await leavesNothing(app);
    }
  });

  const asked: [what: string, target: string, headers: Record<string, string>, status: number][] = [
    ['a path that nobody owns', '/nobody', {}, 404],
    ['a target that is no path', '*', {}, 400],
    ['a guard that refuses', '/ws?mood=refuses', {}, 403],
    ['a guard that throws', '/ws?mood=throws', {}, 500],
    ['a foreign origin', '/ws', { Origin: 'https://evil.example' }, 403],
    ['a key that is none', '/ws', { 'Sec-WebSocket-Key': 'x' }, 400],
    ['a version that is none', '/ws', { 'Sec-WebSocket-Version': '12' }, 400],
    // answered as the plain request that it is as well
    ['another protocol', '/ws', { Upgrade: 'h2c' }, 404],
    ['a subprotocol that is none', '/ws', { 'Sec-WebSocket-Protocol': 'a,,b' }, 400],
    ['an extension that is none', '/ws', { 'Sec-WebSocket-Extensions': ';;;' }, 400],
  ];

  it.each(asked)('%s leaves nothing', async (_, target, headers, status) => {
    const app = await start({ perMessageDeflate: true });
    for (let i = 0; i < 5; i++) expect((await askForUpgrade(app.port, target, headers)).status).toBe(status);
    await leavesNothing(app);
  });

  it('checks that refuse, throw, reject or choose a subprotocol badly leave nothing', async () => {
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
      const answer = await askForUpgrade(app.port, '/ws', headers);
      expect([Object.keys(adapter), answer.status]).toEqual([Object.keys(adapter), status]);
      await leavesNothing(app);
    }
  });

  it.each([
    ['resets', (tcp: Socket) => tcp.resetAndDestroy()],
    ['closes', (tcp: Socket) => tcp.destroy()],
    ['half-closes', (tcp: Socket) => tcp.end()],
    ['sends frames and closes', (tcp: Socket) => tcp.end(Buffer.alloc(1_000))],
  ])('a thousand clients that each %s while their guard runs leave nothing', async (how, leave) => {
    const hasSent = how.startsWith('sends');
    // who has sent more than the head is seen to be gone when the guard has answered, or taken too long
    const app = await start({ limits: { upgradeTimeout: hasSent ? 300 : false } });
    for (let batch = 0; batch < 10; batch++) {
      const left = Array.from({ length: 100 }, () => write(app, request('/ws?mood=waits')));
      await until('the guards', () => MoodyGuard.waiting.length === 100 * (batch + 1));
      for (const tcp of left) leave(tcp);
    }
    await leavesNothing(app);
    expect(app.log.of('error')).toEqual([]);
    // and what the guards say at last opens nothing
    for (const decide of MoodyGuard.waiting.splice(0)) decide(true);
    expect((await askForUpgrade(app.port, '/ws')).status).toBe(101);
    await leavesNothing(app);
    expect(app.adapter.create(0, { path: '/ws' }).sockets.size).toBe(0);
  });

  it('a thousand requests that are cut off leave nothing', async () => {
    const app = await start({ limits: { maxConnections: 10 } });
    const whole = request('/ws');
    for (let batch = 0; batch < 20; batch++) {
      const left = Array.from({ length: 50 }, (_, i) => write(app, whole.slice(0, 1 + i * 3)));
      await Promise.all(left.map((tcp) => new Promise((resolve) => tcp.on('connect', resolve))));
      for (const tcp of left) tcp.destroy();
    }
    expect(counts(app)).toEqual(NOTHING);
    expect((await askForUpgrade(app.port, '/ws')).status).toBe(101);
    await leavesNothing(app);
  });

  it('lines that end in any way leave nothing', async () => {
    const app = await start({ pingInterval: 0 });
    const server = app.adapter.create(0, { path: '/ws' });
    const ends: ((client: RawClient, socket: EnvelopeSocket) => unknown)[] = [
      (client) => client.tcp.resetAndDestroy(),
      (client) => client.tcp.end(),
      (client) => client.send({ opcode: 8 }),
      (client) => client.send({ opcode: 3 }),
      (_, socket) => socket.disconnect(),
      (_, socket) => socket.terminate(),
      (_, socket) => socket.ws.terminate(),
      (_, socket) => socket.request.socket.destroy(),
      (_, socket) => socket._timeOut(),
    ];
    for (const end of ends) {
      const client = await RawClient.connect(app.port, '/ws');
      await until('the client', () => server.sockets.size === 1);
      end(client, [...server.sockets.values()][0]!);
      await until('its end', () => server.sockets.size === 0);
      // one that was let go may still answer the close frame
      client.tcp.destroy();
      await leavesNothing(app);
    }
  });

  it('who waits when the application closes is refused, and nothing is left', async () => {
    const app = await start({ limits: { upgradeTimeout: false } });
    const answer = askForUpgrade(app.port, '/ws?mood=waits');
    await until('the guard', () => MoodyGuard.waiting.length === 1);
    await app.close();
    expectRefusal(await answer, 503, 'The server is shutting down');
    expect(counts(app)).toMatchObject({ connections: 0, pending: 0, addresses: 0 });
  });
});
