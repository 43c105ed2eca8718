import type { Page } from 'playwright-core';
import { Chromium, describeInBrowser } from '../browser/chromium.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { until } from '../support/wait.js';
import { goTo, Site } from './browser-page.js';
import { describeServers, startIoApp, type IoApp, type IoAppOptions, type ServerName } from './fixture.js';
import { ChatGateway, TalkGateway } from './network-gateways.js';

const TRANSPORTS: [string, string[]][] = [
  ['websocket', ['websocket']],
  ['polling', ['polling']],
  ['upgraded', ['polling', 'websocket']],
];
/**
 * Milliseconds. Both sides notice silence soon. The server needs it also where the network is cut between two polls: there
 * was no connection that could break. A browser on a busy machine may answer a ping seconds later.
 */
const SHORT_PINGS = { pingInterval: 1_000, pingTimeout: 4_000 };

describeInBrowser('socket.io-client in Chromium', () => {
  let chromium: Chromium | undefined;
  let pages: Page[] = [];
  let networks: FaultyNetwork[] = [];
  const problems: string[] = [];

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());
  afterEach(async () => {
    await Promise.all(pages.map((page) => page.context().close()));
    for (const network of networks) network.close();
    [pages, networks] = [[], []];
    expect(problems.splice(0)).toEqual([]);
  });

  const start = (server: ServerName, options?: IoAppOptions): Promise<IoApp> =>
    startIoApp(server, { controllers: [Site], providers: [TalkGateway, ChatGateway] }, options);

  async function openPage(port: number): Promise<Page> {
    const page = await chromium!.open();
    pages.push(page);
    page.on('pageerror', (error) => problems.push(error.message));
    await goTo(page, `http://127.0.0.1:${port}`);
    return page;
  }

  describeServers('on a bad network, server', (server) => {
    describe.each(TRANSPORTS)('over %s', (name, transports) => {
      const expected = name === 'polling' ? 'polling' : 'websocket';

      /** Opens the page of a new application behind a network that can fail. It connects. */
      async function connect(): Promise<{
        page: Page;
        talk: TalkGateway;
        network: FaultyNetwork;
      }> {
        const app = await start(server, { reference: SHORT_PINGS, ours: SHORT_PINGS });
        const network = await FaultyNetwork.to(app.port);
        networks.push(network);
        const page = await openPage(network.port);
        await page.evaluate(
          async ({ names, transport }) => {
            openSocket('/', { transports: names });
            await when(() => socket.connected && socket.io.engine.transport.name === transport);
            socket.emit('tell', 'before');
            await socket.emitWithAck('join', 'room');
          },
          { names: transports, transport: expected },
        );
        return { page, talk: app.nest.get(TalkGateway), network };
      }

      it('reconnects when the network is back, and sends each message once', async () => {
        const { page, talk, network } = await connect();
        network.isRefusing = true;
        network.cut();
        await page.evaluate(async () => {
          await nth('disconnect', 1);
          for (const text of ['one', 'two']) socket.emit('tell', text);
          await nth('connect_error', 2);
        });
        await until('the disconnect', () => talk.disconnected.length === 1);
        talk.server.to('room').emit('said', 'nobody is there');
        network.isRefusing = false;
        const got = await page.evaluate(async (transport) => {
          await nth('connect', 2);
          await when(() => socket.io.engine.transport.name === transport);
          socket.emit('tell', 'after');
          await socket.emitWithAck('echo', 1);
          return received;
        }, expected);
        expect(talk.told).toEqual(['before', 'one', 'two', 'after']);
        expect(got).toEqual([]);
        expect(talk.connected).toHaveLength(2);
      });

      it('notices silence and reconnects', async () => {
        const { page, talk, network } = await connect();
        network.stall();
        const reason = await page.evaluate(async () => {
          const reasons = await nth('disconnect', 1);
          socket.emit('tell', 'kept');
          return reasons;
        });
        expect(reason).toEqual(['ping timeout']);
        network.resume();
        await page.evaluate(async () => {
          await nth('connect', 2);
          await socket.emitWithAck('echo', 1);
        });
        expect(talk.told).toEqual(['before', 'kept']);
        await until('the disconnect', () => talk.disconnected.length === 1);
      });
    });
  });

  describeWithNginx('behind a proxy that forbids upgrades', () => {
    describeServers('server', (server) => {
      it.each([
        { transports: ['polling', 'websocket'] },
        { transports: ['websocket', 'polling'], tryAllTransports: true },
      ])('works over polling with %j', async (options) => {
        const app = await start(server, {
          // nginx sends another Host: our server would take the page for one of another origin
          ours: { cors: { origin: /^http:\/\/127\.0\.0\.1:\d+$/ } },
        });
        const { port } = await Nginx.startWithoutUpgrades(app.port);
        const page = await openPage(port);
        const got = await page.evaluate(async (given) => {
          openSocket('/', { ...given, autoConnect: false });
          const failed = new Promise<string>((resolve) => {
            if (given.tryAllTransports) resolve('tried');
            else socket.io.on('open', () => socket.io.engine.on('upgradeError', () => resolve('tried')));
          });
          socket.connect();
          await nth('connect', 1);
          return pack({
            upgrade: await failed,
            transport: socket.io.engine.transport.name,
            bytes: await socket.emitWithAck('echo', new Uint8Array([1, 2])),
            long: ((await socket.emitWithAck('echo', 'x'.repeat(500_000))) as string).length,
          }) as unknown;
        }, options);
        expect(got).toEqual({
          upgrade: 'tried',
          transport: 'polling',
          bytes: { bytes: [1, 2] },
          long: 500_000,
        });
      });
    });
  });
});
