import { join } from 'node:path';
import { Controller, Get, Header } from '@nestjs/common';
import type { Page } from 'playwright-core';
import { bundleClient } from '../../scripts/client-bundle.js';
import type { ClientOptions, ClientSocket, Subscription } from '../../lib/client/index.js';
import {
  GuardedGateway,
  TestGateway,
  TokenGuard,
  type FromClient,
  type FromServer,
} from '../client/fixture-gateway.js';
import { OrdersGateway } from '../client/subscription-gateway.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** Globals of the page. */
declare const socket: ClientSocket<FromServer, FromClient>;
declare const events: unknown[][];
declare const received: string[];
declare const order: Subscription<unknown>;
declare const answers: unknown[];
declare const navigator: { onLine: boolean };
declare function open(path: string, options?: ClientOptions): void;
declare function nthEvent(name: string, count: number): Promise<unknown[]>;

/** Messages that the browser writes to its console when a connection breaks or is refused. */
const CONNECTION_ERROR =
  /^WebSocket connection to .* failed: |^Failed to load resource: net::ERR_INTERNET_DISCONNECTED/;

const PAGE = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>A page with a client</title>
<script type="module">
  import { connect } from '/client.js';
  window.events = [];
  window.received = [];
  window.open = (path, options) => {
    window.socket = connect(path, { reconnectionDelay: 20, reconnectionDelayMax: 100, ...options });
    for (const name of ['connect', 'disconnect', 'connect_error'])
      socket.on(name, (...args) => events.push([name, ...args]));
    socket.on('said', (text) => received.push(text));
    socket.on('question', async (question) => question + ' well');
  };
  window.nthEvent = async (name, count) => {
    const all = () => events.filter(([event]) => event === name);
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

describeInBrowser('the client in Chromium', () => {
  let chromium: Chromium | undefined;
  let pages: Page[] = [];
  let networks: FaultyNetwork[] = [];
  const problems: string[] = [];

  beforeAll(async () => {
    bundle = await bundleClient(join(process.cwd(), 'lib/client/index.ts'));
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  afterEach(async () => {
    await Promise.all(pages.map((page) => page.context().close()));
    for (const network of networks) network.close();
    [pages, networks] = [[], []];
    expect(problems.splice(0)).toEqual([]);
  });

  /** Opens a page with the client, behind a network that can fail. */
  async function openPage(
    options?: AppOptions,
  ): Promise<{ page: Page; app: TestApp; gateway: TestGateway; network: FaultyNetwork }> {
    const app = await startApp(
      { controllers: [Site], providers: [TestGateway, GuardedGateway, OrdersGateway] },
      options,
    );
    const network = await FaultyNetwork.to(app.port);
    networks.push(network);
    const page = await chromium!.open();
    pages.push(page);
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      const isProblem = message.type() === 'error' || message.type() === 'warning';
      if (isProblem && !CONNECTION_ERROR.test(message.text())) problems.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${network.port}/`);
    await page.getByText('ready').waitFor();
    return { page, app, gateway: app.nest.get(TestGateway), network };
  }

  it('emits, sends requests, reads streams and answers requests', async () => {
    const { page, gateway } = await openPage();
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
      id: gateway.last.id,
      state: 'open',
    });
    expect(gateway.said).toEqual(['hello']);
    await until('the end of the source', () => gateway.readers === 0);
    gateway.server.emit('said', 'äöü 😀');
    await page.evaluate(() => socket.emitWithAck('sum', []));
    expect(await page.evaluate(() => received)).toEqual(['äöü 😀']);
  });

  it('presents its token in the subprotocols, and does not connect when it is refused', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('tökén', { id: 'ada' });
    const { page } = await openPage();
    const user = await page.evaluate(() => {
      open('/guarded', { auth: () => Promise.resolve('tökén') });
      return socket.emitWithAck('whoami');
    });
    expect(user).toEqual({ id: 'ada' });
    // A browser does not show the status of a refusal: the client tries again.
    const error = await page.evaluate(async () => {
      socket.disconnect();
      open('/guarded', { auth: { token: 'forged' } });
      const [refused] = (await nthEvent('connect_error', 2)) as [{ status?: number; willReconnect: boolean }];
      return { status: refused.status ?? null, willReconnect: refused.willReconnect };
    });
    expect(error).toEqual({ status: null, willReconnect: true });
  });

  it('resumes its session after a cut and misses nothing', async () => {
    const { page, gateway, network } = await openPage({ adapter: { recovery: true } });
    await page.evaluate(async () => {
      open('/talk');
      await nthEvent('connect', 1);
    });
    const { id } = gateway.last;
    gateway.server.emit('said', 'before');
    await page.waitForFunction(() => received.length === 1);
    network.isRefusing = true;
    network.cut();
    await page.evaluate(() => nthEvent('connect_error', 1));
    gateway.server.emit('said', 'meanwhile');
    const sum = page.evaluate(() => socket.emitWithAck('sum', [3, 4]));
    await page.waitForFunction(() => socket.state === 'waiting');
    network.isRefusing = false;
    expect(await sum).toBe(7);
    const now = await page.evaluate(() => [received, socket.id, socket.recovered, events.at(-1)]);
    expect(now).toEqual([['before', 'meanwhile'], id, true, ['connect', { missed: false }]]);
  });

  it('subscribes again on each new connection, and leaves', async () => {
    const { page, network, app } = await openPage();
    const { log, clients } = app.nest.get(OrdersGateway);
    await page.evaluate(() => {
      open('/orders');
      const order = socket.subscribe('watch' as never, { id: 7 }, { leave: 'unwatch' as never });
      Object.assign(globalThis, { order, answers: [] });
      order.onAnswer((answer) => answers.push(answer));
    });
    await page.waitForFunction(() => answers.length === 1);
    network.cut();
    await page.waitForFunction(() => answers.length === 2);
    expect(await page.evaluate(() => order.state)).toBe('active');
    expect(clients).toHaveLength(2);
    await page.evaluate(() => order.stop());
    await until('the end', () => log.includes('unwatch 7'));
    expect(log).toEqual(['watch 7', 'watch 7', 'unwatch 7']);
  });

  it('reports the close code and reason of the server', async () => {
    const { page, gateway } = await openPage();
    await page.evaluate(async () => {
      open('/talk');
      await nthEvent('connect', 1);
    });
    gateway.last.ws.close(1012, 'restart');
    const reconnected = await page.evaluate(async () => [
      await nthEvent('disconnect', 1),
      await nthEvent('connect', 2),
    ]);
    expect(reconnected).toEqual([
      ['transport close', { code: 1012, reason: 'restart', willReconnect: true }],
      [{ missed: true }],
    ]);
    gateway.last.ws.close(4000, 'enough');
    expect(await page.evaluate(() => nthEvent('disconnect', 2))).toEqual([
      'io server disconnect',
      { code: 4000, reason: 'enough', willReconnect: false },
    ]);
    expect(await page.evaluate(() => socket.state)).toBe('closed');
  });

  it('closes with 1000; a closed tab only disconnects', async () => {
    const { page, gateway } = await openPage();
    await page.evaluate(async () => {
      open('/talk');
      await nthEvent('connect', 1);
      socket.disconnect().connect();
      await nthEvent('connect', 2);
    });
    const [first, second] = gateway.clients;
    await until('the first disconnect', () => first!.closed !== undefined);
    expect(first!.closed).toMatchObject({ code: 1000, initiator: 'client' });
    await page.close();
    await until('the disconnect of the tab', () => second!.closed !== undefined);
    expect([1001, 1006]).toContain(second!.closed!.code);
  });

  it('detects a stalled network by pings', async () => {
    const { page, gateway, network } = await openPage();
    // the page is as slow as the machine, and its network: no timeout may end before the test says so
    await page.clock.install();
    await page.evaluate(async () => {
      open('/talk', { pingInterval: 60_000, pingTimeout: 60_000 });
      await nthEvent('connect', 1);
    });
    network.stall();
    const failed = page.evaluate(() =>
      socket
        .timeout(600_000)
        .emitWithAck('sum', [1])
        .catch((error: Error) => error.name),
    );
    // first it pings
    for (let waited = 0; waited < 2; waited++) await page.clock.fastForward(60_000);
    expect(await failed).toBe('DisconnectedError');
    expect(await page.evaluate(() => nthEvent('disconnect', 1))).toMatchObject([
      'ping timeout',
      { code: 4408 },
    ]);
    await page.evaluate(() => [socket.emit('say', 'one'), socket.emit('say', 'two')]);
    network.resume();
    await page.evaluate(() => nthEvent('connect', 2));
    expect(await page.evaluate(() => socket.emitWithAck('sum', [2]))).toBe(2);
    expect(gateway.said).toEqual(['one', 'two']);
  });

  it('reconnects at once when the device is online again', async () => {
    const { page, gateway, network } = await openPage();
    await page.evaluate(async () => {
      open('/talk', { reconnectionDelay: 600_000, reconnectionDelayMax: 600_000 });
      await nthEvent('connect', 1);
    });
    await page.context().setOffline(true);
    network.cut();
    await page.evaluate(() => nthEvent('disconnect', 1));
    expect(await page.evaluate(() => [navigator.onLine, socket.emit('say', 'kept')])).toEqual([false, true]);
    // The attempt fails, and the next one is minutes away.
    await page.evaluate(() => (socket.connect(), nthEvent('connect_error', 1)));
    expect(await page.evaluate(() => socket.state)).toBe('waiting');
    await page.context().setOffline(false);
    expect(await page.evaluate(() => nthEvent('connect', 2))).toEqual([{ missed: true }]);
    await page.evaluate(() => socket.emitWithAck('sum', []));
    expect(gateway.said).toEqual(['kept']);
  });
});
