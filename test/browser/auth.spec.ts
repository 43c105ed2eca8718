import { join } from 'node:path';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Page } from 'playwright-core';
import { AppModule } from '../../sample/02-auth/src/app.module.js';
import { bundleClient } from '../../scripts/client-bundle.js';
import { getEnvelopeServerToken, type EnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { violations } from './axe.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** Messages that the browser writes to its console when a request is refused, or without a network. */
const REFUSAL =
  /^Failed to load resource: (.* (401|403) |net::ERR_INTERNET_DISCONNECTED)|^WebSocket connection to .* failed: /;

/** One tab, with the problems that occurred in it. */
class Tab {
  readonly problems: string[] = [];

  constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      const isProblem = message.type() === 'error' || message.type() === 'warning';
      if (isProblem && !REFUSAL.test(message.text())) this.problems.push(message.text());
    });
  }

  /** @param isRenewed whether the page renews its token automatically: on a busy machine, it may do so before it is told not to */
  async signIn(url: string, user: string, isRenewed = true): Promise<this> {
    await this.page.goto(url);
    if (!isRenewed) await this.page.evaluate("document.querySelector('#auto').click()");
    await this.page.locator('.account', { hasText: user }).click();
    await this.expectText('#status', 'Connected');
    return this;
  }

  /** Waits until an element shows the text. Rejects after a timeout. */
  expectText(selector: string, text: string | RegExp): Promise<void> {
    return this.page.locator(selector).getByText(text).first().waitFor();
  }

  async write(to: string, text: string): Promise<void> {
    await this.page.locator('.person', { hasText: to }).click();
    await this.page.fill('#text', text);
    await this.page.press('#text', 'Enter');
  }

  async tryConnect(path: string, key: string): Promise<string | null> {
    const row = this.page.locator('#attempts li', { hasText: path });
    await row.locator(`[data-token="${key}"]`).click();
    // Select the outcome by key and value: another row may show the same outcome for this key.
    const outcome = row.locator('.outcome', { hasText: `${key}: ` });
    await outcome.waitFor();
    return outcome.textContent();
  }

  /** Returns the lines of the journal with this prefix, the oldest first. */
  async journalLines(start: string): Promise<string[]> {
    const lines = await this.page.locator('#journal li > :last-child').allTextContents();
    return lines.map((line) => line.trim()).filter((line) => line.startsWith(start));
  }
}

