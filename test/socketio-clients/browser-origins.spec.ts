import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Page } from 'playwright-core';
import { Chromium, describeInBrowser } from '../browser/chromium.js';
import { goTo, OtherSite, Site } from './browser-page.js';
import { describeOurs, describeServers, startIoApp, type IoApp, type ServerName } from './fixture.js';
import { ChatGateway, TalkGateway } from './network-gateways.js';

const TRANSPORTS: [string, string[]][] = [
  ['websocket', ['websocket']],
  ['polling', ['polling']],
  ['upgraded', ['polling', 'websocket']],
];

describeInBrowser('socket.io-client on a page of another origin', () => {
  let chromium: Chromium | undefined;
  let site: OtherSite;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    chromium = await Chromium.launch();
    site = await OtherSite.start();
  });
  afterAll(async () => {
    site?.close();
    await chromium?.close();
  });
  beforeEach(async () => {
    errors.length = 0;
    page = await chromium!.open();
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    await goTo(page, site.origin);
    await page.evaluate('document.cookie = "session=abc"');
  });
  afterEach(() => page.context().close());

  /** Starts an application that allows this. */
  async function start(
    server: ServerName,
    cors?: { origin: string | string[]; credentials?: boolean },
  ): Promise<{ app: IoApp; talk: TalkGateway }> {
    const given = cors === undefined ? {} : { cors };
    const metadata = { controllers: [Site], providers: [TalkGateway, ChatGateway] };
    const app = await startIoApp(server, metadata, { reference: given, ours: given });
    return { app, talk: app.nest.get(TalkGateway) };
  }

  describeServers('is allowed by', (server) => {
    it.each(TRANSPORTS)('connects over %s with its cookies', async (name, transports) => {
      const { app } = await start(server, { origin: site.origin, credentials: true });
      const who = await page.evaluate(
        async ({ url, names, expected }) => {
          openSocket(url, { transports: names, withCredentials: true });
          await when(() => socket.connected && socket.io.engine.transport.name === expected);
          return (await socket.emitWithAck('who')) as unknown;
        },
        { url: app.url(''), names: transports, expected: name === 'polling' ? 'polling' : 'websocket' },
      );
      expect(who).toMatchObject({ cookie: 'session=abc' });
      expect(errors).toEqual([]);
    });

    it('connects over polling without cookies where they are not allowed', async () => {
      const { app, talk } = await start(server, { origin: ['https://other.example', site.origin] });
      const who = await page.evaluate(async (url) => {
        openSocket(url, { transports: ['polling'] });
        await nth('connect', 1);
        return (await socket.emitWithAck('who')) as unknown;
      }, app.url(''));
      expect(who).toMatchObject({ cookie: '' });
      expect(errors).toEqual([]);
      const error = await page.evaluate(async (url) => {
        socket.disconnect();
        openSocket(url, { transports: ['polling'], withCredentials: true });
        return (await nth('connect_error', 1)) as unknown;
      }, app.url(''));
      expect(error).toEqual(['xhr poll error']);
      expect(errors[0]).toContain("'Access-Control-Allow-Credentials'");
      expect(talk.connected).toHaveLength(1);
    });

    it('connects over polling with headers of its own, after a preflight', async () => {
      const { app } = await start(server, { origin: site.origin });
      let heard = '';
      (app.nest.getHttpServer() as Server).on('connection', (tcp: Socket) => {
        tcp.on('data', (chunk) => (heard += String(chunk)));
      });
      const answer = await page.evaluate(async (url) => {
        openSocket(url, { transports: ['polling'], extraHeaders: { 'X-Tenant': 'one' } });
        await nth('connect', 1);
        return [
          await socket.emitWithAck('echo', 1),
          await socket.emitWithAck('header', 'x-tenant'),
        ] as unknown;
      }, app.url(''));
      expect(answer).toEqual([1, 'one']);
      expect(errors).toEqual([]);
      expect(heard).toMatch(
        /^OPTIONS \/socket\.io\/.*\r\n(?:.+\r\n)*Access-Control-Request-Headers: x-tenant\r\n/m,
      );
    });
  });

  describeServers('is not allowed by', (server) => {
    it.each([undefined, { origin: 'https://other.example', credentials: true }])(
      'a polling server with cors %j',
      async (cors) => {
        const { app, talk } = await start(server, cors);
        const error = await page.evaluate(async (url) => {
          openSocket(url, { transports: ['polling'] });
          return (await nth('connect_error', 2)) as unknown;
        }, app.url(''));
        expect(error).toEqual(['xhr poll error']);
        expect(errors[0]).toMatch(/blocked by CORS policy/);
        expect(talk.connected).toEqual([]);
      },
    );

    it('a polling server, with headers of its own', async () => {
      const { app, talk } = await start(server, { origin: 'https://other.example' });
      const error = await page.evaluate(async (url) => {
        openSocket(url, { transports: ['polling'], extraHeaders: { 'X-Tenant': 'one' } });
        return (await nth('connect_error', 1)) as unknown;
      }, app.url(''));
      expect(error).toEqual(['xhr poll error']);
      expect(errors[0]).toMatch(/preflight|blocked by CORS policy/);
      expect(talk.connected).toEqual([]);
    });
  });

  // Socket.IO accepts a WebSocket of every origin
  describeOurs('is not allowed by our server', () => {
    it.each([undefined, { origin: 'https://other.example', credentials: true }])(
      'over websocket, with cors %j',
      async (cors) => {
        const { app, talk } = await start('ours', cors);
        const error = await page.evaluate(async (url) => {
          openSocket(url, { transports: ['websocket'] });
          return (await nth('connect_error', 2)) as unknown;
        }, app.url(''));
        expect(error).toEqual(['websocket error']);
        expect(talk.connected).toEqual([]);
      },
    );

    it('in polling requests that know the id of a session', async () => {
      const { app } = await start('ours');
      const handshake = await fetch(`${app.url('')}/socket.io/?EIO=4&transport=polling`);
      const { sid } = JSON.parse((await handshake.text()).slice(1)) as { sid: string };
      const path = `${app.url('')}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
      const outcomes = await page.evaluate(async (url) => {
        // a POST of plain text needs no preflight: only the server can refuse it
        const post = fetch(url, { method: 'POST', mode: 'no-cors', body: '40' });
        const get = fetch(url);
        const results = await Promise.allSettled([post, get]);
        return results.map(({ status }) => status);
      }, path);
      expect(outcomes).toEqual(['fulfilled', 'rejected']);
      expect(app.nest.get(TalkGateway).connected).toEqual([]);
      // the session itself is untouched
      const post = await fetch(path, { method: 'POST', body: '40' });
      expect([post.status, await post.text()]).toEqual([200, 'ok']);
      expect(await (await fetch(path)).text()).toMatch(/^40\{"sid":/);
    });
  });
});
