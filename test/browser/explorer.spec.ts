import { mountExplorer } from '../../lib/explorer/explorer-mount.js';
import { HOSTILE, startChat } from '../explorer/chat.js';
import { until } from '../support/wait.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { Explorer } from './explorer.js';

describeInBrowser('the explorer in Chromium', () => {
  let chromium: Chromium | undefined;
  const explorers: Explorer[] = [];

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  afterEach(async () => {
    const done = explorers.splice(0);
    await Promise.all(done.map(({ page }) => page.context().close()));
    expect(done.flatMap(({ problems, foreignRequests }) => [...problems, ...foreignRequests])).toEqual([]);
  });

  const openExplorer = async (route?: string): Promise<Explorer> => {
    const explorer = new Explorer(await chromium!.open(), await startChat());
    explorers.push(explorer);
    return explorer.open(route);
  };

  it('shows the contract', async () => {
    const explorer = await openExplorer();
    const { page } = explorer;
    expect(await page.title()).toBe('Chat');
    await explorer.expectText('#version', '2.1.0');
    expect(await page.locator('#index h2').allInnerTexts()).toEqual(['/ws/chat', '/rooms/{room}']);
    expect(page.url()).toMatch(/#\/ws-chat\/say$/);
    expect(await page.locator('.schema').first().innerText()).toMatchInlineSnapshot(`
     "SayDto
     no other fields
     text
     string
     required
     length 1 to 500

     What is said.

     mood
     string
     default "calm"

     "calm"
     "merry"
     "cross"

     at
     string · date-time
     to
     (string · uuid)[]
     items ≤ 20
     unique items
     quotes
     QuoteDto[]
     items ≤ 3
     from
     string
     required
     /^[a-z]+$/
     weight
     number
     ≥ 0
     < 10
     reply
     QuoteDto
     as above"
    `);
    await explorer.choose('whoami');
    await explorer.expectText('.security', 'http, bearer: The access token.');
    await explorer.choose('said');
    await explorer.expectText('.crumbs', '↓ the server sends');
    expect(await page.locator('#composer').isVisible()).toBe(false);
  });

  it('has a link for each channel and event, and works with the browser history', async () => {
    const explorer = await openExplorer('#/ws-chat/join');
    await explorer.expectText('#detail h2', 'join');
    await explorer.expectText('#detail .schema', 'length 1 to 40');
    await explorer.page.getByRole('link', { name: '/rooms/{room}' }).click();
    await explorer.expectText('#detail .origin', 'RoomGateway');
    await explorer.page.goBack();
    await explorer.expectText('#detail h2', 'join');
    await explorer.open('#/ws-chat/emits/said');
    await explorer.expectText('#detail', 'A client sent a message.');
    await explorer.open('#/nowhere/%E0%A4%A');
    await explorer.expectText('#detail', 'Members of a room receive its messages.');
  });

  it('sends the example of an event, and shows both frames with their sizes and the round-trip time', async () => {
    const explorer = await openExplorer();
    await explorer.expectText('#send-hint', 'Connect to /ws/chat to send');
    await explorer.connect();
    await explorer.send();
    const [asked, answered] = [explorer.frame('out', 'say'), explorer.frame('in', 'say')];
    await answered.getByText(/^answers #1 · [\d.]+ ms$/).waitFor();
    await asked.getByText(/^answered in [\d.]+ ms$/).waitFor();
    const sent = await asked.locator('.preview').textContent();
    const bytes = Buffer.byteLength(`{"event":"say","data":${sent},"id":1}`);
    expect(await asked.locator('.size').textContent()).toBe(`${bytes} B`);
    expect(await asked.locator('time').textContent()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}\+\d+ ms$/);
    expect(await explorer.frame('in', 'said').locator('.preview').textContent()).toBe(sent);
    await explorer.expectText('#timings', /^answer 1$/);
    for (const name of ['last', 'median', 'p95'])
      await explorer.expectText('#timings', new RegExp(`^${name} [\\d.]+ ms$`));
    await answered.locator('summary').click();
    expect(JSON.parse((await answered.locator('pre').textContent())!)).toEqual({
      event: 'say',
      data: { delivered: 1 },
      ack: 1,
    });
    await answered.getByRole('button', { name: 'answers #1' }).click();
    expect(await asked.getAttribute('class')).toContain('found');
  });

  it('shows the session and the current rooms', async () => {
    const explorer = await openExplorer('#/ws-chat/join');
    await explorer.connect();
    const [id] = [...explorer.server.sockets.keys()];
    await explorer.expectText('#session', id!);
    await explorer.expectText('.rooms', 'lobby');
    await explorer.send('"red"');
    await explorer.expectText('.rooms', 'red');
    expect(await explorer.page.locator('.rooms code').allInnerTexts()).toEqual(['lobby', 'red']);
    await explorer.page.click('#disconnect');
    await explorer.expectText('#state', 'Not connected');
  });

  it('is refused by a guard without a token, and accepted with one in the subprotocol or the query', async () => {
    const explorer = await openExplorer('#/rooms-room/whoami');
    const { page } = explorer;
    await page.fill('[data-parameter=room]', 'blue/green');
    await explorer.expectText('#url', '/rooms/blue%2Fgreen');
    await page.click('#connect');
    await explorer.expectText('#state', 'Refused');
    await explorer.expectText('#state-detail', '401 or 403 mean a guard');
    await page.fill('#token', 'valid token');
    for (const way of ['subprotocol', 'query']) {
      await page.selectOption('#token-as', way);
      await explorer.connect();
      await explorer.expectText('.rooms', 'blue/green');
      await explorer.send();
      await explorer.frame('in', 'whoami').last().getByText('{"id":"ada"}').waitFor();
      await page.click('#disconnect');
    }
    expect(await page.locator('#wire').innerText()).not.toContain('valid token');
    await page.fill('#token', '{"token":"valid token"}');
    await page.selectOption('#token-as', 'subprotocol');
    await explorer.connect();
    await page.click('#disconnect');
    await page.uncheck('#versioned');
    await explorer.connect();
  });

  it('explains close codes', async () => {
    const explorer = await openExplorer('#/rooms-room/leave');
    await explorer.page.fill('[data-parameter=room]', 'blue');
    await explorer.page.fill('#token', 'valid token');
    await explorer.connect();
    await explorer.send();
    await explorer.expectText('#state', 'Closed with 4401');
    await explorer.expectText(
      '#state-detail',
      'the credentials expired: reconnect with a fresh token. Reason: “too late”.',
    );
    await explorer.expectText('#frames .note', 'Closed with 4401');
  });

  it('highlights exceptions, also those of unknown events', async () => {
    const explorer = await openExplorer('#/ws-chat/fail');
    await explorer.connect();
    await explorer.send();
    const exception = explorer.frame('in', 'exception');
    await exception.getByText('the room is closed').waitFor();
    expect(await exception.getAttribute('data-exception')).toBe('');
    await explorer.page.getByRole('link', { name: '/ws/chat' }).first().click();
    await explorer.expectText('#composer h2', 'Send any event');
    await explorer.page.fill('#event', 'unknown');
    await explorer.page.press('#event', 'Control+Enter');
    await explorer.expectText('#frames', /unknown_event/);
  });

  it('shows each value of a stream and can cancel it', async () => {
    const explorer = await openExplorer('#/ws-chat/ticks');
    const { page } = explorer;
    expect(await page.isChecked('#as-stream')).toBe(true);
    await explorer.connect();
    await explorer.send('3');
    await explorer.expectText('#frames', 'ends #1');
    expect(await explorer.frame('in', 'ticks').locator('.preview').allTextContents()).toEqual([
      '1',
      '2',
      '3',
      '',
    ]);
    await explorer.send('1000');
    await page.locator('#streams').getByText('ticks #2 is running').waitFor();
    await page.click('#streams button');
    await explorer.expectText('#frames', 'ends #2');
    expect(await page.locator('#streams li').count()).toBe(0);
    await explorer.frame('out', '$cancel').getByText('2', { exact: true }).waitFor();
  });

  it('can answer requests of the server', async () => {
    const explorer = await openExplorer('#/ws-chat');
    await explorer.connect();
    await explorer.page.fill('#event', 'ask me');
    await explorer.page.check('#as-request');
    await explorer.send();
    const question = explorer.frame('in', 'where are you?');
    await question.getByText('the server asks').waitFor();
    await question.locator('summary').click();
    await question.getByLabel('Answer as JSON').fill('"at home"');
    await question.getByRole('button', { name: 'Answer' }).click();
    await explorer.frame('in', 'ask me').getByText('{"said":"at home"}').waitFor();
  });

  it('validates JSON during input and remembers it for each event', async () => {
    const explorer = await openExplorer();
    const { page } = explorer;
    await explorer.connect();
    await page.fill('#payload', '{"text": ');
    expect(await page.getAttribute('#payload', 'aria-invalid')).toBe('true');
    expect(await page.isDisabled('#send')).toBe(true);
    await page.press('#payload', 'Control+Enter');
    await page.fill('#payload', '{"text": "edited"}');
    expect(await page.isEnabled('#send')).toBe(true);
    await explorer.choose('join');
    expect(await page.inputValue('#payload')).toBe('"red"');
    await page.reload();
    await explorer.choose('say');
    expect(await page.inputValue('#payload')).toBe('{"text": "edited"}');
    await page.click('#example');
    expect(JSON.parse(await page.inputValue('#payload'))).toMatchObject({ text: 'hello', mood: 'calm' });
    expect(await explorer.frame('out', 'say').count()).toBe(0);
  });

  it('filters, pauses, clears and copies', async () => {
    const explorer = await openExplorer('#/ws-chat/join');
    const { page } = explorer;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await explorer.connect();
    await explorer.send('"red"');
    await explorer.expectText('#frames', 'answered in');
    await page.fill('#filter', '"RED"');
    expect(await page.locator('#frames > li:visible').count()).toBe(1);
    await page.click('#copy');
    await page.getByText('Copied').waitFor();
    const copied = await page.evaluate('navigator.clipboard.readText()');
    expect(copied).toBe('> {"event":"join","data":"red","id":1}');
    await page.fill('#filter', 'blue');
    await explorer.expectText('#no-frames', 'No frame contains “blue”.');
    await page.fill('#filter', '');
    await page.click('#pause');
    await explorer.send('"blue"');
    await explorer.expectText('#pause', 'Resume (2)');
    expect(await explorer.frame('out', 'join').count()).toBe(1);
    await page.click('#pause');
    await explorer.frame('out', 'join').getByText('"blue"').waitFor();
    await page.click('#clear');
    expect(await page.locator('#frames > li').count()).toBe(0);
  });

  it('keeps the last 2,000 of 10,000 frames in order and scrolls with them', async () => {
    const explorer = await openExplorer('#/ws-chat/flood');
    const { page } = explorer;
    await explorer.connect();
    await explorer.send('10000');
    await page.locator('#frames > li').last().getByText('10000', { exact: true }).waitFor();
    const shown = await page.locator('#frames > li .preview').allTextContents();
    expect(shown).toEqual(Array.from({ length: 2_000 }, (_, index) => String(8_001 + index)));
    const end = (): Promise<void> => until('the end of the list', () => explorer.isAtEnd());
    await end();
    await page.click('#disconnect');
    await explorer.expectText('#frames .note', 'Disconnected');
    await end();
    await page.hover('#frames');
    await page.mouse.wheel(0, -2_000);
    await page.click('#newest');
    await end();
    await page.locator('#newest').waitFor({ state: 'hidden' });
  });

  it('shows why no contract exists', async () => {
    const contract = (): Promise<never> => Promise.reject(new Error('two classes are called Dto'));
    const app = await startChat((app) => mountExplorer('ws-docs', app, contract, undefined));
    const explorer = new Explorer(await chromium!.open(), app);
    await explorer.open();
    await explorer.expectText(
      '[role=alert]',
      'The server answered asyncapi.json with status 500. Error: two classes are called Dto',
    );
    expect(await explorer.page.locator('#wire').isVisible()).toBe(false);
    await explorer.page.context().close();
  });

  it('shows all input of the server and the contract as text', async () => {
    const explorer = await openExplorer();
    const { page } = explorer;
    await explorer.choose(HOSTILE);
    expect(await page.locator('#detail').innerText()).toContain(HOSTILE);
    await explorer.connect();
    await explorer.send();
    await page.getByRole('link', { name: '/ws/chat' }).first().click();
    explorer.server.emit(HOSTILE, { [HOSTILE]: HOSTILE });
    const said = explorer.frame('in', HOSTILE);
    await said.locator('summary').click();
    expect(await said.locator('pre').textContent()).toContain(JSON.stringify(HOSTILE));
    for (const socket of explorer.server.sockets.values()) {
      await socket.join(HOSTILE);
      socket.ws.send(HOSTILE);
      socket.ws.send('{"event":"\\u003cb>","id":"<b>","ack":"<b>"}');
      socket.ws.send('{"event":"$session","data":null}');
      socket.ws.send(
        '{"event":7,"id":{"toString":0},"ack":{"valueOf":0,"toString":0},"data":{"toString":0}}',
      );
    }
    await explorer.expectText('.rooms', HOSTILE);
    await explorer.expectText('#frames .preview', HOSTILE);
    for (const socket of explorer.server.sockets.values()) socket.ws.close(4000, HOSTILE);
    await explorer.expectText('#state-detail', HOSTILE);
    expect(await page.locator('img, #wire b b, #index b').count()).toBe(0);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });

  it('fits a window of 800 pixels and a phone', async () => {
    const explorer = await openExplorer();
    await explorer.connect();
    await explorer.send(`{"text":"${'x'.repeat(300)}"}`);
    await explorer.expectText('#frames', 'answered in');
    for (const width of [1400, 800, 390]) {
      await explorer.page.setViewportSize({ width, height: 900 });
      expect(await explorer.page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    }
  });
});
