import { jest } from '@jest/globals';
import type { Page } from 'playwright-core';
import { AppModule } from '../../sample/01-chat/src/app.module.js';
import type { ChatServer } from '../../sample/01-chat/src/chat.js';
import { EnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { violations } from './axe.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** What the browser itself writes to its console about a server that is gone. */
const GONE = /^WebSocket connection to .* failed: /;

/** One window of the chat, and what went wrong in it. */
class ChatWindow {
  readonly complaints: string[] = [];
  readonly hosts = new Set<string>();

  constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      const isComplaint = message.type() === 'error' || message.type() === 'warning';
      if (isComplaint && !GONE.test(message.text())) this.complaints.push(message.text());
    });
    page.on('request', (request) => this.hosts.add(new URL(request.url()).host));
  }

  async enter(url: string, name: string): Promise<this> {
    await this.page.goto(url);
    await this.page.fill('#name', name);
    await this.page.press('#name', 'Enter');
    await this.sees('#status', 'Connected');
    await this.sees('#names', name);
    return this;
  }

  /** Resolves once an element shows a text; fails when it does not. */
  sees(selector: string, text: string): Promise<void> {
    return this.page.locator(selector).getByText(text, { exact: true }).first().waitFor();
  }

  async seesNo(selector: string, text: string): Promise<void> {
    await this.page.locator(selector).getByText(text, { exact: true }).first().waitFor({ state: 'detached' });
  }

  type(text: string): Promise<void> {
    return this.page.locator('#text').pressSequentially(text);
  }

  async send(text: string): Promise<void> {
    await this.page.fill('#text', text);
    await this.page.press('#text', 'Enter');
    await this.sees('#log li:not([data-state])', text);
  }

  async open(room: string): Promise<void> {
    await this.page.fill('#new-room', room);
    await this.page.press('#new-room', 'Enter');
    await this.sees('#title', room);
  }

  switchTo(room: string): Promise<void> {
    return this.page.locator('.room', { hasText: room }).click();
  }

  /** The texts of the messages on show. */
  messages(): Promise<string[]> {
    return this.page.locator('#log .text').allTextContents();
  }

  people(): Promise<string[]> {
    return this.page.locator('#names .name').allTextContents();
  }
}

