import type { Page } from 'playwright-core';
import type { TestApp } from '../support/app.js';
import { until } from '../support/wait.js';
import { startTalk } from './console-app.js';
import { TalkGateway } from './console-gateway.js';
import { ConsolePage, consoleOf } from './console.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** Returns the name of the focused element: its label, or its text. */
const focused = (page: Page): Promise<string> =>
  page.evaluate<string>(
    '(document.activeElement.ariaLabel ?? document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent).trim()',
  );

describeInBrowser('the console without a mouse, in Chromium', () => {
  let chromium: Chromium | undefined;
  let console_: ConsolePage;
  let app: TestApp;

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  beforeEach(async () => {
    app = await startTalk();
    console_ = consoleOf(await chromium!.open(), app);
    await console_.openSignedIn();
  });

  afterEach(async () => {
    await console_.page.context().close();
    expect(console_.problems).toEqual([]);
  });

  /** Presses a key until an element with this name has the focus. */
  const moveTo = async (name: string | RegExp, key = 'Tab'): Promise<void> => {
    const { page } = console_;
    const passed: string[] = [];
    for (let presses = 0; presses < 60; presses++) {
      const now = await focused(page);
      if (typeof name === 'string' ? now === name : name.test(now)) return;
      passed.push(now.slice(0, 40));
      await page.keyboard.press(key);
    }
    throw new Error(`${key} does not reach ${String(name)}: ${passed.join(' | ')}`);
  };

  it('disconnects a client', async () => {
    const { page } = console_;
    const client = await app.connect('/talk?name=grace');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to the content');
    await moveTo('Connections');
    await page.keyboard.press('Enter');
    await console_.expectView('Connections');
    expect(await focused(page)).toBe('Connections');
    await moveTo('User');
    await page.keyboard.type('grace');
    await page.keyboard.press('Enter');
    await console_.expectText('.pages', '1 to 1 of 1');
    const [id] = [...app.nest.get(TalkGateway).server.sockets.keys()];
    await moveTo(id!);
    await page.keyboard.press('Enter');
    await console_.expectText('dl.facts', 'grace');
    await moveTo('Disconnect…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    // the dialog keeps the focus
    for (let presses = 0; presses < 6; presses++) {
      await page.keyboard.press('Tab');
      expect(['Reason for the client, if any', 'Cancel', 'Disconnect', '']).toContain(
        await page.evaluate(
          "document.activeElement === document.body ? '' : document.activeElement.ariaLabel ?? (document.activeElement.labels?.[0]?.textContent || document.activeElement.textContent)",
        ),
      );
    }
    await moveTo('Disconnect');
    await page.keyboard.press('Enter');
    expect(await client.ended()).toMatchObject({ code: 1000 });
  });

  it('keeps the focus while tables are updated, and moves it on when its row goes', async () => {
    const { page } = console_;
    const clients = [await app.connect('/talk?name=grace'), await app.connect('/talk?name=grace')];
    await console_.open('#/connections?user=grace');
    await console_.expectText('.pages', '1 to 2 of 2');
    const link = page.locator('#view tbody a').first();
    await link.focus();
    const id = await link.innerText();
    const { server } = app.nest.get(TalkGateway);
    // a page that is shown again is up to date at once
    const update = (): Promise<unknown> =>
      page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await server.sockets.get(id)!.join('machines');
    await update();
    await console_.expectRow('Connections', id, 'grace', '1');
    expect(await focused(page)).toBe(id);
    server.sockets.get(id)!.disconnect();
    await update();
    const [other] = [...server.sockets.keys()];
    await console_.expectText('.pages', '1 to 1 of 1');
    expect(await focused(page)).toBe(other);
    expect(clients).toHaveLength(2);
  });

  it('has landmarks and headings, and live regions that change only with the state', async () => {
    const { page } = console_;
    await console_.expectRow('Nodes', 'answers');
    for (const role of ['banner', 'navigation', 'main'] as const)
      expect(await page.getByRole(role).count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Console');
    expect(await page.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual(['Overview']);
    expect(await page.getByRole('heading', { level: 3 }).count()).toBe(8);
    expect(await page.title()).toBe('Overview · Console');
    // notes each change in a live region
    await page.evaluate(`window.said = [];
      for (const region of document.querySelectorAll('[role=status], [role=alert], [aria-live]'))
        new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true })`);
    const points = "document.querySelector('.line').getAttribute('points').split(' ').length";
    const first = await page.evaluate<number>(points);
    await until('another overview', async () => (await page.evaluate<number>(points)) > first);
    expect(await page.evaluate('said')).toEqual([]);
    await app.close();
    await console_.expectState('Connection lost');
    const attempts = (): number => console_.addresses.filter((address) => address.startsWith('ws')).length;
    await until('two attempts to reconnect', () => attempts() >= 3);
    expect(await page.evaluate('said')).toEqual(['Connection lost']);
  });
});
