import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { fakeAddresses } from '../support/fake-addresses.js';
import { RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

/** How many upgrades wait for a guard that never settles. */
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
const startWith = (maximum: number, options: EnvelopeOptions = {}): Promise<TestApp> =>
  start({ ...options, limits: { ...options.limits, maxConnectionsPerAddress: maximum } });

type Headers = Record<string, string>;
const forwardedFor = (address: string): Headers => ({ 'X-Forwarded-For': address });

async function connectTo(app: TestApp, headers: Headers = {}): Promise<TestClient> {
  return app.connect('/ws', { headers });
}
const upgradeStatus = async (app: TestApp, headers: Headers = {}, target = '/ws'): Promise<number> =>
  (await requestUpgrade(app.port, target, headers)).status;

expectNoUnhandledErrors();

describe('limits.maxConnectionsPerAddress', () => {
  it('refuses one connection too many with 429 and a Retry-After header', async () => {
    const app = await startWith(2);
    const [first] = [await connectTo(app), await connectTo(app)];
    const { status, headers, body } = await requestUpgrade(app.port, '/ws');
    expect(status).toBe(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(JSON.parse(body)).toEqual({
      statusCode: 429,
      message: 'Too many connections from this address',
      error: 'Too Many Requests',
    });
    fakeAddresses(app, '203.0.113.5');
    await connectTo(app);
    fakeAddresses(app, '127.0.0.1');
    expect(await upgradeStatus(app)).toBe(429);
    first.close();
    await until('a free slot', async () => (await upgradeStatus(app)) === 101);
  });

  it('can be turned off', async () => {
    const app = await start({ limits: { maxConnectionsPerAddress: false } });
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectTo(app)));
    expect(clients).toHaveLength(20);
  });

  it('counts the connections of all paths, and upgrades that wait for a guard', async () => {
    const app = await startWith(2);
    await connectTo(app);
    void requestUpgrade(app.port, '/ws?guard=hang').catch(() => undefined);
    await until('the guard', () => hanging === 1);
    expect(await upgradeStatus(app)).toBe(429);
  });

  it('counts per client address that a trusted proxy forwards', async () => {
    const app = await startWith(1, { trustProxy: 'loopback' });
    await connectTo(app, forwardedFor('203.0.113.5'));
    await connectTo(app, forwardedFor('203.0.113.6'));
    expect(await upgradeStatus(app, forwardedFor('203.0.113.5'))).toBe(429);
    expect(await upgradeStatus(app, forwardedFor('198.51.100.1, 203.0.113.5'))).toBe(429);
    expect(await upgradeStatus(app, forwardedFor('::ffff:203.0.113.5'))).toBe(429);
    expect(await upgradeStatus(app, forwardedFor('203.0.113.5:1234'))).toBe(429);
    expect(app.log.of('warn').filter((line) => line.includes('X-Forwarded-For'))).toEqual([]);
  });

  it('counts IPv6 clients per /64, the smallest block that a client gets', async () => {
    const app = await startWith(1, { trustProxy: 'loopback' });
    await connectTo(app, forwardedFor('2001:db8:1:2::1'));
    for (const neighbour of ['2001:db8:1:2::2', '2001:0DB8:1:2:ffff:ffff:ffff:ffff', '[2001:db8:1:2::9]:443'])
      expect(await upgradeStatus(app, forwardedFor(neighbour))).toBe(429);
    await connectTo(app, forwardedFor('2001:db8:1:3::1'));
    await connectTo(app, forwardedFor('2001:db8:2:2::1'));
  });

  it('counts an IPv4 address and its IPv4-mapped IPv6 form as one', async () => {
    const app = await startWith(1);
    fakeAddresses(app, '::ffff:203.0.113.5');
    await connectTo(app);
    fakeAddresses(app, '203.0.113.5');
    expect(await upgradeStatus(app)).toBe(429);
    fakeAddresses(app, '::ffff:203.0.113.6');
    await connectTo(app);
  });

  it.each(['203.0.113.5', '2001:db8::5'])(
    'ignores X-Forwarded-For from the untrusted peer %s',
    async (peer) => {
      const app = await startWith(1);
      fakeAddresses(app, peer);
      await connectTo(app, forwardedFor('198.51.100.1'));
      expect(await upgradeStatus(app, forwardedFor('198.51.100.2'))).toBe(429);
      expect(await upgradeStatus(app, forwardedFor(''))).toBe(429);
      expect(app.log.of('warn').filter((line) => line.includes('X-Forwarded-For'))).toEqual([]);
      const trusting = await startWith(1, { trustProxy: 'loopback' });
      fakeAddresses(trusting, peer);
      await connectTo(trusting, forwardedFor('198.51.100.1'));
      expect(await upgradeStatus(trusting, forwardedFor('198.51.100.2'))).toBe(429);
    },
  );

  const privates = ['127.0.0.1', '::1', '10.1.2.3', '172.18.0.1', '192.168.1.1', '::ffff:10.1.2.3', 'fd00::1', '100.64.0.1']; // prettier-ignore
  it.each(privates)(
    'counts the clients of an undeclared proxy at %s together with ten times the limit, and logs a warning',
    async (peer) => {
      const app = await startWith(1);
      fakeAddresses(app, peer);
      for (let client = 1; client <= 10; client++) await connectTo(app, forwardedFor(`203.0.113.${client}`));
      const warnings = app.log.of('warn').filter((line) => line.includes('trustProxy'));
      expect(warnings).toEqual([
        expect.stringMatching(/X-Forwarded-For.+maxConnectionsPerAddress.+trustProxy/),
      ]);
      // Together they stay limited, because any client at that address can send the header.
      expect(await upgradeStatus(app, forwardedFor('203.0.113.11'))).toBe(429);
      expect(app.log.of('warn').at(-1)).toMatch(
        /^10 times limits\.maxConnectionsPerAddress \(1\) is reached by the clients of the proxy .+ trustProxy/,
      );
      await connectTo(app);
      expect(await upgradeStatus(app)).toBe(429);
      fakeAddresses(app, '10.9.9.9');
      await connectTo(app, forwardedFor('203.0.113.12'));
    },
  );

  it.each(privates)('counts connections from %s by that address with trustProxy: false', async (peer) => {
    const app = await startWith(1, { trustProxy: false });
    fakeAddresses(app, peer);
    await connectTo(app, forwardedFor('203.0.113.1'));
    expect(await upgradeStatus(app, forwardedFor('203.0.113.2'))).toBe(429);
    expect(await upgradeStatus(app)).toBe(429);
    expect(app.log.of('warn').filter((line) => line.includes('X-Forwarded-For'))).toEqual([]);
  });

  const invalidHeaders = ['garbage', 'unknown', '', ' ', ',', '_hidden', '999.1.1.1', '127.0.0.1', '[::1', '203.0.113.5:x', 'x'.repeat(5_000)]; // prettier-ignore
  it('counts clients that a trusted proxy does not name together', async () => {
    const app = await startWith(1, { trustProxy: 'loopback' });
    for (let client = 0; client < 9; client++) await connectTo(app, forwardedFor(invalidHeaders[client]!));
    await connectTo(app); // A proxy may add no header at all.
    for (const text of invalidHeaders)
      expect([text, await upgradeStatus(app, forwardedFor(text))]).toEqual([text, 429]);
    expect(await upgradeStatus(app)).toBe(429);
    expect(app.log.of('warn').at(-1)).toMatch(/clients of the proxy 127\.0\.0\.1.+X-Forwarded-For/);
    await connectTo(app, forwardedFor('203.0.113.5'));
    await connectTo(app, forwardedFor('garbage, 203.0.113.6'));
    expect(await upgradeStatus(app, forwardedFor('garbage, 203.0.113.6:99'))).toBe(429);
    // The inner proxy adds a port, and is trusted.
    await connectTo(app, forwardedFor('203.0.113.7, 127.0.0.2:4000'));
    expect(await upgradeStatus(app, forwardedFor('203.0.113.7'))).toBe(429);
  });

  it('counts connections over a Unix domain socket together, because they have no address', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'envelope-'));
    try {
      const path = join(folder, 'app.sock');
      const app = await startApp(
        { providers: [GuardedGateway] },
        { adapter: { limits: { maxConnectionsPerAddress: 1 } }, listen: { path } },
      );
      const clients: TestClient[] = [];
      const connectBySocket = async (headers: Headers): Promise<void> => {
        const client = new TestClient(`ws+unix://${path}:/ws`, { headers });
        clients.push(client);
        await client.opened();
      };
      await connectBySocket({});
      await expect(connectBySocket({})).rejects.toThrow('429');
      for (let client = 1; client <= 10; client++) await connectBySocket(forwardedFor(`203.0.113.${client}`));
      await expect(connectBySocket(forwardedFor('203.0.113.11'))).rejects.toThrow('429');
      for (const client of clients) client.ws.terminate();
      await app.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a slot becomes free', () => {
  const upgradeRequest = (port: number, target: string): string =>
    `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

  /** Disconnects while its upgrade waits for a guard. */
  const disconnectDuringGuard =
    (how: 'destroy' | 'end' | 'resetAndDestroy') =>
    async (app: TestApp): Promise<void> => {
      const before = hanging;
      const tcp = connect(app.port, '127.0.0.1');
      tcp.on('error', () => undefined);
      const over = new Promise((resolve) => tcp.on('close', resolve));
      tcp.resume().write(upgradeRequest(app.port, '/ws?guard=hang'));
      await until('the guard', () => hanging > before);
      tcp[how]();
      await over;
    };
  const disconnectBy =
    (how: (client: RawClient) => void) =>
    async (app: TestApp): Promise<void> => {
      const client = await RawClient.connect(app.port, '/ws');
      how(client);
      await client.ended();
    };
  const expectRefusal =
    (status: number, target: string, headers: Headers = {}) =>
    async (app: TestApp): Promise<void> =>
      expect(await upgradeStatus(app, headers, target)).toBe(status);
  const expectClose =
    (query: string) =>
    async (app: TestApp): Promise<void> => {
      const client = new TestClient(app.url(`/ws?${query}`));
      await client.ended();
    };

  const disconnects: [string, (app: TestApp) => Promise<void>][] = [
    [
      'closes its connection',
      disconnectBy((client) => client.send({ opcode: 8, payload: Buffer.from([3, 232]) })),
    ],
    ['ends its TCP connection', disconnectBy((client) => client.tcp.end())],
    ['destroys its TCP connection', disconnectBy((client) => client.tcp.destroy())],
    ['resets its TCP connection', disconnectBy((client) => client.tcp.resetAndDestroy())],
    [
      'sends a frame that violates the protocol',
      disconnectBy((client) => client.send({ opcode: 1, payload: 'x', mask: false })),
    ],
    ['is refused by a guard', expectRefusal(403, '/ws?guard=refuse')],
    ['makes a guard throw', expectRefusal(500, '/ws?guard=throw')],
    ['makes a guard take too long', expectRefusal(503, '/ws?guard=hang')],
    ['is refused for its origin', expectRefusal(403, '/ws', { Origin: 'https://evil.example' })],
    ['is refused by allowRequest', expectRefusal(403, '/ws', { 'X-Check': 'refuse' })],
    ['makes allowRequest throw', expectRefusal(500, '/ws', { 'X-Check': 'throw' })],
    ['sends an invalid key', expectRefusal(400, '/ws', { 'Sec-WebSocket-Key': 'short' })],
    ['asks for another protocol version', expectRefusal(400, '/ws', { 'Sec-WebSocket-Version': '7' })],
    ['offers invalid subprotocols', expectRefusal(400, '/ws', { 'Sec-WebSocket-Protocol': 'a,,a' })],
    ['requests another path', expectRefusal(404, '/elsewhere')],
    ['is refused by a middleware', expectClose('middleware=refuse')],
    ['makes handleConnection throw', expectClose('hook=throw')],
    ['is disconnected by handleConnection', expectClose('hook=leave')],
    ['destroys its TCP connection while a guard runs', disconnectDuringGuard('destroy')],
    ['ends its TCP connection while a guard runs', disconnectDuringGuard('end')],
    ['resets its TCP connection while a guard runs', disconnectDuringGuard('resetAndDestroy')],
  ];

  it.each(disconnects)('when its client %s', async (_name, freeSlot) => {
    const app = await startWith(1, {
      limits: { upgradeTimeout: 300 },
      allowRequest: (request, callback) => {
        if (request.headers['x-check'] === 'throw') throw new Error('no database');
        callback(null, request.headers['x-check'] !== 'refuse');
      },
    });
    for (let time = 0; time < 3; time++) {
      await freeSlot(app);
      await until('a free slot', async () => (await upgradeStatus(app)) === 101);
      await until(
        'the end of the connection made by that check',
        async () => (await upgradeStatus(app)) === 101,
      );
      await until(
        'the end of all connections',
        () => app.nest.get(GuardedGateway).server.engine.clientsCount === 0,
      );
    }
    // Exactly one slot is free.
    const canConnect = (): Promise<boolean> =>
      connectTo(app).then(
        () => true,
        () => false,
      );
    await until('a free slot', canConnect);
    expect(await upgradeStatus(app)).toBe(429);
  });
});
