import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { TestClient, type ConnectOptions } from '../support/client.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  readonly disconnectReasons: string[] = [];

  handleDisconnect(_client: EnvelopeSocket, reason: string): void {
    this.disconnectReasons.push(reason);
  }
  @SubscribeMessage('address')
  address(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return { ip: client.ip, secure: client.handshake.secure };
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() text: string): string {
    return text;
  }
  @SubscribeMessage('close')
  close(@ConnectedSocket() client: EnvelopeSocket): void {
    client.close(4321, 'that was it');
  }
}

/** The directives of the `location`, as in the documentation of nginx and in docs/origins.md. */
const FORWARDED = [
  'proxy_set_header X-Forwarded-Host $http_host',
  'proxy_set_header X-Forwarded-Proto $scheme',
  'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for',
];

/** Starts an application behind nginx with these directives. */
async function startBehind(
  directives: readonly string[] = [],
  adapter: EnvelopeOptions = {},
): Promise<{ app: TestApp; nginx: Nginx }> {
  const app = await startApp({ providers: [ChatGateway] }, { adapter });
  return { app, nginx: await Nginx.start(app.port, directives) };
}

const clients: TestClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.ws.terminate();
});

/** Connects through nginx. */
async function open(url: string, options: ConnectOptions = {}): Promise<TestClient> {
  const client = new TestClient(url, { rejectUnauthorized: false, ...options });
  clients.push(client);
  await client.opened();
  return client;
}
const plain = ({ port }: Nginx, options?: ConnectOptions): Promise<TestClient> =>
  open(`ws://127.0.0.1:${port}/ws`, options);
const tls = ({ tlsPort }: Nginx, options?: ConnectOptions): Promise<TestClient> =>
  open(`wss://127.0.0.1:${tlsPort}/ws`, options);

const pageOf = ({ port }: Nginx): string => `http://127.0.0.1:${port}`;
const securePageOf = ({ tlsPort }: Nginx): string => `https://127.0.0.1:${tlsPort}`;
const FOREIGN = 'https://evil.example';

expectNoUnhandledErrors();