describeInBrowser('sample 02-auth in Chromium', () => {
  let chromium: Chromium | undefined;
  let app: TestApp;
  let tabs: Tab[];
  let client = '';

  beforeAll(async () => {
    client = await bundleClient(join(process.cwd(), 'lib/client/index.ts'));
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  beforeEach(() => {
    tabs = [];
  });
  afterEach(async () => {
    delete process.env.ACCESS_TOKEN_TTL;
    await Promise.all(tabs.map(({ page }) => page.context().close()));
    expect(tabs.flatMap(({ problems }) => problems)).toEqual([]);
  });

  const start = async (seconds = '60'): Promise<void> => {
    process.env.ACCESS_TOKEN_TTL = seconds;
    // in place of dist/client.min.js, which only a build makes
    const serveClient = (_request: IncomingMessage, response: ServerResponse): void =>
      void response.setHeader('Content-Type', 'text/javascript').end(client);
    app = await startApp(
      { imports: [AppModule] },
      { before: (nest) => void nest.use('/client.min.js', serveClient) },
    );
  };
  const url = (): string => `http://127.0.0.1:${app.port}/`;
  const addTab = (page: Page): Tab => {
    const tab = new Tab(page);
    tabs.push(tab);
    return tab;
  };
  const signIn = async (user: string, isRenewed?: boolean): Promise<Tab> =>
    addTab(await chromium!.open()).signIn(url(), user, isRenewed);

  it('shows a message in all tabs of a user, as text', async () => {
    await start();
    const [ada, bob, again] = [await signIn('ada'), await signIn('bob'), await signIn('bob')];
    await ada.write('bob', '<b id="bold">hi</b>');
    await ada.expectText('#log', 'Delivered to 2 tabs');
    for (const tab of [bob, again]) {
      await tab.expectText('#log', '<b id="bold">hi</b>');
      expect(await tab.page.locator('#bold').count()).toBe(0);
    }
    await bob.write('root', 'and you?');
    await bob.expectText('#log', 'Not delivered');
  });

  it('shows refused attempts with their status and reason', async () => {
    await start();
    const tab = addTab(await chromium!.open());
    await tab.page.goto(url());
    await tab.page.fill('#user', 'bob');
    await tab.page.fill('#password', 'guess');
    await tab.page.press('#password', 'Enter');
    await tab.expectText('#login-error', '401');
    await tab.signIn(url(), 'bob');
    expect(await tab.tryConnect('/ws', 'none')).toBe('none: 401 No auth token');
    expect(await tab.tryConnect('/ws', 'my token')).toBe('my token: 101 connected');
    expect(await tab.tryConnect('/admin', 'my token')).toBe('my token: 403 Forbidden resource');
    expect(await tab.tryConnect('/admin', 'forged')).toBe('forged: 401 invalid signature');
    expect(await tab.page.locator('#admin').isVisible()).toBe(false);
  });

  it('renews the token without a new connection', async () => {
    // the page has a fifth of it to renew a token
    await start('15');
    const ada = await signIn('ada');
    await ada.page.click('#renew');
    await ada.expectText('#journal', /"event":"\$auth","data":\{"expiresAt"/);
    // The first token has expired, and the second one was renewed automatically.
    await ada.page.locator('[data-token="expired"]:enabled').first().waitFor();
    expect(await ada.tryConnect('/ws', 'expired')).toBe('expired: 401 jwt expired');
    await ada.page.locator('#journal li', { hasText: 'POST /refresh' }).nth(1).waitFor();
    expect(await ada.journalLines('WebSocket /ws')).toHaveLength(2);
    expect(await ada.page.textContent('#journal')).not.toMatch(/eyJ[\w-]+\./);
  });

  it('shows the expiry of a token and reconnects with a fresh one', async () => {
    await start('3');
    const ada = await signIn('ada', false);
    await ada.expectText('#banner', /^4401: the token expired/);
    await ada.expectText('#status', 'Connected');
    await ada.write('ada', 'back');
    await ada.expectText('#log', 'back');
    expect(await ada.journalLines('POST /refresh')).toHaveLength(1);
  });

  it('reconnects after the connection broke, even if the token expired meanwhile', async () => {
    await start('3');
    const ada = await signIn('ada', false);
    // it has no network until the token has expired, as after a night in sleep mode
    await ada.page.context().setOffline(true);
    for (const { ws } of app.nest.get<EnvelopeServer>(getEnvelopeServerToken('/ws')).clients) ws.terminate();
    await ada.expectText('#status', 'Reconnecting');
    await ada.expectText('#seconds', /^0$/);
    await ada.page.context().setOffline(false);
    await ada.expectText('#status', 'Connected');
    expect(await ada.journalLines('POST /refresh')).toHaveLength(1);
  });

  it('lets an administrator see and disconnect the users online', async () => {
    await start();
    const [root, bob] = [await signIn('root'), await signIn('bob')];
    await root.expectText('#online', 'bob');
    expect(await root.tryConnect('/admin', 'my token')).toBe('my token: 101 connected');
    expect(await root.tryConnect('/admin', 'forged')).toBe('forged: 401 invalid signature');
    await root.page.click('[aria-label="Disconnect bob"]');
    await bob.expectText('#banner', '1000: root ended the connection.');
    await root.page.locator('[aria-label="Disconnect bob"]').waitFor({ state: 'detached' });
    await bob.page.click('#banner-button');
    await bob.expectText('#status', 'Connected');
    await root.expectText('#online', 'bob');
  });

  it('separates the users of two tabs across reloads until they sign out', async () => {
    await start();
    const ada = await signIn('ada');
    const bob = await addTab(await ada.page.context().newPage()).signIn(url(), 'bob');
    for (const [tab, name] of [
      [ada, 'ada'],
      [bob, 'bob'],
    ] as const) {
      await tab.page.reload();
      await tab.expectText('#me', name);
      await tab.expectText('#status', 'Connected');
    }
    expect(await ada.page.evaluate('document.cookie')).toBe('');
    await ada.page.click('#sign-out');
    await ada.expectText('#welcome-title', 'Sign in');
    await ada.page.reload();
    await ada.expectText('#welcome-title', 'Sign in');
    await bob.page.click('#renew');
    await bob.expectText('#journal', /"event":"\$auth","data":\{"expiresAt"/);
  });

  it('is accessible: before sign-in, as a user, as an administrator, on a phone', async () => {
    await start();
    const tab = addTab(await chromium!.open());
    await tab.page.goto(url());
    await tab.page.fill('#user', 'bob');
    await tab.page.fill('#password', 'guess');
    await tab.page.press('#password', 'Enter');
    await tab.expectText('#login-error', '401');
    expect(await violations(tab.page)).toEqual([]);
    await tab.signIn(url(), 'bob');
    const root = await signIn('root');
    await root.write('bob', 'welcome');
    await tab.write('root', 'hello');
    await root.expectText('#log', 'hello');
    await tab.tryConnect('/ws', 'none');
    await tab.tryConnect('/ws', 'my token');
    for (const { page } of [tab, root]) expect(await violations(page)).toEqual([]);
    await root.page.click('[aria-label="Disconnect bob"]');
    await tab.expectText('#banner', '1000: root ended the connection.');
    expect(await violations(tab.page)).toEqual([]);
    await tab.page.setViewportSize({ width: 360, height: 640 });
    expect(await violations(tab.page)).toEqual([]);
    await tab.page.click('#panel-toggle');
    await tab.page.locator('#panel').waitFor({ state: 'visible' });
    expect(await violations(tab.page)).toEqual([]);
  });

  it('focuses the name before sign-in and the message after it', async () => {
    await start();
    const tab = addTab(await chromium!.open());
    await tab.page.goto(url());
    await tab.page.locator('#user:focus').waitFor();
    await tab.page.fill('#user', 'bob');
    await tab.page.fill('#password', 'builder');
    await tab.page.press('#password', 'Enter');
    await tab.page.locator('#text:focus').waitFor();
    await tab.page.click('#sign-out');
    await tab.page.locator('#user:focus').waitFor();
    await tab.signIn(url(), 'ada');
    await tab.page.locator('#text:focus').waitFor();
  });

  it('fits a phone', async () => {
    await start();
    const root = await signIn('root');
    await root.page.setViewportSize({ width: 360, height: 640 });
    await root.write('ada', `a long word: ${'x'.repeat(200)}`);
    await root.expectText('#log', 'Not delivered');
    await root.page.click('#panel-toggle');
    await root.page.locator('#panel').waitFor({ state: 'visible' });
    const widths = await root.page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    expect(widths).toEqual([360, 360]);
  });
});
