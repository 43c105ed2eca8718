import { jest } from '@jest/globals';
import { startChat } from '../explorer/chat.js';
import { until } from '../support/wait.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { Explorer } from './explorer.js';

// a browser on a busy machine takes its time
jest.setTimeout(60_000);

describeInBrowser('the explorer in Chromium, seen for the first time', () => {
  let chromium: Chromium | undefined;
  let explorer: Explorer;

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  beforeEach(async () => {
    explorer = new Explorer(await chromium!.open(), await startChat());
  });
  afterEach(async () => {
    await explorer.page.context().close();
    expect([...explorer.complaints, ...explorer.foreign]).toEqual([]);
  });

  it('says first what went wrong, and the whole on a click', async () => {
    const { page } = await explorer.open('#/ws-chat');
    await explorer.connect();
    const [exception, preview] = [page.locator('#frames [data-exception]').last(), '.preview'];
    await page.fill('#event', 'refuse');
    await explorer.send();
    await exception.getByText('400: room must be one of red, blue, at must be a date').waitFor();
    await exception.locator('summary').click();
    expect(await exception.locator('pre').textContent()).toContain('"status": "error"');
    await page.fill('#event', 'nobody');
    await explorer.send();
    await exception.getByText(/^unknown_event: /).waitFor();
    await page.fill('#event', 'fail');
    await explorer.send();
    await exception.getByText('the door is shut', { exact: true }).waitFor();
    const own = ['{"message":[]}', '{"message":{"toString":0}}', '[{"message":"in a list"}]', 'null'];
    for (const data of own) {
      for (const { ws } of explorer.server.sockets.values()) ws.send(`{"event":"exception","data":${data}}`);
      await exception.locator(preview).getByText(data, { exact: true }).waitFor();
    }
  });

  it('goes from one path to another with one click, by way of the form where that has gaps', async () => {
    const { page } = await explorer.open('#/ws-chat/say');
    await explorer.connect();
    expect(await page.locator('#switch').isVisible()).toBe(false);
    await explorer.choose('whoami');
    await explorer.sees('#send-hint', 'The connection is to /ws/chat, this event belongs to /rooms/{room}');
    await page.click('#switch');
    await explorer.sees('#state', 'Not connected');
    await page.locator('[data-parameter=room]:focus').fill('red');
    await page.fill('#token', 'open sesame');
    await explorer.connect();
    await explorer.sees('#state-detail', '/rooms/red');
    await explorer.send();
    await explorer.frame('in', 'whoami').getByText('{"id":"ada"}').waitFor();

    await explorer.choose('say');
    await page.getByRole('button', { name: 'Connect to /ws/chat' }).click();
    await explorer.sees('#state-detail', '/ws/chat');
    await explorer.send();
    await explorer
      .frame('in', 'say')
      .getByText(/^answers #1/)
      .waitFor();
    const notes = await page.locator('#frames .note b').allTextContents();
    expect(notes.slice(-3)).toEqual(['Connected to /rooms/red', 'Disconnected', 'Connected to /ws/chat']);
    await until('the other line is gone', () => explorer.server.sockets.size === 1);
  });

  it('tells from its title what the whole is about', async () => {
    const { page } = await explorer.open();
    await page.click('#title');
    await explorer.sees('#detail .prose', 'Who is in a room hears what is said in it.');
    expect(await page.locator('#detail .events li').allInnerTexts()).toEqual([
      expect.stringMatching(/^\/ws\/chat\s+Open to everybody\.$/),
      expect.stringMatching(/^\/rooms\/\{room\}\s+For those with a key, /),
    ]);
    expect(await page.locator('#composer').isVisible()).toBe(false);
    await page.locator('#detail').getByRole('link', { name: '/ws/chat' }).click();
    await explorer.sees('#detail .origin', 'ChatGateway');
    await page.goBack();
    await explorer.sees('#detail h3', 'Channels');
  });

  it('shows code, bold and emphasis in descriptions, and no more of Markdown than that', async () => {
    const { page } = await explorer.open('#/rooms-room');
    const prose = page.locator('#detail > div > .prose');
    expect(await prose.textContent()).toBe(
      'For those with a key, nobody else: ** of 2*3*4, <b>as it is</b>, * and **.',
    );
    expect(await prose.locator('strong').allTextContents()).toEqual(['those with a key']);
    expect(await prose.locator('em').allTextContents()).toEqual(['nobody']);
    expect(await prose.locator('code').allTextContents()).toEqual(['**']);
    expect(await prose.locator('*').count()).toBe(3);
  });

  it('counts no value of a stream as an answer', async () => {
    const { page } = await explorer.open('#/ws-chat/ticks');
    await explorer.connect();
    await explorer.send('2');
    await explorer.sees('#frames', 'ends #1');
    expect(await page.locator('#timings').isVisible()).toBe(false);
    await explorer.choose('say');
    await explorer.send();
    await explorer.sees('#timings', /^answer 1$/);
  });

  it('keeps what the session is to a line at 1280 pixels, and the rest a click away', async () => {
    const { page } = explorer;
    await page.setViewportSize({ width: 1280, height: 800 });
    await explorer.open();
    await explorer.connect();
    await explorer.sees('.rooms', 'lobby');
    expect((await page.locator('#session code').first().boundingBox())!.height).toBeLessThan(30);
    expect((await page.locator('#session').boundingBox())!.height).toBeLessThan(60);
    expect(await page.locator('#session dl').isVisible()).toBe(false);
    await page.click('#session summary');
    await explorer.sees('#session', 'every 25 s');
    await explorer.sees('#session', '1,000,000 B');
  });

  it('brings an event that is chosen on a phone into view, also when it was there already', async () => {
    const { page } = explorer;
    await page.setViewportSize({ width: 390, height: 700 });
    await explorer.open();
    const top = async (): Promise<number> => (await page.locator('#detail h2').boundingBox())!.y;
    expect(await top()).toBeGreaterThan(700);
    for (const event of ['join', 'join', 'say']) {
      await page.evaluate('scrollTo(0, 0)');
      await explorer.choose(event);
      await until(`${event} is in view`, async () => (await top()) >= 0 && (await top()) < 400);
    }
  });
});
