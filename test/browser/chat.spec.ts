import type { Page } from 'playwright-core';
import { AppModule } from '../../sample/01-chat/src/app.module.js';
import { ChatHistoryService } from '../../sample/01-chat/src/chat-history.service.js';
import type { ChatServer } from '../../sample/01-chat/src/chat.js';
import { EnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { violations } from './axe.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** Messages that the browser writes to its console when the server is unreachable. */
const CONNECTION_ERROR = /^WebSocket connection to .* failed: /;

/** One window of the chat, with the problems that occurred in it. */
class ChatWindow {
  readonly problems: string[] = [];
  readonly hosts = new Set<string>();

  constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      const isProblem = message.type() === 'error' || message.type() === 'warning';
      if (isProblem && !CONNECTION_ERROR.test(message.text())) this.problems.push(message.text());
    });
    page.on('request', (request) => this.hosts.add(new URL(request.url()).host));
  }

  async openAs(url: string, name: string): Promise<this> {
    await this.page.goto(url);
    await this.page.fill('#name', name);
    await this.page.press('#name', 'Enter');
    await this.expectText('#status', 'Connected');
    await this.expectText('#names', name);
    return this;
  }

  /** Waits until an element shows the text. Rejects after a timeout. */
  expectText(selector: string, text: string): Promise<void> {
    return this.page.locator(selector).getByText(text, { exact: true }).first().waitFor();
  }

  async expectNoText(selector: string, text: string): Promise<void> {
    await this.page.locator(selector).getByText(text, { exact: true }).first().waitFor({ state: 'detached' });
  }

  type(text: string): Promise<void> {
    return this.page.locator('#text').pressSequentially(text);
  }

  async send(text: string): Promise<void> {
    await this.page.fill('#text', text);
    await this.page.press('#text', 'Enter');
    await this.expectText('#log li:not([data-state])', text);
  }

  async open(room: string): Promise<void> {
    await this.page.fill('#new-room', room);
    await this.page.press('#new-room', 'Enter');
    await this.expectText('#title', room);
  }

  switchTo(room: string): Promise<void> {
    return this.page.locator('.room', { hasText: room }).click();
  }

  /** Returns the texts of the visible messages. */
  messages(): Promise<string[]> {
    return this.page.locator('#log .text').allTextContents();
  }

  people(): Promise<string[]> {
    return this.page.locator('#names .name').allTextContents();
  }
}

