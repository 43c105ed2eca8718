import { jest } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Sample } from '../support/sample.js';
import { violations } from './axe.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** One tab, and what went wrong in it. */
class Tab {
  readonly complaints: string[] = [];

  private constructor(
    readonly page: Page,
    readonly name: string,
  ) {
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      const isComplaint = message.type() === 'error' || message.type() === 'warning';
      // what the browser itself says of a worker that is gone
      if (isComplaint && !message.text().startsWith('WebSocket connection to'))
        this.complaints.push(message.text());
    });
  }

  static async open(chromium: Chromium, url: string, name: string): Promise<Tab> {
    const tab = new Tab(await chromium.open(), name);
    await tab.page.goto(url);
    await tab.page.fill('#name', name);
    await tab.page.press('#name', 'Enter');
    await tab.sees('#workers .person', name);
    return tab;
  }

  /** Resolves once an element with exactly this text is there; fails where it does not come. */
  sees(selector: string, text: string): Promise<void> {
    return this.page.locator(selector).getByText(text, { exact: true }).first().waitFor();
  }

  /** The id of the process that the tab is connected to, once it is. */
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
    await this.sees('#log .mine .text', text);
  }

  /** Who said what on which worker, as the tab shows it. */
  messages(): Promise<string[]> {
    return this.page.locator('#log .message').allInnerTexts();
  }
}

// a browser on a busy machine takes its time
jest.setTimeout(60_000);

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
    expect(tabs.flatMap(({ complaints }) => complaints)).toEqual([]);
    tabs = [];
  });

  const open = async (name: string): Promise<Tab> => {
    const tab = await Tab.open(chromium!, url, name);
    tabs.push(tab);
    return tab;
  };
  /** Two tabs on two workers: no promise is made on which of them a connection lands. */
  const openTwo = async (): Promise<[Tab, Tab]> => {
    const [ada, bob] = [await open('Ada'), await open('Bob')];
    for (let tries = 0; (await ada.worker()) === (await bob.worker()); tries++) {
      if (tries === 20) throw new Error('20 connections, all of them to one worker');
      await bob.reconnect();
    }
    return [ada, bob];
  };

  it('shows what crosses from one worker to the other, as text, and who is where', async () => {
    const [ada, bob] = await openTwo();
    await ada.say('<b id="bold">hi</b>');
    await bob.sees('#log .text', '<b id="bold">hi</b>');
    expect(await bob.page.locator('#bold').count()).toBe(0);
    await bob.say('hello');
    await ada.sees('#log .text', 'hello');
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

  it('comes back by itself when its worker dies, on another', async () => {
    const [ada, bob] = await openTwo();
    const dead = await ada.worker();
    expect(await ada.page.textContent('#kill')).toBe(`kill -9 ${dead}`);
    process.kill(dead, 'SIGKILL');
    await ada.page
      .locator('#log .note', { hasText: `${dead}` })
      .getByText('disconnected (1006)')
      .waitFor();
    await ada.sees('#status', 'Connected');
    await ada.page.locator('#worker b').waitFor();
    expect(await ada.worker()).not.toBe(dead);
    await ada.say('here again');
    await bob.sees('#log .text', 'here again');
    await bob.page.locator('.worker-card', { hasText: String(dead) }).waitFor({ state: 'detached' });
  });

  it('is accessible: in two tabs, after a reconnect, on a phone', async () => {
    const [ada, bob] = await openTwo();
    await ada.page.locator('#text:focus').waitFor();
    await ada.say('hi');
    await bob.sees('#log .text', 'hi');
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
