import { jest } from '@jest/globals';
import type { Page } from 'playwright-core';
import { AppModule } from '../../sample/02-auth/src/app.module.js';
import { getEnvelopeServerToken, type EnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { violations } from './axe.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** What the browser itself writes to its console about a refusal. */
const REFUSAL = /^Failed to load resource: .* (401|403) |^WebSocket connection to .* failed: /;

/** One tab, and what went wrong in it. */
class Tab {
  readonly complaints: string[] = [];

  constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      const isComplaint = message.type() === 'error' || message.type() === 'warning';
      if (isComplaint && !REFUSAL.test(message.text())) this.complaints.push(message.text());
    });
  }

  async enter(url: string, user: string): Promise<this> {
    await this.page.goto(url);
    await this.page.locator('.account', { hasText: user }).click();
    await this.sees('#status', 'Connected');
    return this;
  }

  /** Resolves once an element shows a text; fails when it does not. */
  sees(selector: string, text: string | RegExp): Promise<void> {
    return this.page.locator(selector).getByText(text).first().waitFor();
  }

  async write(to: string, text: string): Promise<void> {
    await this.page.locator('.person', { hasText: to }).click();
    await this.page.fill('#text', text);
    await this.page.press('#text', 'Enter');
  }

  async knock(door: string, key: string): Promise<string | null> {
    const row = this.page.locator('#attempts li', { hasText: door });
    await row.locator(`[data-token="${key}"]`).click();
    // this door's outcome: another one may have said the same of the same key before
    const outcome = row.locator('.outcome', { hasText: `${key}: ` });
    await outcome.waitFor();
    return outcome.textContent();
  }

  /** The lines of the journal that begin so, the oldest first. */
  async wire(start: string): Promise<string[]> {
    const lines = await this.page.locator('#journal li > :last-child').allTextContents();
    return lines.map((line) => line.trim()).filter((line) => line.startsWith(start));
  }
}

// a browser on a busy machine takes its time
jest.setTimeout(60_000);