describeInBrowser('sample 01-chat in Chromium', () => {
  let chromium: Chromium | undefined;
  let app: TestApp;
  let windows: ChatWindow[];

  beforeAll(async () => {
    process.env.ANNOUNCE_INTERVAL = '0';
    chromium = await Chromium.launch();
  });
  afterAll(async () => {
    delete process.env.ANNOUNCE_INTERVAL;
    await chromium?.close();
  });

  beforeEach(async () => {
    windows = [];
    app = await startApp({ imports: [AppModule] });
  });
  afterEach(async () => {
    await Promise.all(windows.map(({ page }) => page.context().close()));
    expect(windows.flatMap(({ problems }) => problems)).toEqual([]);
  });

  const openAs = async (name: string): Promise<ChatWindow> => {
    const window = new ChatWindow(await chromium!.open());
    windows.push(window);
    return window.openAs(`http://127.0.0.1:${app.port}/`, name);
  };

  it('lets two windows chat and shows the history to a third', async () => {
    const [ada, bob] = [await openAs('ada'), await openAs('bob')];
    await ada.send('hi');
    await bob.expectText('#log', 'hi');
    await bob.send('hello');
    await ada.expectText('#log', 'hello');
    expect(await ada.messages()).toEqual(['hi', 'hello']);
    const zoe = await openAs('zoe');
    await zoe.expectText('#log', 'hello');
    expect(await zoe.messages()).toEqual(['hi', 'hello']);
    expect([...ada.hosts]).toEqual([`127.0.0.1:${app.port}`]);
  });

  it('shows input of others as text, never as HTML', async () => {
    const ada = await openAs('<img src=x onerror=alert(1)>');
    const bob = await openAs('bob');
    await ada.send('<b id="bold">hi</b>');
    await bob.expectText('#log', '<b id="bold">hi</b>');
    await bob.expectText('#names', '<img src=x onerror=alert(1)>');
    expect(await bob.page.locator('#bold, #log img, #names img').count()).toBe(0);
  });

  it('shows who is typing until the message arrives', async () => {
    const [ada, bob] = [await openAs('ada'), await openAs('bob')];
    await ada.type('he');
    await bob.expectText('#typing', 'ada is typing');
    expect(await ada.page.locator('#typing').textContent()).toBe('');
    await ada.send('here it is');
    await bob.expectText('#log', 'here it is');
    await bob.expectNoText('#typing', 'ada is typing');
  });

  it('shows the members under their chosen names', async () => {
    const [ada, bob] = [await openAs('ada'), await openAs('bob')];
    await ada.expectText('#names', 'bob');
    expect(await ada.people()).toEqual(['ada', 'bob']);
    await bob.page.click('#me');
    await bob.page.fill('#name', 'robert');
    await bob.page.press('#name', 'Enter');
    await ada.expectText('#names', 'robert');
    expect(await ada.people()).toEqual(['ada', 'robert']);
    await bob.page.close();
    await ada.expectNoText('#names', 'robert');
    expect(await ada.people()).toEqual(['ada']);
  });

  it('switches rooms, each with a separate history, member list and unread count', async () => {
    const [ada, bob] = [await openAs('ada'), await openAs('bob')];
    await ada.send('in the lobby');
    await ada.open('tea');
    await ada.send('in the tea room');
    expect(await ada.people()).toEqual(['ada']);
    await bob.open('tea');
    await bob.expectText('#log', 'in the tea room');
    expect(await bob.messages()).toEqual(['in the tea room']);
    await ada.switchTo('lobby');
    expect(await ada.messages()).toEqual(['in the lobby']);
    await bob.send('green or black?');
    await ada.expectText('#rooms .badge', '1');
    await ada.switchTo('tea');
    expect(await ada.messages()).toEqual(['in the tea room', 'green or black?']);
    await bob.page.click('button[aria-label="Leave tea"]');
    await bob.expectText('#title', 'lobby');
    await ada.expectNoText('#names', 'bob');
  });

  it('sends a message to all rooms at once', async () => {
    const [ada, bob, zoe] = [await openAs('ada'), await openAs('bob'), await openAs('zoe')];
    await Promise.all([ada.open('tea'), bob.open('tea')]);
    await ada.expectText('#names', 'bob');
    await ada.page.click('#everywhere');
    await ada.send('Lunch!');
    await bob.expectText('#log .said', 'Lunch!');
    await zoe.expectText('#log .said', 'Lunch!');
    await ada.send('and this stays in here');
    await bob.expectText('#log .message', 'and this stays in here');
    expect(await zoe.messages()).toEqual(['Lunch!']);
  });

  it('reconnects automatically and restores the name, the rooms and missed messages', async () => {
    const [ada, bob] = [await openAs('ada'), await openAs('bob')];
    await Promise.all([ada.open('tea'), bob.open('tea')]);
    await ada.expectText('#names', 'bob');
    const { clients } = app.nest.get<ChatServer>(EnvelopeServer);
    for (const { data, ws } of clients) if (data.name === 'ada') ws.terminate();
    await ada.page.locator('#status[data-state="waiting"]').waitFor();
    await bob.send('where are you?');
    await ada.expectText('#status', 'Connected');
    await ada.expectText('#log', 'where are you?');
    await bob.expectText('#names', 'ada');
    await ada.send('here again');
    await bob.expectText('#log', 'here again');
  });

  it('keeps the messages that the server lost, and shows each once', async () => {
    const [ada, bob] = [await openAs('ada'), await openAs('bob')];
    for (const text of ['hi', 'hi', 'bye']) await ada.send(text);
    await bob.expectText('#log', 'bye');
    const history = app.nest.get(ChatHistoryService);
    history.forget('lobby');
    history.add('lobby', 'ada', 'bye');
    history.add('lobby', 'zoe', 'missed');
    // bob stays, because the history ends with its room
    const { clients } = app.nest.get<ChatServer>(EnvelopeServer);
    for (const { data, ws } of clients) if (data.name === 'ada') ws.terminate();
    await ada.expectText('#log', 'missed');
    expect(await ada.messages()).toEqual(['hi', 'hi', 'bye', 'missed']);
  });

  it('talks in one room over each transport', async () => {
    const [ada, bob] = [await openAs('ada'), await openAs('bob')];
    const { clients } = app.nest.get<ChatServer>(EnvelopeServer);
    const transports = (): string[] => [...clients].map(({ conn }) => conn.transport.name).sort();
    for (const [option, names] of [
      ['Socket.IO', ['websocket', 'websocket']],
      ['Socket.IO, polling', ['polling', 'websocket']],
      ['WebSocket', ['websocket', 'websocket']],
    ] as const) {
      await bob.page.selectOption('#transport', option);
      await bob.expectText('#status', 'Connected');
      await ada.send(`to ${option}`);
      await bob.expectText('#log', `to ${option}`);
      await bob.send(`from ${option}`);
      await ada.expectText('#log', `from ${option}`);
      expect(transports()).toEqual(names);
      expect(await ada.people()).toEqual(['ada', 'bob']);
    }
  });

  it('shows why the server refused a message of a Socket.IO client', async () => {
    const ada = await openAs('ada');
    await ada.page.selectOption('#transport', 'Socket.IO');
    await ada.expectText('#status', 'Connected');
    await ada.send('hi');
    for (const { id } of app.nest.get<ChatServer>(EnvelopeServer).clients)
      app.nest.get<ChatServer>(EnvelopeServer).in(id).socketsLeave('lobby');
    await ada.page.fill('#text', 'anybody?');
    await ada.page.press('#text', 'Enter');
    await ada.expectText('#notice', 'You are not in the room "lobby"');
    await ada.expectText('#log [data-state="failed"] .text', 'anybody?');
  });

  it('is accessible: before the name is entered, in a room, on a phone', async () => {
    const window = new ChatWindow(await chromium!.open());
    windows.push(window);
    const { page } = window;
    const url = `http://127.0.0.1:${app.port}/`;
    await page.goto(url);
    await page.locator('#name').waitFor();
    expect(await violations(page)).toEqual([]);
    await window.openAs(url, 'ada');
    await page.locator('#text:focus').waitFor();
    const bob = await openAs('bob');
    await bob.open('tea');
    await window.open('tea');
    await window.send('hi');
    await bob.expectText('#log', 'hi');
    await bob.type('he');
    await window.expectText('#typing', 'bob is typing');
    expect(await violations(page)).toEqual([]);
    expect(await violations(bob.page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 640 });
    await page.click('#people-toggle');
    await page.locator('#people').waitFor({ state: 'visible' });
    expect(await violations(page)).toEqual([]);
    await app.nest.close();
    await page.locator('#status[data-state="waiting"]').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('fits a phone', async () => {
    const ada = await openAs('ada');
    await ada.page.setViewportSize({ width: 360, height: 640 });
    await ada.send(`a long word: ${'x'.repeat(200)}`);
    const widths = await ada.page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    expect(widths).toEqual([360, 360]);
    await ada.page.click('#people-toggle');
    await ada.page.locator('#people').waitFor({ state: 'visible' });
  });
});
