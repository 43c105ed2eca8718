import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { comeFrom } from '../support/fake-addresses.js';
import { RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { askForUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

/** How many upgrades wait for a guard that never answers. */
let hanging = 0;
beforeEach(() => {
  hanging = 0;
});

class QueryGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const { guard } = context.switchToWs().getClient<EnvelopeSocket>().query;
    if (guard === 'throw') throw new Error('no database');
    if (guard !== 'hang') return guard !== 'refuse';
    hanging++;
    return new Promise(() => undefined);
  }
}

@UseGuards(QueryGuard)
@WebSocketGateway({ path: '/ws' })
class GuardedGateway {
  @WebSocketServer() server!: EnvelopeServer;

  afterInit(server: EnvelopeServer): void {
    server.use((socket, next) =>
      next(socket.query['middleware'] === 'refuse' ? new Error('Forbidden') : undefined),
    );
  }
  handleConnection(client: EnvelopeSocket): void {
    if (client.query['hook'] === 'throw') throw new Error('no database');
    if (client.query['hook'] === 'leave') client.disconnect(true);
  }
}

const start = (options: EnvelopeOptions): Promise<TestApp> =>
  startApp({ providers: [GuardedGateway] }, { adapter: options });
const startWith = (places: number, options: EnvelopeOptions = {}): Promise<TestApp> =>
  start({ ...options, limits: { ...options.limits, maxConnectionsPerAddress: places } });

type Headers = Record<string, string>;
const via = (address: string): Headers => ({ 'X-Forwarded-For': address });

async function enter(app: TestApp, headers: Headers = {}): Promise<TestClient> {
  return app.connect('/ws', { headers });
}
const knock = async (app: TestApp, headers: Headers = {}, target = '/ws'): Promise<number> =>
  (await askForUpgrade(app.port, target, headers)).status;

expectNoUnhandledErrors();

