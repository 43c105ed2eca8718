import { jest } from '@jest/globals';
import { startChat } from '../explorer/chat.js';
import { until } from '../support/wait.js';
import { violations } from './axe.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { Explorer } from './explorer.js';

/** The fields whose text, or what they ask for, is wider than they are. */
const CUT_OFF = `(() => {
  const pen = document.createElement('canvas').getContext('2d');
  return [...document.querySelectorAll('#connect-form select, input:not([type=checkbox])')]
    .filter((field) => field.checkVisibility())
    .filter((field) => {
      const style = getComputedStyle(field);
      pen.font = style.font;
      const text = field.selectedOptions?.[0].text ?? field.placeholder;
      const arrow = field.matches('select') ? 20 : 0;
      return pen.measureText(text).width + arrow > field.clientWidth - parseFloat(style.paddingLeft) * 2;
    })
    .map((field) => field.id || field.dataset.parameter);
})()`;

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

  it('is accessible: unconnected, refused, with frames, on a phone', async () => {
    const { page } = await explorer.open('#/rooms-room/whoami');
    expect(await violations(page)).toEqual([]);
    await page.fill('[data-parameter=room]', 'blue');
    await page.click('#connect');
    await explorer.sees('#state', 'Refused');
    expect(await violations(page)).toEqual([]);
    for (const route of ['#/', '#/ws-chat', '#/ws-chat/emits/said', '#/ws-chat/say']) {
      await explorer.open(route);
      expect([route, ...(await violations(page))]).toEqual([route]);
    }
    await explorer.open('#/ws-chat');
    await explorer.connect();
    await page.fill('#event', 'fail');
    await explorer.send();
    await page.fill('#event', 'ask me');
    await page.check('#as-request');
    await explorer.send();
    await explorer.frame('in', 'where are you?').locator('summary').click();
    await explorer.choose('ticks');
    await explorer.send('1000');
    await page.locator('#streams').getByText('is running').waitFor();
    await page.click('#session summary');
    await page.click('#pause');
    for (const width of [1200, 800, 390]) {
      await page.setViewportSize({ width, height: 800 });
      expect([width, ...(await violations(page))]).toEqual([width]);
    }
  });

  it('cuts off no word of its form, and puts it below the event on a phone', async () => {
    const { page } = explorer;
    for (const width of [1440, 1280, 1200, 1000, 800, 620, 500, 390, 360]) {
      await page.setViewportSize({ width, height: 800 });
      await explorer.open('#/rooms-room/whoami');
      for (const way of ['subprotocol', 'query']) {
        await page.selectOption('#token-as', way);
        expect([width, await page.evaluate(CUT_OFF)]).toEqual([width, []]);
      }
      if (width > 600) continue;
      const [list, event, connection, frames] = await Promise.all(
        ['#index', '#detail', '#connection', '#traffic'].map((part) => page.locator(part).boundingBox()),
      );
      expect(list!.y).toBeLessThan(event!.y);
      expect(event!.y).toBeLessThan(connection!.y);
      expect(connection!.y).toBeLessThan(frames!.y);
    }
  });

  it('brings an event that is chosen on a phone into view, also when it was there already', async () => {
    const { page } = explorer;
    // lower than the list is long
    await page.setViewportSize({ width: 390, height: 240 });
    await explorer.open();
    const top = async (): Promise<number> => (await page.locator('#detail h2').boundingBox())!.y;
    expect(await top()).toBeGreaterThan(240);
    for (const event of ['join', 'join', 'say']) {
      await page.evaluate('scrollTo(0, 0)');
      await explorer.choose(event);
      await until(`${event} is in view`, async () => (await top()) >= 0 && (await top()) < 200);
    }
  });
});
