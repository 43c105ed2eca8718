import type { Page } from 'playwright-core';
import { Sample } from '../support/sample.js';
import { violations } from './axe.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** One tab, with the problems that occurred in it. */
class Tab {
  readonly problems: string[] = [];

  private constructor(
    readonly page: Page,
    readonly name: string,
  ) {
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      const isProblem = message.type() === 'error' || message.type() === 'warning';
      // The browser reports a worker that ended.
      if (isProblem && !message.text().startsWith('WebSocket connection to'))
        this.problems.push(message.text());
    });
  }

  static async open(chromium: Chromium, url: string, name: string): Promise<Tab> {
    const tab = new Tab(await chromium.open(), name);
    await tab.page.goto(url);
    await tab.page.fill('#name', name);
    await tab.page.press('#name', 'Enter');
    await tab.expectText('#workers .person', name);
    return tab;
  }

  /** Waits until an element shows exactly this text. Rejects after a timeout. */
  expectText(selector: string, text: string): Promise<void> {
    return this.page.locator(selector).getByText(text, { exact: true }).first().waitFor();
  }

  /** Waits until the tab is connected. @returns the process id of its worker */
  async worker(): Promise<number> {
    return Number(await this.page.locator('#worker b').textContent());
  }

  async reconnect(): Promise<void> {
    const notes = this.page.locator('#log .note', { hasText: 'You are on' });
    const before = await notes.count();
    await this.page.click('#reconnect');
    await notes.nth(before).waitFor();
  }

  async say(text: string): Promise<void> {
    await this.page.fill('#text', text);
    await this.page.press('#text', 'Enter');
    await this.expectText('#log .mine .text', text);
  }

  /** Returns the visible messages with their authors and workers. */
  messages(): Promise<string[]> {
    return this.page.locator('#log .message').allInnerTexts();
  }
}

describeInBrowser('sample 03-cluster in Chromium', () => {
  let chromium: Chromium | undefined;
  let cluster: Sample;
  let url: string;
  let tabs: Tab[] = [];

  beforeAll(async () => {
    cluster = Sample.start('sample/03-cluster/src/cluster.ts', '--workers', '2', '--port', '0');
    [chromium] = await Promise.all([Chromium.launch(), cluster.waitForOutput(/Worker (\d+) listens on/, 2)]);
    url = (await cluster.waitForOutput(/listens on (\S+)/))[0]!;
  });
  afterAll(() => chromium?.close());

  afterEach(async () => {
    await Promise.all(tabs.map(({ page }) => page.context().close()));
    expect(tabs.flatMap(({ problems }) => problems)).toEqual([]);
    tabs = [];
  });

  const open = async (name: string): Promise<Tab> => {
    const tab = await Tab.open(chromium!, url, name);
    tabs.push(tab);
    return tab;
  };
  /** Opens two tabs on two workers. Tabs reconnect until they differ, because any worker may accept a connection. */
  const openTwo = async (): Promise<[Tab, Tab]> => {
    const [ada, bob] = [await open('Ada'), await open('Bob')];
    for (let tries = 0; (await ada.worker()) === (await bob.worker()); tries++) {
      if (tries === 20) throw new Error('20 connections, all of them to one worker');
      await bob.reconnect();
    }
    return [ada, bob];
  };

  it('shows messages of other workers as text, and the worker of each member', async () => {
    const [ada, bob] = await openTwo();
    await ada.say('<b id="bold">hi</b>');
    await bob.expectText('#log .text', '<b id="bold">hi</b>');
    expect(await bob.page.locator('#bold').count()).toBe(0);
    await bob.say('hello');
    await ada.expectText('#log .text', 'hello');
    for (const tab of [ada, bob]) {
      const shown = await tab.messages();
      expect(shown.map((text) => text.match(/^(\w+) on (\d+)@/)!.slice(1))).toEqual([
        ['Ada', String(await ada.worker())],
        ['Bob', String(await bob.worker())],
      ]);
      const card = tab.page.locator('.worker-card', { hasText: String(await bob.worker()) });
      await card.getByText('Bob', { exact: true }).waitFor();
      await card.getByText('1 client', { exact: true }).waitFor();
    }
    expect(await ada.page.locator('.worker-card[aria-current] .worker b').textContent()).toBe(
      String(await ada.worker()),
    );
  });

  it('reconnects to another worker when its worker is killed', async () => {
    const [ada, bob] = await openTwo();
    const dead = await ada.worker();
    expect(await ada.page.textContent('#kill')).toBe(`kill -9 ${dead}`);
    process.kill(dead, 'SIGKILL');
    await ada.page
      .locator('#log .note', { hasText: `${dead}` })
      .getByText('disconnected (1006)')
      .waitFor();
    await ada.expectText('#status', 'Connected');
    await ada.page.locator('#worker b').waitFor();
    expect(await ada.worker()).not.toBe(dead);
    await ada.say('here again');
    await bob.expectText('#log .text', 'here again');
    await bob.page.locator('.worker-card', { hasText: String(dead) }).waitFor({ state: 'detached' });
    // its successor, without which all connections go to one worker
    await cluster.waitForOutput(/Worker (\d+) listens on/, 3);
  });

  it('is accessible: in two tabs, after a reconnect, on a phone', async () => {
    const [ada, bob] = await openTwo();
    await ada.page.locator('#text:focus').waitFor();
    await ada.say('hi');
    await bob.expectText('#log .text', 'hi');
    await bob.reconnect();
    for (const { page } of [ada, bob]) expect(await violations(page)).toEqual([]);
    await ada.page.setViewportSize({ width: 360, height: 640 });
    expect(await violations(ada.page)).toEqual([]);
  });

  it('fits a phone', async () => {
    const ada = await open('Ada');
    await ada.page.setViewportSize({ width: 360, height: 640 });
    await ada.say(`a long word: ${'x'.repeat(200)}`);
    const widths = await ada.page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    expect(widths).toEqual([360, 360]);
  });
});
