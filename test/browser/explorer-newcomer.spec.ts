import { startChat } from '../explorer/chat.js';
import { until } from '../support/wait.js';
import { violations } from './axe.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { Explorer } from './explorer.js';

/** Finds the fields whose value or placeholder is wider than the field. */
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

describeInBrowser('the explorer in Chromium for a new user', () => {
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
    expect([...explorer.problems, ...explorer.foreignRequests]).toEqual([]);
  });

  it('shows the message of an exception first, and all of it after a click', async () => {
    const { page } = await explorer.open('#/ws-chat');
    await explorer.connect();
    const [exception, preview] = [page.locator('#frames [data-exception]').last(), '.preview'];
    await page.fill('#event', 'refuse');
    await explorer.send();
    await exception.getByText('400: room must be one of red, blue, at must be a date').waitFor();
    await exception.locator('summary').click();
    expect(await exception.locator('pre').textContent()).toContain('"status": "error"');
    await page.fill('#event', 'unknown');
    await explorer.send();
    await exception.getByText(/^unknown_event: /).waitFor();
    await page.fill('#event', 'fail');
    await explorer.send();
    await exception.getByText('the room is closed', { exact: true }).waitFor();
    const own = ['{"message":[]}', '{"message":{"toString":0}}', '[{"message":"in a list"}]', 'null'];
    for (const data of own) {
      for (const { ws } of explorer.server.sockets.values()) ws.send(`{"event":"exception","data":${data}}`);
      await exception.locator(preview).getByText(data, { exact: true }).waitFor();
    }
  });

  it('switches to another path with one click, or through the form if parameters are missing', async () => {
    const { page } = await explorer.open('#/ws-chat/say');
    await explorer.connect();
    expect(await page.locator('#switch').isVisible()).toBe(false);
    await explorer.choose('whoami');
    await explorer.expectText(
      '#send-hint',
      'The connection is to /ws/chat, this event belongs to /rooms/{room}',
    );
    await page.click('#switch');
    await explorer.expectText('#state', 'Not connected');
    await page.locator('[data-parameter=room]:focus').fill('red');
    await page.fill('#token', 'valid token');
    await explorer.connect();
    await explorer.expectText('#state-detail', '/rooms/red');
    await explorer.send();
    await explorer.frame('in', 'whoami').getByText('{"id":"ada"}').waitFor();

    await explorer.choose('say');
    await page.getByRole('button', { name: 'Connect to /ws/chat' }).click();
    await explorer.expectText('#state-detail', '/ws/chat');
    await explorer.send();
    await explorer
      .frame('in', 'say')
      .getByText(/^answers #1/)
      .waitFor();
    const notes = await page.locator('#frames .note b').allTextContents();
    expect(notes.slice(-3)).toEqual(['Connected to /rooms/red', 'Disconnected', 'Connected to /ws/chat']);
    await until('the other connection is closed', () => explorer.server.sockets.size === 1);
  });

  it('shows an overview when the title is clicked', async () => {
    const { page } = await explorer.open();
    await page.click('#title');
    await explorer.expectText('#detail .prose', 'Members of a room receive its messages.');
    expect(await page.locator('#detail .events li').allInnerTexts()).toEqual([
      expect.stringMatching(/^\/ws\/chat\s+Open to all clients\.$/),
      expect.stringMatching(/^\/rooms\/\{room\}\s+For clients with a token, /),
    ]);
    expect(await page.locator('#composer').isVisible()).toBe(false);
    await page.locator('#detail').getByRole('link', { name: '/ws/chat' }).click();
    await explorer.expectText('#detail .origin', 'ChatGateway');
    await page.goBack();
    await explorer.expectText('#detail h3', 'Channels');
  });

  it('formats code, bold and emphasis in descriptions, and no other Markdown', async () => {
    const { page } = await explorer.open('#/rooms-room');
    const prose = page.locator('#detail > div > .prose');
    expect(await prose.textContent()).toBe(
      'For clients with a token, no others: ** of 2*3*4, <b>as it is</b>, * and **.',
    );
    expect(await prose.locator('strong').allTextContents()).toEqual(['clients with a token']);
    expect(await prose.locator('em').allTextContents()).toEqual(['no']);
    expect(await prose.locator('code').allTextContents()).toEqual(['**']);
    expect(await prose.locator('*').count()).toBe(3);
  });

  it('does not count the values of a stream as answers', async () => {
    const { page } = await explorer.open('#/ws-chat/ticks');
    await explorer.connect();
    await explorer.send('2');
    await explorer.expectText('#frames', 'ends #1');
    expect(await page.locator('#timings').isVisible()).toBe(false);
    await explorer.choose('say');
    await explorer.send();
    await explorer.expectText('#timings', /^answer 1$/);
  });

  it('shows the session in one line at 1280 pixels, and its details after a click', async () => {
    const { page } = explorer;
    await page.setViewportSize({ width: 1280, height: 800 });
    await explorer.open();
    await explorer.connect();
    await explorer.expectText('.rooms', 'lobby');
    expect((await page.locator('#session code').first().boundingBox())!.height).toBeLessThan(30);
    expect((await page.locator('#session').boundingBox())!.height).toBeLessThan(60);
    expect(await page.locator('#session dl').isVisible()).toBe(false);
    await page.click('#session summary');
    await explorer.expectText('#session', 'every 25 s');
    await explorer.expectText('#session', '1,000,000 B');
  });

  it('is accessible: not connected, refused, with frames, on a phone', async () => {
    const { page } = await explorer.open('#/rooms-room/whoami');
    expect(await violations(page)).toEqual([]);
    await page.fill('[data-parameter=room]', 'blue');
    await page.click('#connect');
    await explorer.expectText('#state', 'Refused');
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
    await explorer.send('2');
    await explorer.expectText('#frames', 'ends #');
    await page.click('#pause');
    // its values are not shown: on a slow machine there would be a thousand, and axe looks at each
    await explorer.send('1000');
    await page.locator('#streams').getByText('is running').waitFor();
    await page.click('#session summary');
    for (const width of [1200, 800, 390]) {
      await page.setViewportSize({ width, height: 800 });
      expect([width, ...(await violations(page))]).toEqual([width]);
    }
  });

  it('truncates no text of its form, and moves the form below the event on a phone', async () => {
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

  it('scrolls to a selected event on a phone, even if it was selected before', async () => {
    const { page } = explorer;
    // The list is longer than this height.
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