describeWithNginx('a page behind nginx', () => {
  it('is refused with the default Host, and the log names both values and the directives that fix it', async () => {
    const { app, nginx } = await startBehind();
    const { status, body } = await requestUpgrade(nginx.port, '/ws', { Origin: pageOf(nginx) });
    expect([status, body]).toEqual([403, expect.not.stringContaining('127.0.0.1')]);
    const [line] = app.log.of('warn');
    expect(line).toContain(`The origin ${pageOf(nginx)} may not connect to 127.0.0.1:${app.port}. `);
    expect(line).toContain(`cors: { origin: '${pageOf(nginx)}' }`);
    expect(line).toContain('In nginx, add "proxy_set_header Host $http_host;"');
    expect(line).toContain('trustProxy');
    await expect(tls(nginx, { origin: securePageOf(nginx) })).rejects.toThrow('403');
    await plain(nginx); // A client without an Origin header is not a page.
  });

  it('connects with the logged cors option, over TLS too', async () => {
    const page = { Host: 'chat.example', Origin: 'https://chat.example' };
    const { app, nginx: unconfigured } = await startBehind();
    await requestUpgrade(unconfigured.port, '/ws', page);
    const origin = /cors: \{ origin: '(.+?)' \}/.exec(app.log.of('warn')[0]!)![1]!;
    const { nginx } = await startBehind([], { cors: { origin } });
    expect((await requestUpgrade(nginx.port, '/ws', page)).status).toBe(101);
    await tls(nginx, { headers: page });
    await expect(plain(nginx, { origin: FOREIGN })).rejects.toThrow('403');
  });

  it('connects without it when nginx passes the Host header', async () => {
    const { nginx } = await startBehind(['proxy_set_header Host $http_host']);
    await plain(nginx, { origin: pageOf(nginx) });
    await tls(nginx, { origin: securePageOf(nginx) }); // TLS ends at nginx, and no header says so.
    await expect(plain(nginx, { origin: FOREIGN })).rejects.toThrow('403');
  });

  it('connects with $host, which has no port, on the default ports', async () => {
    const { nginx } = await startBehind(['proxy_set_header Host $host']);
    const headers = { Host: 'chat.example' };
    await plain(nginx, { origin: 'http://chat.example', headers });
    await tls(nginx, { origin: 'https://chat.example', headers });
    await expect(plain(nginx, { origin: pageOf(nginx) })).rejects.toThrow('403');
  });

  it('is refused with $host on another port, and the log contains the directive that fixes it', async () => {
    const line = 'proxy_set_header Host $host';
    const { app, nginx } = await startBehind([line]);
    await expect(plain(nginx, { origin: pageOf(nginx) })).rejects.toThrow('403');
    const [warning] = app.log.of('warn');
    const [, old, fix] = /replace "(.+?);" by "(.+?);"/.exec(warning!)!;
    expect(old).toBe(line);
    const { nginx: fixed } = await startBehind([fix!]);
    await plain(fixed, { origin: pageOf(fixed) });
    await expect(plain(fixed, { origin: FOREIGN })).rejects.toThrow('403');
  });

  it.each([[[]], [['proxy_set_header Host $host']]])(
    'connects with the option hosts, and %j',
    async (directives) => {
      const { nginx } = await startBehind(directives, { hosts: ['chat.example:8443', '*.chat.example'] });
      await plain(nginx, { origin: 'https://chat.example:8443' });
      await plain(nginx, { origin: 'https://a.chat.example' });
      await expect(plain(nginx, { origin: pageOf(nginx) })).rejects.toThrow('403');
    },
  );

  it('connects without it when the proxy is trusted and forwards the host', async () => {
    const { nginx } = await startBehind(FORWARDED, { trustProxy: 'loopback' });
    await plain(nginx, { origin: pageOf(nginx) });
    await tls(nginx, { origin: securePageOf(nginx) });
    for (const origin of [FOREIGN, securePageOf(nginx), 'null'])
      await expect(plain(nginx, { origin })).rejects.toThrow('403');
    // A page without TLS may not open a connection that was requested with TLS.
    await expect(tls(nginx, { origin: `http://127.0.0.1:${nginx.tlsPort}` })).rejects.toThrow('403');
  });

  it('cannot connect by sending those headers itself', async () => {
    const { nginx } = await startBehind(FORWARDED, { trustProxy: 'loopback' });
    const headers = { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' };
    await expect(plain(nginx, { origin: FOREIGN, headers })).rejects.toThrow('403');
    const { nginx: unknown } = await startBehind();
    await expect(plain(unknown, { origin: FOREIGN, headers })).rejects.toThrow('403');
  });
});

describeWithNginx('a client behind nginx', () => {
  const address = async (client: TestClient): Promise<unknown> => (await client.ask('address')).data;

  it('has its own address, and is secure if it uses TLS', async () => {
    const { nginx } = await startBehind(FORWARDED, { trustProxy: '127.0.0.1' });
    const localAddress = '127.0.0.9';
    expect(await address(await plain(nginx, { localAddress }))).toEqual({ ip: localAddress, secure: false });
    expect(await address(await tls(nginx, { localAddress }))).toEqual({ ip: localAddress, secure: true });
    const headers = { 'X-Forwarded-For': '203.0.113.66', 'X-Forwarded-Proto': 'https' };
    expect(await address(await plain(nginx, { localAddress, headers }))).toEqual({
      ip: localAddress,
      secure: false,
    });
  });

  it('has the address of nginx without trustProxy', async () => {
    const { app, nginx } = await startBehind(FORWARDED, { limits: { maxConnectionsPerAddress: 1 } });
    for (let client = 0; client < 3; client++)
      expect(await address(await tls(nginx))).toEqual({ ip: '127.0.0.1', secure: false });
    expect(app.log.of('warn')).toEqual([expect.stringContaining('option trustProxy')]);
  });

  it('is counted by its own address', async () => {
    const { nginx } = await startBehind(FORWARDED, {
      trustProxy: '127.0.0.1',
      limits: { maxConnectionsPerAddress: 1 },
    });
    const first = await plain(nginx, { localAddress: '127.0.0.9' });
    await expect(plain(nginx, { localAddress: '127.0.0.9' })).rejects.toThrow('429');
    await plain(nginx, { localAddress: '127.0.0.10' });
    first.ws.terminate();
    const canConnect = (): Promise<boolean> =>
      plain(nginx, { localAddress: '127.0.0.9' }).then(
        () => true,
        () => false,
      );
    await until('a free slot', canConnect);
  });

  it('exchanges large messages, close codes and refusals', async () => {
    const { app, nginx } = await startBehind();
    const gateway = app.nest.get(ChatGateway);
    for (const connect of [plain, tls]) {
      const client = await connect(nginx);
      const text = 'ä'.repeat(400_000);
      expect((await client.ask('echo', text)).data).toBe(text);
      client.send({ event: 'close' });
      expect(await client.ended()).toEqual({ code: 4321, reason: 'that was it' });
      const sender = await connect(nginx);
      sender.send({ event: 'echo', data: 'a'.repeat(1_100_000) });
      expect((await sender.ended()).code).toBe(1009);
    }
    const closing = await plain(nginx);
    closing.close(4000, 'going');
    expect((await closing.ended()).code).toBe(4000);
    const { status, body } = await requestUpgrade(nginx.port, '/elsewhere');
    expect([status, JSON.parse(body)]).toEqual([404, expect.objectContaining({ statusCode: 404 })]);
    await until('all disconnects', () => gateway.disconnectReasons.length === 5);
  });

  it('disconnects when its connection to nginx breaks, and is closed when the application closes', async () => {
    const { app, nginx } = await startBehind();
    const gateway = app.nest.get(ChatGateway);
    const [first, second] = [await tls(nginx), await tls(nginx)];
    first.ws.terminate();
    await until('one disconnect', () => gateway.disconnectReasons.length === 1);
    await app.nest.close();
    expect((await second.ended()).code).toBe(1001);
  });
});