describeInBrowser('sample 02-auth in Chromium', () => {
  let chromium: Chromium | undefined;
  let app: TestApp;
  let tabs: Tab[];

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  beforeEach(() => {
    tabs = [];
  });
  afterEach(async () => {
    delete process.env.ACCESS_TOKEN_TTL;
    await Promise.all(tabs.map(({ page }) => page.context().close()));
    expect(tabs.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  const start = async (seconds = '60'): Promise<void> => {
    process.env.ACCESS_TOKEN_TTL = seconds;
    app = await startApp({ imports: [AppModule] });
  };
  const url = (): string => `http://127.0.0.1:${app.port}/`;
  const watch = (page: Page): Tab => {
    const tab = new Tab(page);
    tabs.push(tab);
    return tab;
  };
  const enter = async (user: string): Promise<Tab> => watch(await chromium!.open()).enter(url(), user);

  it('carries a message to all tabs of a user, as text', async () => {
    await start();
    const [ada, bob, again] = [await enter('ada'), await enter('bob'), await enter('bob')];
    await ada.write('bob', '<b id="bold">hi</b>');
    await ada.sees('#log', 'Delivered to 2 tabs');
    for (const tab of [bob, again]) {
      await tab.sees('#log', '<b id="bold">hi</b>');
      expect(await tab.page.locator('#bold').count()).toBe(0);
    }
    await bob.write('root', 'and you?');
    await bob.sees('#log', 'Not delivered');
  });

  it('shows who is refused, with which status and why', async () => {
    await start();
    const tab = watch(await chromium!.open());
    await tab.page.goto(url());
    await tab.page.fill('#user', 'bob');
    await tab.page.fill('#password', 'guess');
    await tab.page.press('#password', 'Enter');
    await tab.sees('#login-error', '401');
    await tab.enter(url(), 'bob');
    expect(await tab.knock('/ws', 'none')).toBe('none: 401 No auth token');
    expect(await tab.knock('/ws', 'my token')).toBe('my token: 101 connected');
    expect(await tab.knock('/admin', 'my token')).toBe('my token: 403 Forbidden resource');
    expect(await tab.knock('/admin', 'forged')).toBe('forged: 401 invalid signature');
    expect(await tab.page.locator('#admin').isVisible()).toBe(false);
  });

  it('renews the token in place: the line stays open', async () => {
    await start('6');
    const ada = await enter('ada');
    await ada.page.click('#renew');
    await ada.sees('#journal', /"event":"\$auth","data":\{"expiresAt"/);
    // the first token is over, and the second one was renewed by itself
    await ada.page.locator('[data-token="expired"]:enabled').first().waitFor();
    expect(await ada.knock('/ws', 'expired')).toBe('expired: 401 jwt expired');
    await ada.page.locator('#journal li', { hasText: 'POST /refresh' }).nth(1).waitFor();
    expect(await ada.wire('WebSocket /ws')).toHaveLength(2);
    expect(await ada.page.textContent('#journal')).not.toMatch(/eyJ[\w-]+\./);
  });

  it('shows what it is to let the token end, and comes back with a fresh one', async () => {
    await start('3');
    const ada = await enter('ada');
    await ada.page.uncheck('#auto');
    await ada.sees('#banner', /^4401: the token expired/);
    await ada.sees('#status', 'Connected');
    await ada.write('ada', 'back');
    await ada.sees('#log', 'back');
    expect(await ada.wire('POST /refresh')).toHaveLength(1);
  });

  it('comes back from a broken line, also where the token ended meanwhile', async () => {
    await start('3');
    const ada = await enter('ada');
    await ada.page.uncheck('#auto');
    // the question reaches the server when the token is over, as after a night with the lid closed
    await ada.page.route('**/ws', async (route) => {
      await ada.sees('#seconds', /^0$/);
      await route.continue();
    });
    for (const { ws } of app.nest.get<EnvelopeServer>(getEnvelopeServerToken('/ws')).clients) ws.terminate();
    await ada.sees('#journal', 'jwt expired');
    await ada.sees('#status', 'Connected');
    expect(await ada.wire('POST /refresh')).toHaveLength(1);
  });

  it('lets an administrator see who is online, and disconnect them', async () => {
    await start();
    const [root, bob] = [await enter('root'), await enter('bob')];
    await root.sees('#online', 'bob');
    await root.page.click('[aria-label="Disconnect bob"]');
    await bob.sees('#banner', '1000: root ended the connection.');
    await root.page.locator('[aria-label="Disconnect bob"]').waitFor({ state: 'detached' });
    await bob.page.click('#banner-button');
    await bob.sees('#status', 'Connected');
    await root.sees('#online', 'bob');
  });

  it('keeps the users of two tabs apart, through reloads, until they sign out', async () => {
    await start();
    const ada = await enter('ada');
    const bob = await watch(await ada.page.context().newPage()).enter(url(), 'bob');
    for (const [tab, name] of [
      [ada, 'ada'],
      [bob, 'bob'],
    ] as const) {
      await tab.page.reload();
      await tab.sees('#me', name);
      await tab.sees('#status', 'Connected');
    }
    expect(await ada.page.evaluate('document.cookie')).toBe('');
    await ada.page.click('#sign-out');
    await ada.sees('#welcome-title', 'Sign in');
    await ada.page.reload();
    await ada.sees('#welcome-title', 'Sign in');
    await bob.page.click('#renew');
    await bob.sees('#journal', /"event":"\$auth","data":\{"expiresAt"/);
  });

  it('is accessible: before sign-in, as a user, as an administrator, on a phone', async () => {
    await start();
    const tab = watch(await chromium!.open());
    await tab.page.goto(url());
    await tab.page.fill('#user', 'bob');
    await tab.page.fill('#password', 'guess');
    await tab.page.press('#password', 'Enter');
    await tab.sees('#login-error', '401');
    expect(await violations(tab.page)).toEqual([]);
    await tab.enter(url(), 'bob');
    const root = await enter('root');
    await root.write('bob', 'welcome');
    await tab.write('root', 'hello');
    await root.sees('#log', 'hello');
    await tab.knock('/ws', 'none');
    await tab.knock('/ws', 'my token');
    for (const { page } of [tab, root]) expect(await violations(page)).toEqual([]);
    await root.page.click('[aria-label="Disconnect bob"]');
    await tab.sees('#banner', '1000: root ended the connection.');
    expect(await violations(tab.page)).toEqual([]);
    await tab.page.setViewportSize({ width: 360, height: 640 });
    expect(await violations(tab.page)).toEqual([]);
    await tab.page.click('#panel-toggle');
    await tab.page.locator('#panel').waitFor({ state: 'visible' });
    expect(await violations(tab.page)).toEqual([]);
  });

  it('puts the focus where one types: on a name before sign-in, on the message after it', async () => {
    await start();
    const tab = watch(await chromium!.open());
    await tab.page.goto(url());
    await tab.page.locator('#user:focus').waitFor();
    await tab.page.fill('#user', 'bob');
    await tab.page.fill('#password', 'builder');
    await tab.page.press('#password', 'Enter');
    await tab.page.locator('#text:focus').waitFor();
    await tab.page.click('#sign-out');
    await tab.page.locator('#user:focus').waitFor();
    await tab.enter(url(), 'ada');
    await tab.page.locator('#text:focus').waitFor();
  });

  it('fits a phone', async () => {
    await start();
    const root = await enter('root');
    await root.page.setViewportSize({ width: 360, height: 640 });
    await root.write('ada', `a long word: ${'x'.repeat(200)}`);
    await root.sees('#log', 'Not delivered');
    await root.page.click('#panel-toggle');
    await root.page.locator('#panel').waitFor({ state: 'visible' });
    const widths = await root.page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    expect(widths).toEqual([360, 360]);
  });
});
