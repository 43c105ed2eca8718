import { join } from 'node:path';
import { jest } from '@jest/globals';
import { Controller, Get, Header } from '@nestjs/common';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import type { ClientOptions, ClientSocket } from '../../lib/client/index.js';
import {
  GuardedGateway,
  TestGateway,
  TokenGuard,
  type FromClient,
  type FromServer,
} from '../client/fixture-gateway.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** What the page has of its own. */
declare const socket: ClientSocket<FromServer, FromClient>;
declare const told: unknown[][];
declare const heard: string[];
declare const navigator: { onLine: boolean };
declare function open(path: string, options?: ClientOptions): void;
declare function happened(name: string, count: number): Promise<unknown[]>;

/** What the browser itself writes to its console where a line breaks, or nobody listens. */
const BREAKS =
  /^WebSocket connection to .* failed: |^Failed to load resource: net::ERR_INTERNET_DISCONNECTED/;

const PAGE = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>A page with a client</title>
<script type="module">
  import { connect } from '/client.js';
  window.told = [];
  window.heard = [];
  window.open = (path, options) => {
    window.socket = connect(path, { reconnectionDelay: 20, reconnectionDelayMax: 100, ...options });
    for (const name of ['connect', 'disconnect', 'connect_error'])
      socket.on(name, (...args) => told.push([name, ...args]));
    socket.on('said', (text) => heard.push(text));
    socket.on('question', async (question) => question + ' well');
  };
  window.happened = async (name, count) => {
    const all = () => told.filter(([event]) => event === name);
    while (all().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    return all()[count - 1].slice(1);
  };
  document.body.append('ready');
</script>
`;

let bundle = '';

@Controller()
class Site {
  @Get('/')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }

  @Get('/client.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  client(): string {
    return bundle;
  }
}

// a browser on a busy machine takes its time
jest.setTimeout(60_000);

describeInBrowser('the client in Chromium', () => {
  let chromium: Chromium | undefined;
  let pages: Page[] = [];
  let lines: FaultyNetwork[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    const built = await build({
      entryPoints: [join(process.cwd(), 'lib/client/index.ts')],
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      write: false,
    });
    bundle = built.outputFiles[0]!.text;
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  afterEach(async () => {
    await Promise.all(pages.map((page) => page.context().close()));
    for (const line of lines) line.close();
    [pages, lines] = [[], []];
    expect(complaints.splice(0)).toEqual([]);
  });

  /** A page with the client, in front of a network that can fail. */
  async function visit(
    options?: AppOptions,
  ): Promise<{ page: Page; app: TestApp; talk: TestGateway; line: FaultyNetwork }> {
    const app = await startApp({ controllers: [Site], providers: [TestGateway, GuardedGateway] }, options);
    const line = await FaultyNetwork.to(app.port);
    lines.push(line);
    const page = await chromium!.open();
    pages.push(page);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      const isComplaint = message.type() === 'error' || message.type() === 'warning';
      if (isComplaint && !BREAKS.test(message.text())) complaints.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${line.port}/`);
    await page.getByText('ready').waitFor();
    return { page, app, talk: app.nest.get(TestGateway), line };
  }

  it('talks: emits, asks, reads streams, is asked', async () => {
    const { page, talk } = await visit();
    const got = await page.evaluate(async () => {
      open('/talk');
      socket.emit('say', 'hello');
      const sum = await socket.emitWithAck('sum', [1, 2]);
      const refused = await socket
        .emitWithAck('refuse')
        .catch((error: Error) => `${error.name}: ${error.message}`);
      const ticks: number[] = [];
      for await (const tick of socket.stream('ticks', 3)) ticks.push(tick);
      let last = 0;
      for await (const tick of socket.stream('forever')) if ((last = tick) === 2) break;
      const asked = await socket.emitWithAck('ask', 'how?');
      return { sum, refused, ticks, last, asked, id: socket.id, state: socket.state };
    });
    expect(got).toEqual({
      sum: 3,
      refused: 'RequestError: not today',
      ticks: [0, 1, 2],
      last: 2,
      asked: 'how? well',
      id: talk.last.id,
      state: 'open',
    });
    expect(talk.said).toEqual(['hello']);
    await until('the end of the source', () => talk.readers === 0);
    talk.server.emit('said', 'äöü 😀');
    await page.evaluate(() => socket.emitWithAck('sum', []));
    expect(await page.evaluate(() => heard)).toEqual(['äöü 😀']);
  });

  it('shows its token beside the protocol, and stays away where that is refused', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('tökén', { id: 'ada' });
    const { page } = await visit();
    const who = await page.evaluate(() => {
      open('/guarded', { auth: () => Promise.resolve('tökén') });
      return socket.emitWithAck('whoami');
    });
    expect(who).toEqual({ id: 'ada' });
    // a browser does not tell why: the client tries again
    const error = await page.evaluate(async () => {
      socket.disconnect();
      open('/guarded', { auth: { token: 'forged' } });
      const [refused] = (await happened('connect_error', 2)) as [{ status?: number; willReconnect: boolean }];
      return { status: refused.status ?? null, willReconnect: refused.willReconnect };
    });
    expect(error).toEqual({ status: null, willReconnect: true });
  });

  it('comes back to its session when the line is cut, and misses nothing', async () => {
    const { page, talk, line } = await visit({ adapter: { recovery: true } });
    await page.evaluate(async () => {
      open('/talk');
      await happened('connect', 1);
    });
    const { id } = talk.last;
    talk.server.emit('said', 'before');
    await page.waitForFunction(() => heard.length === 1);
    line.isRefusing = true;
    line.cut();
    await page.evaluate(() => happened('connect_error', 1));
    talk.server.emit('said', 'meanwhile');
    const sum = page.evaluate(() => socket.emitWithAck('sum', [3, 4]));
    await page.waitForFunction(() => socket.state === 'waiting');
    line.isRefusing = false;
    expect(await sum).toBe(7);
    const now = await page.evaluate(() => [heard, socket.id, socket.recovered, told.at(-1)]);
    expect(now).toEqual([['before', 'meanwhile'], id, true, ['connect', { missed: false }]]);
  });

  it('knows why the server closed the line', async () => {
    const { page, talk } = await visit();
    await page.evaluate(async () => {
      open('/talk');
      await happened('connect', 1);
    });
    talk.last.ws.close(1012, 'restart');
    const back = await page.evaluate(async () => [
      await happened('disconnect', 1),
      await happened('connect', 2),
    ]);
    expect(back).toEqual([
      ['transport close', { code: 1012, reason: 'restart', willReconnect: true }],
      [{ missed: true }],
    ]);
    talk.last.ws.close(4000, 'enough');
    expect(await page.evaluate(() => happened('disconnect', 2))).toEqual([
      'io server disconnect',
      { code: 4000, reason: 'enough', willReconnect: false },
    ]);
    expect(await page.evaluate(() => socket.state)).toBe('closed');
  });

  it('says goodbye; a tab that is closed only goes away', async () => {
    const { page, talk } = await visit();
    await page.evaluate(async () => {
      open('/talk');
      await happened('connect', 1);
      socket.disconnect().connect();
      await happened('connect', 2);
    });
    const [first, second] = talk.clients;
    await until('the goodbye', () => first!.closed !== undefined);
    expect(first!.closed).toMatchObject({ code: 1000, initiator: 'client' });
    await page.close();
    await until('the end of the tab', () => second!.closed !== undefined);
    expect([1001, 1006]).toContain(second!.closed!.code);
  });

  it('notices that the network stands still, by asking', async () => {
    const { page, talk, line } = await visit();
    await page.evaluate(async () => {
      open('/talk', { pingInterval: 200, pingTimeout: 200, connectTimeout: 500 });
      await happened('connect', 1);
    });
    line.stall();
    const failed = await page.evaluate(() =>
      socket.emitWithAck('sum', [1]).catch((error: Error) => error.name),
    );
    expect(failed).toBe('DisconnectedError');
    expect(await page.evaluate(() => happened('disconnect', 1))).toMatchObject([
      'ping timeout',
      { code: 4408 },
    ]);
    await page.evaluate(() => [socket.emit('say', 'one'), socket.emit('say', 'two')]);
    line.resume();
    await page.evaluate(() => happened('connect', 2));
    expect(await page.evaluate(() => socket.emitWithAck('sum', [2]))).toBe(2);
    expect(talk.said).toEqual(['one', 'two']);
  });

  it('comes back at once when the device has a network again', async () => {
    const { page, talk, line } = await visit();
    await page.evaluate(async () => {
      open('/talk', { reconnectionDelay: 600_000, reconnectionDelayMax: 600_000 });
      await happened('connect', 1);
    });
    await page.context().setOffline(true);
    line.cut();
    await page.evaluate(() => happened('disconnect', 1));
    expect(await page.evaluate(() => [navigator.onLine, socket.emit('say', 'kept')])).toEqual([false, true]);
    // tries in vain, and waits for minutes
    await page.evaluate(() => (socket.connect(), happened('connect_error', 1)));
    expect(await page.evaluate(() => socket.state)).toBe('waiting');
    await page.context().setOffline(false);
    expect(await page.evaluate(() => happened('connect', 2))).toEqual([{ missed: true }]);
    await page.evaluate(() => socket.emitWithAck('sum', []));
    expect(talk.said).toEqual(['kept']);
  });
});
