import { Controller, Get } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { TestClient, type ConnectOptions } from '../support/client.js';
import { CADDY, HAPROXY, NGINX, PROXIES, ReverseProxy, type ProxyKind } from '../support/reverse-proxy.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

/** Milliseconds. The proxies of these tests have a timeout of two seconds: the server may be late on a busy machine. */
const PING_INTERVAL = 250;
const PINGS = 3;

class Gateway {
  readonly reasons: string[] = [];

  handleDisconnect(_client: EnvelopeSocket, reason: string): void {
    this.reasons.push(reason);
  }
  @SubscribeMessage('where')
  where(@ConnectedSocket() client: EnvelopeSocket): unknown {
    const { host, 'x-forwarded-proto': proto } = client.handshake.headers;
    return { ip: client.ip, host, proto };
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() text: string): string {
    return text;
  }
}

@WebSocketGateway({ path: '/ws', pingInterval: PING_INTERVAL })
class PingedGateway extends Gateway {}

@WebSocketGateway({ path: '/quiet', pingInterval: 0 })
class QuietGateway extends Gateway {}

/** The health check of the proxies. */
@Controller()
class ReadyController {
  @Get('ready')
  ready(): string {
    return 'ready';
  }
}

/** The timeouts for idle connections that are published: 60 seconds each. */
const TIMEOUTS = new Map<ProxyKind, RegExp>([
  [NGINX, /(?<=proxy_(?:read|send)_timeout )60s/g],
  [HAPROXY, /(?<=timeout (?:tunnel|client|server) )60s/g],
  // none, for an open WebSocket
  [CADDY, /$^/g],
]);

const clients: TestClient[] = [];

async function open(url: string, options: ConnectOptions = {}): Promise<TestClient> {
  const client = new TestClient(url, options);
  clients.push(client);
  await client.opened();
  return client;
}

const serve = (): Promise<TestApp> =>
  startApp(
    { providers: [PingedGateway, QuietGateway], controllers: [ReadyController] },
    { adapter: { trustProxy: '127.0.0.1' } },
  );

describe.each(PROXIES)('docs/deploy/$file, which $name runs', (kind) => {
  kind.describe('in front of a node', () => {
    expectNoUnhandledErrors();
    afterEach(() => {
      for (const client of clients.splice(0)) client.ws.terminate();
    });

    it('passes upgrades, large messages and close codes', async () => {
      const app = await serve();
      const proxy = await ReverseProxy.start(kind, [app.port]);
      const client = await open(proxy.url());
      const text = 'ä'.repeat(400_000);
      expect((await client.ask('echo', text)).data).toBe(text);
      client.close(4_000, 'bye');
      expect(await client.ended()).toMatchObject({ code: 4_000 });
      const other = await open(proxy.url());
      await app.nest.close();
      expect(await other.ended()).toEqual({ code: 1001, reason: 'server shutting down' });
    });

    it('tells the address of each client, and none that a client makes up', async () => {
      const proxy = await ReverseProxy.start(kind, [(await serve()).port]);
      const client = await open(proxy.url(), { localAddress: '127.0.0.9' });
      const host = `127.0.0.1:${proxy.port}`;
      expect((await client.ask('where')).data).toEqual({ ip: '127.0.0.9', host, proto: 'http' });
      const headers = { 'X-Forwarded-For': '203.0.113.66' };
      const forger = await open(proxy.url(), { localAddress: '127.0.0.10', headers });
      expect((await forger.ask('where')).data).toMatchObject({ ip: '127.0.0.10' });
    });

    it('lets pages of its own host connect, and no others', async () => {
      const proxy = await ReverseProxy.start(kind, [(await serve()).port]);
      await open(proxy.url(), { origin: `http://127.0.0.1:${proxy.port}` });
      const headers = { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' };
      for (const origin of ['https://evil.example', `http://127.0.0.1:${proxy.port + 1}`])
        await expect(open(proxy.url(), { origin, headers })).rejects.toThrow('403');
    });

    it('keeps a connection on which nothing is sent for longer than its timeout, because the server pings', async () => {
      const app = await serve();
      const timeout = TIMEOUTS.get(kind)!;
      const proxy = await ReverseProxy.start(kind, [app.port], (text) => text.replace(timeout, '5s'));
      const [pinged, quiet] = [await open(proxy.url()), await open(proxy.url('/quiet'))];
      if (kind === CADDY) {
        let pings = 0;
        pinged.ws.on('ping', () => pings++);
        await until('the pings', () => pings >= PINGS);
        expect((await quiet.ask('echo', 'still here')).data).toBe('still here');
      } else {
        // with pingInterval: 0, or a timeout of the proxy that is shorter
        await until('the cut', () => quiet.ws.readyState === quiet.ws.CLOSED);
        expect((await quiet.ended()).code).toBe(1006);
        await until('the disconnect', () => app.nest.get(QuietGateway).reasons.length === 1);
        expect(app.nest.get(QuietGateway).reasons).toEqual(['transport close']);
      }
      // it was opened first, and so was idle for longer
      expect((await pinged.ask('echo', 'still here')).data).toBe('still here');
    });
  });
});
