import { EnvelopeExplorer } from '../../lib/explorer/index.js';
import { GATEWAYS, JwtGuard, KeyGuard } from '../contract/rich-app.js';
import { startApp } from '../support/app.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { Explorer } from './explorer.js';

describeInBrowser('the explorer in Chromium with a generated contract', () => {
  let chromium: Chromium | undefined;
  let explorer: Explorer;

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  beforeEach(async () => {
    const app = await startApp(
      { providers: [...GATEWAYS, JwtGuard, KeyGuard] },
      { before: (app) => EnvelopeExplorer.setup('ws-docs', app, { title: 'Rich', version: '1.0.0' }) },
    );
    explorer = await new Explorer(await chromium!.open(), app).open();
  });
  afterEach(async () => {
    await explorer.page.context().close();
    expect([...explorer.problems, ...explorer.foreignRequests]).toEqual([]);
  });

  it('shows every channel and every event, regardless of their names', async () => {
    const { page } = explorer;
    const links = page.locator('#index a');
    const routes = new Set<string>();
    for (let index = 0; index < (await links.count()); index++) {
      await links.nth(index).click();
      const name = await links.nth(index).locator('span').last().textContent();
      await page.locator('#detail h2').getByText(name!, { exact: true }).waitFor();
      expect(await links.nth(index).getAttribute('aria-current')).toBe('page');
      routes.add(page.url());
    }
    expect(routes.size).toBe(await links.count());
    expect(routes.size).toBeGreaterThan(30);
  });

  it('distinguishes two handlers of one event', async () => {
    await explorer.open('#/ws-chat/presence');
    await explorer.expectText('#detail .origin', 'ChatGateway.presence');
    await explorer.open('#/ws-chat/presence/2');
    await explorer.expectText('#detail .origin', 'ModerationGateway.presence');
  });

  it('sends an example that is generated from classes', async () => {
    await explorer.open('#/ws-chat/say');
    await explorer.connect();
    await explorer.send();
    await explorer
      .frame('in', 'say')
      .getByText(/^answers #1/)
      .waitFor();
    await explorer.frame('out', 'say').locator('summary').click();
    const sent = await explorer.frame('out', 'say').locator('pre').textContent();
    expect(JSON.parse(sent!)).toMatchObject({
      event: 'say',
      data: { colour: 'red', level: 1, mail: 'ada@example.com', place: { latitude: 1, longitude: 1 } },
    });
  });

  it('connects to a namespace of a RegExp', async () => {
    const { page } = explorer;
    await explorer.open('#/games-name/play');
    await page.fill('[data-parameter=name]', '/game-7');
    await explorer.connect();
    await explorer.send('"ace"');
    await explorer.frame('in', 'play').getByText('"ace"').waitFor();
    await explorer.expectText('#frames .note', 'Connected to /games/game-7');
  });

  it('can be used with the keyboard only, and every field has a label', async () => {
    const { page } = explorer;
    await explorer.open('#/games-name/play');
    const unlabelled = await page.evaluate(
      `[...document.querySelectorAll('input, select, textarea, button')]
        .filter((field) => !field.labels?.length && !field.ariaLabel && !field.textContent.trim())
        .map((field) => field.outerHTML)`,
    );
    expect(unlabelled).toEqual([]);
    const tabTo = async (selector: string, key = 'Tab'): Promise<void> => {
      for (let presses = 0; presses < 20; presses++) {
        await page.keyboard.press(key);
        if (await page.evaluate(`document.activeElement.matches('${selector}')`)) return;
      }
      throw new Error(`${key} does not reach ${selector}`);
    };
    await page.focus('#payload');
    await tabTo('[data-parameter=name]');
    await page.keyboard.type('/game-1');
    await tabTo('#connect');
    await page.keyboard.press('Enter');
    await explorer.expectText('#state', 'Connected');
    await tabTo('#payload', 'Shift+Tab');
    await page.keyboard.press('Control+Enter');
    const answer = explorer.frame('in', 'play');
    await answer.waitFor();
    await tabTo('#frames > li.in:last-child summary');
    await page.keyboard.press('Enter');
    await answer.locator('pre').getByText('"text"').waitFor();
  });

  it('shows code in descriptions as code', async () => {
    await explorer.open('#/games-name');
    const code = explorer.page.locator('#detail .prose code', { hasText: 'envelope.v1' });
    expect(await code.first().textContent()).toBe('envelope.v1');
  });
});