describe('connections from one address', () => {
  it('are bounded: the next is refused with 429 and told when to come again', async () => {
    const app = await startWith(2);
    const [first] = [await enter(app), await enter(app)];
    const { status, headers, body } = await askForUpgrade(app.port, '/ws');
    expect(status).toBe(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(JSON.parse(body)).toEqual({
      statusCode: 429,
      message: 'Too many connections from this address',
      error: 'Too Many Requests',
    });
    comeFrom(app, '203.0.113.5');
    await enter(app);
    comeFrom(app, '127.0.0.1');
    expect(await knock(app)).toBe(429);
    first.close();
    await until('a place is free', async () => (await knock(app)) === 101);
  });

  it('are not bounded where the limit is off', async () => {
    const app = await start({ limits: { maxConnectionsPerAddress: false } });
    const clients = await Promise.all(Array.from({ length: 20 }, () => enter(app)));
    expect(clients).toHaveLength(20);
  });

  it('are those of all paths together, and of what waits for a guard', async () => {
    const app = await startWith(2);
    await enter(app);
    void askForUpgrade(app.port, '/ws?guard=hang').catch(() => undefined);
    await until('a guard is asked', () => hanging === 1);
    expect(await knock(app)).toBe(429);
  });

  it('are told apart by the client that a trusted proxy names', async () => {
    const app = await startWith(1, { trustProxy: 'loopback' });
    await enter(app, via('203.0.113.5'));
    await enter(app, via('203.0.113.6'));
    expect(await knock(app, via('203.0.113.5'))).toBe(429);
    expect(await knock(app, via('198.51.100.1, 203.0.113.5'))).toBe(429);
    expect(await knock(app, via('::ffff:203.0.113.5'))).toBe(429);
    expect(await knock(app, via('203.0.113.5:1234'))).toBe(429);
    expect(app.log.of('warn').filter((line) => line.includes('X-Forwarded-For'))).toEqual([]);
  });

  it('over IPv6 are those of one /64, which is the least that a client has', async () => {
    const app = await startWith(1, { trustProxy: 'loopback' });
    await enter(app, via('2001:db8:1:2::1'));
    for (const neighbour of ['2001:db8:1:2::2', '2001:0DB8:1:2:ffff:ffff:ffff:ffff', '[2001:db8:1:2::9]:443'])
      expect(await knock(app, via(neighbour))).toBe(429);
    await enter(app, via('2001:db8:1:3::1'));
    await enter(app, via('2001:db8:2:2::1'));
  });

  it('of one IPv4 address count as such, however it is written', async () => {
    const app = await startWith(1);
    comeFrom(app, '::ffff:203.0.113.5');
    await enter(app);
    comeFrom(app, '203.0.113.5');
    expect(await knock(app)).toBe(429);
    comeFrom(app, '::ffff:203.0.113.6');
    await enter(app);
  });

  it.each(['203.0.113.5', '2001:db8::5'])('cannot be hidden by a header from %s', async (peer) => {
    const app = await startWith(1);
    comeFrom(app, peer);
    await enter(app, via('198.51.100.1'));
    expect(await knock(app, via('198.51.100.2'))).toBe(429);
    expect(await knock(app, via(''))).toBe(429);
    expect(app.log.of('warn').filter((line) => line.includes('X-Forwarded-For'))).toEqual([]);
    const trusting = await startWith(1, { trustProxy: 'loopback' });
    comeFrom(trusting, peer);
    await enter(trusting, via('198.51.100.1'));
    expect(await knock(trusting, via('198.51.100.2'))).toBe(429);
  });

  const privates = ['127.0.0.1', '::1', '10.1.2.3', '172.18.0.1', '192.168.1.1', '::ffff:10.1.2.3', 'fd00::1', '100.64.0.1']; // prettier-ignore
  it.each(privates)('of a proxy at %s that nobody named lock nobody out: it is warned of', async (peer) => {
    const app = await startWith(1);
    comeFrom(app, peer);
    for (let client = 1; client <= 10; client++) await enter(app, via(`203.0.113.${client}`));
    const told = app.log.of('warn').filter((line) => line.includes('trustProxy'));
    expect(told).toEqual([expect.stringMatching(/X-Forwarded-For.+maxConnectionsPerAddress.+trustProxy/)]);
    // but all of them together are bounded: anybody there can send the header
    expect(await knock(app, via('203.0.113.11'))).toBe(429);
    expect(app.log.of('warn').at(-1)).toMatch(
      /^10 times limits\.maxConnectionsPerAddress \(1\) is reached by the clients of the proxy .+ trustProxy/,
    );
    await enter(app);
    expect(await knock(app)).toBe(429);
    comeFrom(app, '10.9.9.9');
    await enter(app, via('203.0.113.12'));
  });

  it.each(privates)(
    'from %s count by that address where the application says that there is no proxy',
    async (peer) => {
      const app = await startWith(1, { trustProxy: false });
      comeFrom(app, peer);
      await enter(app, via('203.0.113.1'));
      expect(await knock(app, via('203.0.113.2'))).toBe(429);
      expect(await knock(app)).toBe(429);
      expect(app.log.of('warn').filter((line) => line.includes('X-Forwarded-For'))).toEqual([]);
    },
  );

  const nameless = ['garbage', 'unknown', '', ' ', ',', '_hidden', '999.1.1.1', '127.0.0.1', '[::1', '203.0.113.5:x', 'x'.repeat(5_000)]; // prettier-ignore
  it('of a trusted proxy that does not name its clients are bounded together', async () => {
    const app = await startWith(1, { trustProxy: 'loopback' });
    for (let client = 0; client < 9; client++) await enter(app, via(nameless[client]!));
    await enter(app); // the proxy may add no header at all
    for (const text of nameless) expect([text, await knock(app, via(text))]).toEqual([text, 429]);
    expect(await knock(app)).toBe(429);
    expect(app.log.of('warn').at(-1)).toMatch(/clients of the proxy 127\.0\.0\.1.+X-Forwarded-For/);
    await enter(app, via('203.0.113.5'));
    await enter(app, via('garbage, 203.0.113.6'));
    expect(await knock(app, via('garbage, 203.0.113.6:99'))).toBe(429);
    // a proxy behind it that adds a port is one that is trusted
    await enter(app, via('203.0.113.7, 127.0.0.2:4000'));
    expect(await knock(app, via('203.0.113.7'))).toBe(429);
  });

  it('by a socket of the file system, which has no address, are bounded together', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'envelope-'));
    try {
      const path = join(folder, 'app.sock');
      const app = await startApp(
        { providers: [GuardedGateway] },
        { adapter: { limits: { maxConnectionsPerAddress: 1 } }, listen: { path } },
      );
      const clients: TestClient[] = [];
      const come = async (headers: Headers): Promise<void> => {
        const client = new TestClient(`ws+unix://${path}:/ws`, { headers });
        clients.push(client);
        await client.opened();
      };
      await come({});
      await expect(come({})).rejects.toThrow('429');
      for (let client = 1; client <= 10; client++) await come(via(`203.0.113.${client}`));
      await expect(come(via('203.0.113.11'))).rejects.toThrow('429');
      for (const client of clients) client.ws.terminate();
      await app.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a place is free again', () => {
  const get = (port: number, target: string): string =>
    `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

  /** Waits with its upgrade for a guard, and is gone before the answer. */
  const waitAndGo =
    (how: 'destroy' | 'end' | 'resetAndDestroy') =>
    async (app: TestApp): Promise<void> => {
      const before = hanging;
      const tcp = connect(app.port, '127.0.0.1');
      tcp.on('error', () => undefined);
      const over = new Promise((resolve) => tcp.on('close', resolve));
      tcp.resume().write(get(app.port, '/ws?guard=hang'));
      await until('a guard is asked', () => hanging > before);
      tcp[how]();
      await over;
    };
  const leave =
    (how: (client: RawClient) => void) =>
    async (app: TestApp): Promise<void> => {
      const client = await RawClient.connect(app.port, '/ws');
      how(client);
      await client.over();
    };
  const isRefused =
    (status: number, target: string, headers: Headers = {}) =>
    async (app: TestApp): Promise<void> =>
      expect(await knock(app, headers, target)).toBe(status);
  const isClosed =
    (query: string) =>
    async (app: TestApp): Promise<void> => {
      const client = new TestClient(app.url(`/ws?${query}`));
      await client.ended();
    };

  const ways: [string, (app: TestApp) => Promise<void>][] = [
    ['says goodbye', leave((client) => client.send({ opcode: 8, payload: Buffer.from([3, 232]) }))],
    ['ends its line', leave((client) => client.tcp.end())],
    ['breaks its line', leave((client) => client.tcp.destroy())],
    ['resets its line', leave((client) => client.tcp.resetAndDestroy())],
    ['breaks the protocol', leave((client) => client.send({ opcode: 1, payload: 'x', mask: false }))],
    ['is refused by a guard', isRefused(403, '/ws?guard=refuse')],
    ['makes a guard throw', isRefused(500, '/ws?guard=throw')],
    ['makes a guard take too long', isRefused(503, '/ws?guard=hang')],
    ['is refused for its origin', isRefused(403, '/ws', { Origin: 'https://evil.example' })],
    ['is refused by allowRequest', isRefused(403, '/ws', { 'X-Check': 'refuse' })],
    ['makes allowRequest throw', isRefused(500, '/ws', { 'X-Check': 'throw' })],
    ['sends a bad key', isRefused(400, '/ws', { 'Sec-WebSocket-Key': 'short' })],
    ['speaks another version', isRefused(400, '/ws', { 'Sec-WebSocket-Version': '7' })],
    ['offers bad subprotocols', isRefused(400, '/ws', { 'Sec-WebSocket-Protocol': 'a,,a' })],
    ['asks for another path', isRefused(404, '/elsewhere')],
    ['is refused by a middleware', isClosed('middleware=refuse')],
    ['makes handleConnection throw', isClosed('hook=throw')],
    ['is disconnected by handleConnection', isClosed('hook=leave')],
    ['breaks its line while a guard thinks', waitAndGo('destroy')],
    ['ends its line while a guard thinks', waitAndGo('end')],
    ['resets its line while a guard thinks', waitAndGo('resetAndDestroy')],
  ];

  it.each(ways)('when who had it %s', async (_name, goes) => {
    const app = await startWith(1, {
      limits: { upgradeTimeout: 300 },
      allowRequest: (request, callback) => {
        if (request.headers['x-check'] === 'throw') throw new Error('no database');
        callback(null, request.headers['x-check'] !== 'refuse');
      },
    });
    for (let time = 0; time < 3; time++) {
      await goes(app);
      await until('a place is free', async () => (await knock(app)) === 101);
      await until('the place of that question is free, too', async () => (await knock(app)) === 101);
      await until('nobody is left', () => app.nest.get(GuardedGateway).server.engine.clientsCount === 0);
    }
    // and there is not one place more than there should be
    const enters = (): Promise<boolean> =>
      enter(app).then(
        () => true,
        () => false,
      );
    await until('the one place is free', enters);
    expect(await knock(app)).toBe(429);
  });
});
