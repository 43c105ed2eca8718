import type { Type } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import type { Page } from 'playwright-core';
import type { ClientSocket } from '../../lib/client/index.js';
import { httpStreaming } from '../../lib/http-streaming/index.js';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { HttpProxy } from '../support/http-proxy.js';
import { until } from '../support/wait.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { pageSite } from './page-site.js';

/** Globals of the page. */
declare const socket: ClientSocket;
declare const events: string[];
declare const connectTo: (url: string, options?: object) => void;

const PAGE = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>A page without WebSockets</title>
<script type="module">
  import { connect, http } from '/page.js';
  window.events = [];
  window.connectTo = (url, { transports = ['websocket', http()], ...options } = {}) => {
    const socket = connect(url, { transports, reconnectionDelay: 20, reconnectionDelayMax: 100, ...options });
    socket.on('connect', ({ missed }) => events.push('connect ' + socket.transport + ' ' + missed));
    socket.on('disconnect', (reason) => events.push(reason));
    socket.on('connect_error', ({ status, willReconnect }) => events.push('error ' + status + ' ' + willReconnect));
    socket.on('said', (text) => events.push('said ' + text));
    window.socket = socket;
  };
  window.http = http;
  document.body.append('ready');
</script>
`;

@WebSocketGateway({ path: '/chat' })
class Chat {
  @WebSocketServer() server!: EnvelopeServer;
  readonly clients: EnvelopeSocket[] = [];
  readonly said: string[] = [];
  readonly ends: string[] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
    client.join('room');
  }
  handleDisconnect(_client: EnvelopeSocket, reason: string): void {
    this.ends.push(reason);
  }
  @SubscribeMessage('say')
  say(@MessageBody() text: string): void {
    this.said.push(text);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('who')
  who(@ConnectedSocket() client: EnvelopeSocket): unknown {
    const { headers } = client.handshake;
    return { origin: headers['origin'], cookie: headers['cookie'], auth: client.handshake.auth };
  }
}

describeInBrowser('the client over HTTP in Chromium', () => {
  let chromium: Chromium | undefined;
  const pages: Page[] = [];
  const problems: string[] = [];
  let Site: Type;
  beforeAll(async () => {
    Site = await pageSite(PAGE, 'test/browser/http-page.ts');
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.context().close()));
    expect(problems.splice(0)).toEqual([]);
  });

  async function start(adapter: EnvelopeOptions = {}): Promise<{ app: TestApp; chat: Chat }> {
    const app = await startApp(
      { controllers: [Site], providers: [Chat] },
      { adapter: { transports: [httpStreaming()], ...adapter } },
    );
    return { app, chat: app.nest.get(Chat) };
  }

  /** @param script runs in the page before everything else */
  async function openPage(port: number, script = ''): Promise<Page> {
    const page = await chromium!.open();
    pages.push(page);
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.addInitScript(script);
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.getByText('ready').waitFor();
    return page;
  }

  const connect = (page: Page, url: string, options: object = {}): Promise<unknown> =>
    page.evaluate(([address, given]) => connectTo(address as string, given as object), [
      url,
      options,
    ] as const);
  const seen = (page: Page): Promise<string[]> => page.evaluate(() => events);
  const untilSeen = (page: Page, event: string, count = 1): Promise<void> =>
    until(
      `"${event}" in the page`,
      async () => (await seen(page)).filter((one) => one === event).length >= count,
    );

  it.each([
    ['is missing', 'delete window.WebSocket; window.WebSocket = undefined'],
    ['throws', 'window.WebSocket = class { constructor() { throw new Error("blocked"); } }'],
    [
      'always fails',
      'const Real = WebSocket; window.WebSocket = class extends Real { constructor() { super("ws://127.0.0.1:1/"); } }',
    ],
  ])('works where the WebSocket of the page %s', async (_what, script) => {
    const { app, chat } = await start();
    const page = await openPage(app.port, script);
    await connect(page, '/chat', { auth: { token: 'tök€n' } });
    await untilSeen(page, 'connect http false');
    expect(await page.evaluate(() => socket.emitWithAck('who'))).toEqual({
      origin: `http://127.0.0.1:${app.port}`,
      auth: { token: 'tök€n' },
    });
    const large = 'ä𝄞\u2028'.repeat(50_000);
    expect(await page.evaluate((text) => socket.emitWithAck('echo', text), large)).toBe(large);
    for (let i = 1; i <= 10; i++) {
      chat.server.to('room').emit('said', i);
      await untilSeen(page, `said ${i}`);
    }
    await page.evaluate(() => [1, 2, 3].forEach((n) => socket.emit('say', n)));
    await until('the messages', () => chat.said.length === 3);
    await page.evaluate(() => socket.disconnect());
    await until('the goodbye', () => chat.ends.length === 1);
    expect([chat.said, chat.ends]).toEqual([[1, 2, 3], ['client namespace disconnect']]);
  });

  it('works behind a proxy that removes Upgrade and cuts responses', async () => {
    const { app, chat } = await start();
    const proxy = await HttpProxy.start(app.port, { maxTime: 200 });
    const page = await openPage(proxy.port);
    proxy.requests.length = 0;
    await connect(page, '/chat');
    await untilSeen(page, 'connect http false');
    for (let i = 1; proxy.cuts < 4; i++) {
      chat.server.to('room').emit('said', i);
      await untilSeen(page, `said ${i}`);
    }
    const got = await seen(page);
    expect(got).toEqual(['connect http false', ...got.slice(1).map((_, i) => `said ${i + 1}`)]);
    expect(proxy.requests.slice(0, 2)).toEqual(['/chat', '/chat?envelope=open']);

    // the page remembers that no WebSocket opens
    await page.evaluate(() => socket.disconnect().connect());
    await untilSeen(page, 'connect http true');
    expect(proxy.requests.filter((target) => target === '/chat')).toHaveLength(1);
  });

  it('learns why it is refused, which a WebSocket of a browser does not tell', async () => {
    const { app } = await start({
      allowRequest: (_request, decide) => decide('no', false),
    } as EnvelopeOptions);
    const page = await openPage(app.port);
    await connect(page, '/chat');
    await until('the refusal', async () => (await seen(page)).length > 0);
    expect(await seen(page)).toEqual(['error 403 false']);
  });

  it('closes its connection when the page is left', async () => {
    // without a goodbye, the server waits for another response for that long
    const { app, chat } = await start({ pingTimeout: 60_000 });
    const page = await openPage(app.port, 'window.WebSocket = undefined');
    await connect(page, '/chat');
    await untilSeen(page, 'connect http false');
    await page.goto('about:blank');
    await until('the end', () => chat.ends.length === 1);
  });

  it('connects to another origin that allows it, and to no other', async () => {
    const site = await start();
    const page = await openPage(site.app.port);
    const origin = `http://127.0.0.1:${site.app.port}`;
    const { app } = await start({ cors: { origin, credentials: true } });
    await page.context().addCookies([{ name: 'sid', value: 'one', url: `http://127.0.0.1:${app.port}` }]);
    await page.evaluate((url) => {
      const { http } = globalThis as unknown as { http: (options: object) => unknown };
      connectTo(url, { transports: [http({ credentials: 'include' })] });
    }, app.url('/chat'));
    await untilSeen(page, 'connect http false');
    expect(await page.evaluate(() => socket.emitWithAck('who'))).toEqual({
      origin,
      cookie: 'sid=one',
      auth: {},
    });
    await page.evaluate(() => socket.disconnect());

    const closed = await start();
    await connect(page, closed.app.url('/chat'));
    await until('the failure', async () => (await seen(page)).some((event) => event.startsWith('error')));
    expect(closed.chat.clients).toEqual([]);
  });
});