// a browser on a busy machine takes its time
jest.setTimeout(60_000);

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
    expect(windows.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  const enter = async (name: string): Promise<ChatWindow> => {
    const window = new ChatWindow(await chromium!.open());
    windows.push(window);
    return window.enter(`http://127.0.0.1:${app.port}/`, name);
  };

  it('lets two windows chat, and shows all of it to a third', async () => {
    const [ada, bob] = [await enter('ada'), await enter('bob')];
    await ada.send('hi');
    await bob.sees('#log', 'hi');
    await bob.send('hello');
    await ada.sees('#log', 'hello');
    expect(await ada.messages()).toEqual(['hi', 'hello']);
    const zoe = await enter('zoe');
    await zoe.sees('#log', 'hello');
    expect(await zoe.messages()).toEqual(['hi', 'hello']);
    expect([...ada.hosts]).toEqual([`127.0.0.1:${app.port}`]);
  });

  it('shows what others write as text, never as HTML', async () => {
    const ada = await enter('<img src=x onerror=alert(1)>');
    const bob = await enter('bob');
    await ada.send('<b id="bold">hi</b>');
    await bob.sees('#log', '<b id="bold">hi</b>');
    await bob.sees('#names', '<img src=x onerror=alert(1)>');
    expect(await bob.page.locator('#bold, #log img, #names img').count()).toBe(0);
  });

  it('shows who types, until the message is there', async () => {
    const [ada, bob] = [await enter('ada'), await enter('bob')];
    await ada.type('he');
    await bob.sees('#typing', 'ada is typing');
    expect(await ada.page.locator('#typing').textContent()).toBe('');
    await ada.send('here it is');
    await bob.sees('#log', 'here it is');
    await bob.seesNo('#typing', 'ada is typing');
  });

  it('shows who is there, under the names that they pick', async () => {
    const [ada, bob] = [await enter('ada'), await enter('bob')];
    await ada.sees('#names', 'bob');
    expect(await ada.people()).toEqual(['ada', 'bob']);
    await bob.page.click('#me');
    await bob.page.fill('#name', 'robert');
    await bob.page.press('#name', 'Enter');
    await ada.sees('#names', 'robert');
    expect(await ada.people()).toEqual(['ada', 'robert']);
    await bob.page.close();
    await ada.seesNo('#names', 'robert');
    expect(await ada.people()).toEqual(['ada']);
  });

  it('switches rooms, each with its own history, people and unread messages', async () => {
    const [ada, bob] = [await enter('ada'), await enter('bob')];
    await ada.send('in the lobby');
    await ada.open('tea');
    await ada.send('in the tea room');
    expect(await ada.people()).toEqual(['ada']);
    await bob.open('tea');
    await bob.sees('#log', 'in the tea room');
    expect(await bob.messages()).toEqual(['in the tea room']);
    await ada.switchTo('lobby');
    expect(await ada.messages()).toEqual(['in the lobby']);
    await bob.send('green or black?');
    await ada.sees('#rooms .badge', '1');
    await ada.switchTo('tea');
    expect(await ada.messages()).toEqual(['in the tea room', 'green or black?']);
    await bob.page.click('button[aria-label="Leave tea"]');
    await bob.sees('#title', 'lobby');
    await ada.seesNo('#names', 'bob');
  });

  it('says something to all rooms at once', async () => {
    const [ada, bob, zoe] = [await enter('ada'), await enter('bob'), await enter('zoe')];
    await Promise.all([ada.open('tea'), bob.open('tea')]);
    await ada.sees('#names', 'bob');
    await ada.page.click('#everywhere');
    await ada.send('Lunch!');
    await bob.sees('#log .said', 'Lunch!');
    await zoe.sees('#log .said', 'Lunch!');
    await ada.send('and this stays in here');
    await bob.sees('#log .message', 'and this stays in here');
    expect(await zoe.messages()).toEqual(['Lunch!']);
  });

  it('comes back by itself, to its name, its rooms and what was said meanwhile', async () => {
    const [ada, bob] = [await enter('ada'), await enter('bob')];
    await Promise.all([ada.open('tea'), bob.open('tea')]);
    await ada.sees('#names', 'bob');
    const { clients } = app.nest.get<ChatServer>(EnvelopeServer);
    for (const { data, ws } of clients) if (data.name === 'ada') ws.terminate();
    await ada.page.locator('#status[data-state="waiting"]').waitFor();
    await bob.send('where are you?');
    await ada.sees('#status', 'Connected');
    await ada.sees('#log', 'where are you?');
    await bob.sees('#names', 'ada');
    await ada.send('here again');
    await bob.sees('#log', 'here again');
  });

  it('is accessible: at the door, in a room, on a phone', async () => {
    const window = new ChatWindow(await chromium!.open());
    windows.push(window);
    const { page } = window;
    const url = `http://127.0.0.1:${app.port}/`;
    await page.goto(url);
    await page.locator('#name').waitFor();
    expect(await violations(page)).toEqual([]);
    await window.enter(url, 'ada');
    await page.locator('#text:focus').waitFor();
    const bob = await enter('bob');
    await bob.open('tea');
    await window.open('tea');
    await window.send('hi');
    await bob.sees('#log', 'hi');
    await bob.type('he');
    await window.sees('#typing', 'bob is typing');
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
    const ada = await enter('ada');
    await ada.page.setViewportSize({ width: 360, height: 640 });
    await ada.send(`a long word: ${'x'.repeat(200)}`);
    const widths = await ada.page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    expect(widths).toEqual([360, 360]);
    await ada.page.click('#people-toggle');
    await ada.page.locator('#people').waitFor({ state: 'visible' });
  });
});
