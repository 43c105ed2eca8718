import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { TestClient, type ConnectOptions } from '../support/client.js';
import { describeBehindNginx, Nginx } from '../support/nginx.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { askForUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  readonly left: string[] = [];

  handleDisconnect(_client: EnvelopeSocket, reason: string): void {
    this.left.push(reason);
  }
  @SubscribeMessage('who')
  who(@ConnectedSocket() client: EnvelopeSocket): unknown {
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

/** The `location`'s lines, as nginx's and our own README have them. */
const FORWARDED = [
  'proxy_set_header X-Forwarded-Host $http_host',
  'proxy_set_header X-Forwarded-Proto $scheme',
  'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for',
];

/** An application with this nginx in front of it. */
async function startBehind(
  lines: readonly string[] = [],
  adapter: EnvelopeOptions = {},
): Promise<{ app: TestApp; nginx: Nginx }> {
  const app = await startApp({ providers: [ChatGateway] }, { adapter });
  return { app, nginx: await Nginx.start(app.port, lines) };
}

const clients: TestClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.ws.terminate();
});

/** Opens a line through nginx. */
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

describeBehindNginx('a page behind nginx', () => {
  it('is refused with its default Host, and the log has both values and the lines that let it in', async () => {
    const { app, nginx } = await startBehind();
    const { status, body } = await askForUpgrade(nginx.port, '/ws', { Origin: pageOf(nginx) });
    expect([status, body]).toEqual([403, expect.not.stringContaining('127.0.0.1')]);
    const [line] = app.log.of('warn');
    expect(line).toContain(`The origin ${pageOf(nginx)} may not connect to 127.0.0.1:${app.port}. `);
    expect(line).toContain(`cors: { origin: '${pageOf(nginx)}' }`);
    expect(line).toContain('In nginx, add "proxy_set_header Host $http_host;"');
    expect(line).toContain('trustProxy');
    await expect(tls(nginx, { origin: securePageOf(nginx) })).rejects.toThrow('403');
    await plain(nginx); // who names no origin is no page
  });

  it('gets in with that line, over TLS too', async () => {
    const page = { Host: 'chat.example', Origin: 'https://chat.example' };
    const { app, nginx: shut } = await startBehind();
    await askForUpgrade(shut.port, '/ws', page);
    const origin = /cors: \{ origin: '(.+?)' \}/.exec(app.log.of('warn')[0]!)![1]!;
    const { nginx } = await startBehind([], { cors: { origin } });
    expect((await askForUpgrade(nginx.port, '/ws', page)).status).toBe(101);
    await tls(nginx, { headers: page });
    await expect(plain(nginx, { origin: FOREIGN })).rejects.toThrow('403');
  });

  it('gets in without it where nginx passes the Host on', async () => {
    const { nginx } = await startBehind(['proxy_set_header Host $http_host']);
    await plain(nginx, { origin: pageOf(nginx) });
    await tls(nginx, { origin: securePageOf(nginx) }); // TLS ends at nginx, and nobody says so
    await expect(plain(nginx, { origin: FOREIGN })).rejects.toThrow('403');
  });

  it('gets in with $host, which has no port, on the default ports', async () => {
    const { nginx } = await startBehind(['proxy_set_header Host $host']);
    const headers = { Host: 'chat.example' };
    await plain(nginx, { origin: 'http://chat.example', headers });
    await tls(nginx, { origin: 'https://chat.example', headers });
    await expect(plain(nginx, { origin: pageOf(nginx) })).rejects.toThrow('403');
  });

  it('is refused with $host on another port, and the log has the line that lets it in', async () => {
    const line = 'proxy_set_header Host $host';
    const { app, nginx } = await startBehind([line]);
    await expect(plain(nginx, { origin: pageOf(nginx) })).rejects.toThrow('403');
    const [told] = app.log.of('warn');
    const [, old, cure] = /replace "(.+?);" by "(.+?);"/.exec(told!)!;
    expect(old).toBe(line);
    const { nginx: mended } = await startBehind([cure!]);
    await plain(mended, { origin: pageOf(mended) });
    await expect(plain(mended, { origin: FOREIGN })).rejects.toThrow('403');
  });

  it.each([[[]], [['proxy_set_header Host $host']]])(
    'gets in with the option hosts, and %j',
    async (lines) => {
      const { nginx } = await startBehind(lines, { hosts: ['chat.example:8443', '*.chat.example'] });
      await plain(nginx, { origin: 'https://chat.example:8443' });
      await plain(nginx, { origin: 'https://a.chat.example' });
      await expect(plain(nginx, { origin: pageOf(nginx) })).rejects.toThrow('403');
    },
  );

  it('gets in without it where the proxy is trusted and names the host', async () => {
    const { nginx } = await startBehind(FORWARDED, { trustProxy: 'loopback' });
    await plain(nginx, { origin: pageOf(nginx) });
    await tls(nginx, { origin: securePageOf(nginx) });
    for (const origin of [FOREIGN, securePageOf(nginx), 'null'])
      await expect(plain(nginx, { origin })).rejects.toThrow('403');
    // a page without TLS may not open what was asked for with it
    await expect(tls(nginx, { origin: `http://127.0.0.1:${nginx.tlsPort}` })).rejects.toThrow('403');
  });

  it('is not let in by headers of its own', async () => {
    const { nginx } = await startBehind(FORWARDED, { trustProxy: 'loopback' });
    const headers = { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' };
    await expect(plain(nginx, { origin: FOREIGN, headers })).rejects.toThrow('403');
    const { nginx: unknown } = await startBehind();
    await expect(plain(unknown, { origin: FOREIGN, headers })).rejects.toThrow('403');
  });
});

describeBehindNginx('a client behind nginx', () => {
  const who = async (client: TestClient): Promise<unknown> => (await client.ask('who')).data;

  it('has its own address, and TLS where it spoke it', async () => {
    const { nginx } = await startBehind(FORWARDED, { trustProxy: '127.0.0.1' });
    const localAddress = '127.0.0.9';
    expect(await who(await plain(nginx, { localAddress }))).toEqual({ ip: localAddress, secure: false });
    expect(await who(await tls(nginx, { localAddress }))).toEqual({ ip: localAddress, secure: true });
    const headers = { 'X-Forwarded-For': '203.0.113.66', 'X-Forwarded-Proto': 'https' };
    expect(await who(await plain(nginx, { localAddress, headers }))).toEqual({
      ip: localAddress,
      secure: false,
    });
  });

  it('has the address of nginx where nobody named the proxy', async () => {
    const { app, nginx } = await startBehind(FORWARDED, { limits: { maxConnectionsPerAddress: 1 } });
    for (let client = 0; client < 3; client++)
      expect(await who(await tls(nginx))).toEqual({ ip: '127.0.0.1', secure: false });
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
    const enters = (): Promise<boolean> =>
      plain(nginx, { localAddress: '127.0.0.9' }).then(
        () => true,
        () => false,
      );
    await until('the place is free', enters);
  });

  it('gets large messages, answers, close codes and refusals through', async () => {
    const { app, nginx } = await startBehind();
    const gateway = app.nest.get(ChatGateway);
    for (const connect of [plain, tls]) {
      const client = await connect(nginx);
      const text = 'ä'.repeat(400_000);
      expect((await client.ask('echo', text)).data).toBe(text);
      client.send({ event: 'close' });
      expect(await client.ended()).toEqual({ code: 4321, reason: 'that was it' });
      const greedy = await connect(nginx);
      greedy.send({ event: 'echo', data: 'a'.repeat(1_100_000) });
      expect((await greedy.ended()).code).toBe(1009);
    }
    const going = await plain(nginx);
    going.close(4000, 'going');
    expect((await going.ended()).code).toBe(4000);
    const { status, body } = await askForUpgrade(nginx.port, '/elsewhere');
    expect([status, JSON.parse(body)]).toEqual([404, expect.objectContaining({ statusCode: 404 })]);
    await until('all have left', () => gateway.left.length === 5);
  });

  it('is gone when its line to nginx breaks, and told when the application closes', async () => {
    const { app, nginx } = await startBehind();
    const gateway = app.nest.get(ChatGateway);
    const [gone, staying] = [await tls(nginx), await tls(nginx)];
    gone.ws.terminate();
    await until('one has left', () => gateway.left.length === 1);
    await app.nest.close();
    expect((await staying.ended()).code).toBe(1001);
  });
});
