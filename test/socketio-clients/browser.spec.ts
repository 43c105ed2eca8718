import type { Page } from 'playwright-core';
import { Chromium, describeInBrowser } from '../browser/chromium.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { goTo, Site } from './browser-page.js';
import { describeOurs, describeServers, startIoApp, type IoApp, type ServerName } from './fixture.js';
import { ChatGateway, TalkGateway } from './network-gateways.js';

/** Messages that the browser writes to its console when a server is unreachable. */
const CONNECTION_ERROR =
  /^WebSocket connection to .* failed: |^Failed to load resource: (net::ERR_|the server responded with a status of)/;

const TRANSPORTS: [string, string[]][] = [
  ['websocket', ['websocket']],
  ['polling', ['polling']],
  ['upgraded', ['polling', 'websocket']],
];
const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

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

  const start = (server: ServerName): Promise<IoApp> =>
    startIoApp(server, { controllers: [Site], providers: [TalkGateway, ChatGateway] });

  /** Opens the page of the application. */
  async function openPage(origin: string): Promise<Page> {
    const page = await chromium!.open();
    pages.push(page);
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      const isProblem = message.type() === 'error' || message.type() === 'warning';
      if (isProblem && !CONNECTION_ERROR.test(message.text())) problems.push(message.text());
    });
    await goTo(page, origin);
    return page;
  }

  describeServers('talks to', (server) => {
    describe.each(TRANSPORTS)('over %s', (name, transports) => {
      const transport = name === 'polling' ? 'polling' : 'websocket';

      /** Opens the page of a new application, which connects. */
      async function connectPage(): Promise<{ page: Page; app: IoApp; talk: TalkGateway }> {
        const app = await start(server);
        const page = await openPage(app.url(''));
        await page.evaluate(async (names) => {
          openSocket('/', { transports: names, auth: { token: 'tökén' } });
          await nth('connect', 1);
        }, transports);
        return { page, app, talk: app.nest.get(TalkGateway) };
      }

      it('connects with auth, by its id and transport', async () => {
        const { page, talk } = await connectPage();
        const id = await page.evaluate(async (expected) => {
          await when(() => socket.io.engine.transport.name === expected);
          return socket.id;
        }, transport);
        await until('the transport', () => talk.connected[0]!.conn.transport.name === transport);
        expect(await page.evaluate(() => socket.emitWithAck('who'))).toEqual({
          id,
          auth: { token: 'tökén' },
          transport,
          cookie: '',
        });
      });

      it('exchanges several arguments and bytes, in acknowledgements, events and broadcasts', async () => {
        const { page } = await connectPage();
        const got = await page.evaluate(async (list) => {
          const bytes = new Uint8Array(list);
          return pack({
            reversed: await socket.emitWithAck('reverse', { bytes: bytes.buffer }),
            several: await socket.emitWithAck('several', 1, [2], { view: bytes.subarray(3, 5) }, 'äöü 😀'),
            blob: await socket.emitWithAck('echo', new Blob(['abc'])),
            join: await socket.emitWithAck('join', 'room'),
            said: await socket.emitWithAck('say', 'room', bytes, 'end'),
            asked: await socket.emitWithAck('ask me', 'how?'),
            long: (await socket.emitWithAck('echo', new Uint8Array(500_000).fill(7))).byteLength,
            received,
          }) as unknown;
        }, BYTES);
        expect(got).toEqual({
          reversed: { isBuffer: true, deep: [{ reversed: { bytes: [...BYTES].reverse() } }] },
          several: { args: [1, [2], { view: { bytes: [3, 4] } }, 'äöü 😀'] },
          blob: { bytes: [97, 98, 99] },
          join: 'joined',
          said: 'said',
          asked: { answer: ['heard', 'how?'] },
          long: 500_000,
          received: [
            ['heard', 1, [2], { view: { bytes: [3, 4] } }, 'äöü 😀'],
            ['said', { bytes: BYTES }, 'end'],
            ['question', 'how?', null],
          ],
        });
      });

      it('joins another namespace over the same connection', async () => {
        const { page, app } = await connectPage();
        const got = await page.evaluate(async () => {
          const other = socket.io.socket('/chat');
          await new Promise<void>((resolve) => other.on('connect', resolve));
          const where: unknown = await other.emitWithAck('where');
          other.disconnect();
          return {
            where,
            id: other.id ?? null,
            isConnected: socket.connected,
            who: await socket.emitWithAck('who'),
          };
        });
        const { id } = app.nest.get(ChatGateway).connected[0]!;
        expect(got).toMatchObject({ where: { name: '/chat', id }, id: null, isConnected: true });
      });

      it('reconnects after the restart of the server, and sends what was emitted meanwhile once', async () => {
        const app = await start(server);
        const network = await FaultyNetwork.to(app.port);
        networks.push(network);
        const page = await openPage(`http://127.0.0.1:${network.port}`);
        const first = await page.evaluate(async (names) => {
          openSocket('/', { transports: names });
          await nth('connect', 1);
          socket.emit('tell', 'before');
          await socket.emitWithAck('echo', 1);
          return socket.id;
        }, transports);
        network.isRefusing = true;
        await app.close();
        await page.evaluate(async () => {
          await nth('disconnect', 1);
          socket.emit('tell', 'meanwhile');
          await nth('connect_error', 1);
        });
        const again = await start(server);
        network.target = again.port;
        network.isRefusing = false;
        const second = await page.evaluate(async () => {
          await nth('connect', 2);
          socket.emit('tell', 'after');
          await socket.emitWithAck('echo', 2);
          return socket.id;
        });
        expect(second).not.toBe(first);
        expect(app.nest.get(TalkGateway).told).toEqual(['before']);
        expect(again.nest.get(TalkGateway).told).toEqual(['meanwhile', 'after']);
        expect(await page.evaluate(() => happened.filter(([event]) => event === 'connect').length)).toBe(2);
      });

      it('is gone for the server when its tab closes', async () => {
        const { page, talk } = await connectPage();
        await page.evaluate(() => socket.emitWithAck('echo', 1));
        await page.close({ runBeforeUnload: true });
        // over polling the browser says nothing: the server notices by the aborted request
        await until('the disconnect', () => talk.disconnected.length === 1);
      });
    });
  });

  describeOurs('shares a room with a page that uses a bare WebSocket', () => {
    it.each(TRANSPORTS)('over %s', async (_name, transports) => {
      const app = await start('ours');
      const [page, bare] = [await openPage(app.url('')), await openPage(app.url(''))];
      await page.evaluate(async (names) => {
        openSocket('/', { transports: names });
        await socket.emitWithAck('join', 'room');
      }, transports);
      await bare.evaluate(async () => {
        const ws = new WebSocket(`ws://${location.host}/`);
        const frames: Record<string, unknown>[] = [];
        ws.onmessage = ({ data }) => frames.push(JSON.parse(String(data)) as Record<string, unknown>);
        await new Promise((resolve) => (ws.onopen = resolve));
        ws.send(JSON.stringify({ event: 'join', data: 'room', id: 1 }));
        await when(() => frames.some(({ ack }) => ack === 1));
        Object.assign(globalThis, { ws, frames });
      });
      await page.evaluate(() => socket.emitWithAck('say', 'room', 'from Socket.IO', { deep: [2] }));
      const frames = await bare.evaluate(async () => {
        const { ws, frames: all } = globalThis as unknown as {
          ws: WebSocket;
          frames: { event: string; data: unknown }[];
        };
        const said = (): { event: string; data: unknown }[] => all.filter(({ event }) => event === 'said');
        await when(() => said().length === 1);
        ws.send(JSON.stringify({ event: 'say', data: ['room', 'from a WebSocket'] }));
        await when(() => said().length === 2);
        return said().map(({ data }) => data);
      });
      expect(frames).toEqual([['from Socket.IO', { deep: [2] }], 'from a WebSocket']);
      const got = await page.evaluate(async () => {
        await when(() => received.length === 2);
        return received;
      });
      expect(got).toEqual([
        ['said', 'from Socket.IO', { deep: [2] }],
        ['said', 'from a WebSocket'],
      ]);
    });
  });
});
