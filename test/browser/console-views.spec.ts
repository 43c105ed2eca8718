import type { TestApp } from '../support/app.js';
import { until } from '../support/wait.js';
import { startTalk } from './console-app.js';
import { HOSTILE, TalkGateway, type ConsoleOptions } from './console-gateway.js';
import { ConsolePage, consoleOf } from './console.js';
import { Chromium, describeInBrowser } from './chromium.js';

const ROWS = '#view tbody tr';

describeInBrowser('the views of the console in Chromium', () => {
  let chromium: Chromium | undefined;
  const pages: ConsolePage[] = [];

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  afterEach(async () => {
    const done = pages.splice(0);
    await Promise.all(done.map(({ page }) => page.context().close()));
    expect(done.flatMap(({ problems }) => problems)).toEqual([]);
  });

  const openConsole = async (route?: string, options?: ConsoleOptions): Promise<[ConsolePage, TestApp]> => {
    const app = await startTalk(options);
    const console_ = consoleOf(await chromium!.open(), app);
    pages.push(console_);
    return [await console_.openSignedIn(route), app];
  };

  it('shows nodes, namespaces, rates, refusals and ends', async () => {
    const [console_, app] = await openConsole();
    const { page } = console_;
    await console_.expectText('#state-detail', 'as ada');
    await console_.expectRow('Nodes', `:${process.pid}`, 'this page', 'answers');
    const client = await app.connect('/talk');
    await console_.expectRow('Namespaces', '/talk', '1');
    await client.ask('refuse');
    await client.ask('nothing of that name');
    await app.connect('/talk', { headers: { origin: 'https://elsewhere.example' } }).catch(() => undefined);
    client.ws.close(1000);
    await console_.expectRow('Disconnects by reason', 'client namespace disconnect', '1');
    await console_.expectRow('Close codes', '1000: closed normally, by the client or the server', '1');
    await console_.expectRow('Refused connections', '403: a page of a foreign origin', '1');
    await console_.expectRow('Refused messages', 'unknown_event', '1');
    await page.locator('[data-figure=connections] b').getByText(/^\d+$/).waitFor();
    // the chart has a point for each overview
    const points =
      "document.querySelector('[data-figure=connections] .line').getAttribute('points').split(' ').length";
    await until('three points', async () => (await page.evaluate<number>(points)) >= 3);
    await page.getByText('Every message was sent.').waitFor();
  });

  it('shows connections in pages, and returns to the page that the user left', async () => {
    const [console_, app] = await openConsole();
    const { page } = console_;
    await Promise.all(Array.from({ length: 120 }, () => app.connect('/talk')));
    await console_.open('#/connections?namespace=/talk');
    await console_.expectText('.pages', '1 to 50 of 120');
    expect(await page.locator(ROWS).count()).toBe(50);
    const seen = new Set(await page.locator(`${ROWS} th`).allInnerTexts());
    await console_.button('Next').click();
    await console_.expectText('.pages', '51 to 100 of 120');
    for (const id of await page.locator(`${ROWS} th`).allInnerTexts()) seen.add(id);
    await page.locator(`${ROWS} a`).first().click();
    await console_.expectText('dl.facts', '/talk');
    await page.goBack();
    await console_.expectText('.pages', '51 to 100 of 120');
    await console_.button('Next').click();
    await console_.expectText('.pages', '101 to 120 of 120');
    for (const id of await page.locator(`${ROWS} th`).allInnerTexts()) seen.add(id);
    expect(seen.size).toBe(120);
    expect(await console_.button('Next').getAttribute('aria-disabled')).toBe('true');
    await console_.button('Previous').click();
    await console_.expectText('.pages', '51 to 100 of 120');
  });

  it('finds connections by user, address, room, namespace, kind and id', async () => {
    const [console_, app] = await openConsole('#/connections');
    const { page } = console_;
    const found = await app.connect('/talk?name=grace&room=engines', { protocols: ['envelope.v1'] });
    const { data } = await found.next('$session');
    await app.connect('/talk?name=alan&room=machines');
    const id = String(data.id);
    const filters: [label: string, value: string][] = [
      ['User', 'grace'],
      ['Room', 'engines'],
      ['Id begins with', id.slice(0, 8)],
    ];
    for (const [label, value] of filters) {
      await console_.open('#/connections');
      await page.getByLabel(label).fill(value);
      await page.getByLabel(label).press('Enter');
      await console_.expectText('.pages', '1 to 1 of 1');
      expect(await page.locator(`${ROWS} th`).allInnerTexts()).toEqual([id]);
    }
    for (const query of ['namespace=/talk&address=127.0.', 'namespace=/talk&kind=json']) {
      await console_.open(`#/connections?${query}`);
      await console_.expectText('.pages', '1 to 2 of 2');
    }
    await console_.open('#/connections?address=10.');
    await page.getByText('No connection, or none that the filter lets through.').waitFor();
    await page.getByLabel('Client').selectOption('Socket.IO');
    await page.waitForURL(/kind=socket\.io/);
    await page.getByRole('link', { name: 'Clear' }).click();
    await page.waitForURL(/#\/connections$/);
    await console_.expectRow('Connections', id, 'grace', '/talk', '127.0.0.1', 'JSON');
  });

  it('shows one connection, its frames while the user watches, and its end', async () => {
    const [console_, app] = await openConsole('', { payloads: true });
    const { page } = console_;
    const client = await app.connect('/talk?name=grace&room=engines');
    await console_.open('#/connections?user=grace');
    await page.locator(`${ROWS} a`).first().click();
    for (const text of ['grace', '/talk', '127.0.0.1', 'JSON', `:${process.pid}`])
      await console_.expectText('dl.facts', text);
    await console_.expectRow('Rooms', 'engines');
    expect(await page.locator('.frames li').count()).toBe(0);
    await console_.button('Watch').click();
    await console_.expectText('.hint', '0 of 0 frames recorded');
    await client.ask('say', 'hello');
    await console_.expectText('.frames .out', '"hello"');
    await console_.expectText('.frames .in', '{"heard":"hello"}');
    client.ws.close();
    await console_.expectText('.notice', 'The connection has ended. What is shown was true before.');
    expect(await page.locator('.actions button').count()).toBe(0);
    expect(await page.locator('.frames li').count()).toBeGreaterThan(1);
    await console_.open('#/connections/nowhere/nothing');
    await page.reload();
    await page.locator('#view .notice').waitFor();
  });

  it('hides payloads by default', async () => {
    const [console_, app] = await openConsole();
    const client = await app.connect('/talk?name=grace');
    await console_.open('#/connections?user=grace');
    await console_.page.locator(`${ROWS} a`).first().click();
    await console_.button('Watch').click();
    await console_.expectText('.hint', 'The node hides payloads.');
    await client.ask('say', 'between us');
    await console_.expectText('.frames .out b', 'say');
    expect(await console_.page.content()).not.toContain('between us');
  });

  it('shows rooms by size and by name', async () => {
    const [console_, app] = await openConsole();
    const { page } = console_;
    for (const room of ['engines', 'engines', 'machines']) await app.connect(`/talk?room=${room}`);
    await console_.goTo('Rooms');
    await console_.expectRow('Rooms', 'engines', '2');
    const names = page.locator(`${ROWS} th`).filter({ hasText: /engines|machines/ });
    expect(await names.allInnerTexts()).toEqual(['engines', 'machines']);
    await page.getByLabel('Name begins with').fill('mach');
    await page.getByLabel('Name begins with').press('Enter');
    await console_.expectText('.pages', '1 to 1 of 1');
    await page.getByRole('link', { name: 'machines' }).click();
    await console_.expectView('Connections');
    await console_.expectText('.pages', '1 to 1 of 1');
  });

  it('shows names that are HTML as text', async () => {
    const [console_, app] = await openConsole('', { payloads: true });
    const { page } = console_;
    const name = encodeURIComponent(HOSTILE);
    const client = await app.connect(`/talk?name=${name}&room=${name}`, {
      headers: { 'user-agent': HOSTILE },
    });
    await console_.goTo('Rooms');
    await console_.expectRow('Rooms', HOSTILE, '1');
    await page.getByRole('link', { name: HOSTILE, exact: true }).click();
    await console_.expectRow('Connections', HOSTILE);
    await page.locator(`${ROWS} a`).first().click();
    await console_.expectRow('Rooms', HOSTILE);
    await console_.button('Watch').click();
    await console_.expectText('.hint', 'frames recorded');
    await client.ask(HOSTILE, HOSTILE);
    await console_.expectText('.frames b', HOSTILE);
    await console_.act(console_.button('Disconnect…'), 'Disconnect', {
      'Reason for the client, if any': HOSTILE,
    });
    await console_.goTo('Audit');
    await console_.expectRow('Actions, the newest first', 'disconnect');
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(app.nest.get(TalkGateway).server.sockets.size).toBe(0);
  });
});
