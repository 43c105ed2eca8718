import type { Page } from 'playwright-core';
import type { Reliable, ReliableOptions } from '../../lib/client/reliable.js';
import { startApp, type TestApp } from '../support/app.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { deferred, until } from '../support/wait.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { Chat, Site, type Emits } from './outbox-site.js';

/** Globals of the page. */
declare const send: Reliable<Emits>;
declare const reports: string[];
declare function start(name: string, options?: ReliableOptions): void;
declare function stored(name?: string): Promise<string[]>;
declare function textsOf(from: number, to: number): void;
declare function tamper(entries: [key: unknown, value: unknown][]): Promise<void>;
declare function remove(): Promise<void>;
declare function occupy(): Promise<void>;

const CONNECTION_ERROR = /^WebSocket connection to .* failed: /;

describeInBrowser('indexedDbOutbox in Chromium', () => {
  let chromium: Chromium | undefined;
  let app: TestApp;
  let chat: Chat;
  let network: FaultyNetwork;
  let first: Page;
  const warnings: string[] = [];
  const problems: string[] = [];
  const networks: FaultyNetwork[] = [];

  beforeAll(async () => {
    await Site.build();
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  beforeEach(async () => {
    app = await startApp(
      { controllers: [Site], providers: [Chat] },
      { adapter: { cors: { origin: true }, limits: { maxPayload: 8_000_000 } } },
    );
    chat = app.nest.get(Chat);
    network = await newNetwork();
    first = watch(await chromium!.open());
  });
  afterEach(async () => {
    await first.context().close();
    for (const each of networks.splice(0)) each.close();
    expect(problems.splice(0)).toEqual([]);
    expect(warnings.splice(0)).toEqual([]);
  });

  async function newNetwork(): Promise<FaultyNetwork> {
    const made = await FaultyNetwork.to(app.port);
    networks.push(made);
    return made;
  }

  function watch(page: Page): Page {
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'warning') warnings.push(message.text());
      else if (message.type() === 'error' && !CONNECTION_ERROR.test(message.text()))
        problems.push(message.text());
    });
    return page;
  }

  /** Opens the site in a tab. Its connection goes through that network. */
  async function visit(page: Page, through = network, search = ''): Promise<void> {
    await page.goto(`http://127.0.0.1:${app.port}/?port=${through.port}${search}`);
    await page.getByText('ready').waitFor();
  }

  /** Starts `reliable` in a tab. */
  const begin = (page: Page, options: ReliableOptions = {}, name = 'chat'): Promise<void> =>
    page.evaluate(([given, id]) => start(id, given), [options, name] as const);
  const emit = (page: Page, data: unknown): Promise<void> =>
    page.evaluate((value) => void send.emit('message', value), data);
  const haveStored = (page: Page, count: number): Promise<void> =>
    until(`${count} stored messages`, async () => (await page.evaluate(() => stored())).length === count);
  const secondTab = async (): Promise<Page> => watch(await first.context().newPage());

  it('sends what was emitted offline after a reload, once and in order', async () => {
    network.isRefusing = true;
    await visit(first);
    await begin(first);
    for (const data of ['one', { nested: [1, null] }, 'three']) await emit(first, data);
    // what JSON carries, though IndexedDB cannot clone it
    await first.evaluate(() => void send.emit('message', { at: new Date(0), one: { toJSON: () => 1 } }));
    await haveStored(first, 4);
    await first.reload();
    await first.getByText('ready').waitFor();
    await begin(first);
    await emit(first, 'five');
    expect(await first.evaluate(() => send.pending)).toBeGreaterThan(0);
    network.isRefusing = false;
    const all = ['one', { nested: [1, null] }, 'three', { at: '1970-01-01T00:00:00.000Z', one: 1 }, 'five'];
    await first.waitForFunction(() => send.pending === 0);
    expect(chat.handled).toEqual(all);
    await haveStored(first, 0);
    await first.reload();
    await begin(first);
    await emit(first, 'six');
    await until('the last message', () => chat.handled.length === 6);
    expect(await first.evaluate(() => reports)).toEqual([]);
  });

  it('has a message handled once whose page was reloaded, or crashed, while the handler ran', async () => {
    await visit(first);
    await begin(first);
    const gate = deferred();
    chat.gate = gate.promise;
    await emit(first, 'slow');
    await until('the handler', () => chat.handled.length === 1);
    await first.reload();
    await begin(first);
    await emit(first, 'next');
    const devtools = await first.context().newCDPSession(first);
    const crashed = first.waitForEvent('crash');
    await haveStored(first, 2);
    void devtools.send('Page.crash').catch(() => undefined);
    await crashed;
    const tab = await secondTab();
    await visit(tab);
    await begin(tab);
    gate.resolve();
    await until('both', () => chat.handled.length === 2);
    await haveStored(tab, 0);
    expect(chat.handled).toEqual(['slow', 'next']);
  });

  it('sends 1,000 messages in order, across a reload in their midst', async () => {
    network.isRefusing = true;
    await visit(first);
    await begin(first);
    await first.evaluate(() => textsOf(0, 1_000));
    await haveStored(first, 1_000);
    network.isRefusing = false;
    await until('some', () => chat.handled.length > 10);
    network.isRefusing = true;
    await first.reload();
    await begin(first);
    await first.evaluate(() => textsOf(1_000, 1_010));
    network.isRefusing = false;
    await first.waitForFunction(() => send.pending === 0);
    await haveStored(first, 0);
    expect(chat.handled).toEqual(Array.from({ length: 1_010 }, (_, i) => i));
  });

  it('leaves the messages of an open tab to it, and takes over those of a closed one', async () => {
    const away = await newNetwork();
    away.isRefusing = true;
    const [other, third] = [await secondTab(), await secondTab()];
    await visit(first);
    await begin(first);
    for (const [tab, text] of [
      [other, 'of the second'],
      [third, 'of the third'],
    ] as const) {
      await visit(tab, away);
      await begin(tab);
      await emit(tab, text);
    }
    await haveStored(first, 2);
    await emit(first, 'of the first');
    await until('the own one', () => chat.handled.length === 1);
    await haveStored(first, 2);
    await other.close();
    await until('the one of the closed tab', () => chat.handled.length === 2);
    await haveStored(first, 1);
    // the tab that took over is gone: the next one does, and a new one
    const last = await secondTab();
    await visit(last);
    await begin(last);
    expect(await last.evaluate(() => send.pending)).toBe(0);
    await third.close();
    await until('the one of the third tab', () => chat.handled.length === 3);
    expect(chat.handled).toEqual(['of the first', 'of the second', 'of the third']);
    await haveStored(last, 0);
    network.isRefusing = true;
    network.cut();
    await emit(first, 'offline');
    await haveStored(last, 1);
    await first.close();
    network.isRefusing = false;
    await until('the one of the first tab', () => chat.handled.length === 4);
    first = last;
    await haveStored(last, 0);
  });

  it('takes over from an earlier reliable of the same page, and refuses two at once', async () => {
    network.isRefusing = true;
    await visit(first);
    await begin(first);
    await emit(first, 'one');
    const [message, left] = await first.evaluate(() => {
      let message = '';
      try {
        start('chat');
      } catch (error) {
        message = (error as Error).message;
      }
      // added and stopped at once
      void send.emit('message', 'two');
      send.stop();
      start('chat');
      void send.emit('message', 'three');
      send.stop();
      start('chat');
      return [message, send.pending];
    });
    expect(message).toBe(
      'reliable: outbox is used by another reliable(…). Make one for each, or call its stop() before',
    );
    expect(left).toBe(0);
    network.isRefusing = false;
    await until('all', () => chat.handled.length === 3);
    expect(chat.handled).toEqual(['one', 'two', 'three']);
    await haveStored(first, 0);
  });

  it('works without Web Locks: the next page takes over everything', async () => {
    network.isRefusing = true;
    await visit(first, network, '&without=locks');
    await begin(first);
    await emit(first, 'one');
    await haveStored(first, 1);
    const tab = await secondTab();
    await visit(tab, network, '&without=locks');
    await begin(tab);
    await tab.waitForFunction(() => send.pending === 1);
    network.isRefusing = false;
    await first.waitForFunction(() => send.pending === 0);
    await tab.waitForFunction(() => send.pending === 0);
    expect(chat.handled).toEqual(['one']);
    await haveStored(tab, 0);
  });

  it('sends all the same without IndexedDB, and says that nothing is kept', async () => {
    await visit(first, network, '&without=indexedDB');
    await begin(first);
    await emit(first, 'one');
    await until('it', () => chat.handled.length === 1);
    const why = "ERR_ENVELOPE_OUTBOX indexedDbOutbox('chat') is not kept: this platform has no IndexedDB";
    await first.waitForFunction(() => send.pending === 0);
    expect(new Set(await first.evaluate(() => reports))).toEqual(new Set([why]));
  });

  it('says that the storage is full, and sends what does not fit all the same', async () => {
    network.isRefusing = true;
    await visit(first);
    const devtools = await first.context().newCDPSession(first);
    const origin = `http://127.0.0.1:${app.port}`;
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 2_000_000 });
    await begin(first);
    await emit(first, 'one');
    await haveStored(first, 1);
    await first.evaluate(() => {
      // random, since the database compresses
      const random = (): string => Array.from({ length: 170_000 }, () => Math.random()).join('');
      void send.emit('message', random());
      void send.emit('message', random());
      void send.emit('message', 'four');
    });
    await first.waitForFunction(() => reports.length > 0);
    expect(await first.evaluate(() => reports)).toEqual([
      "ERR_ENVELOPE_OUTBOX indexedDbOutbox('chat') cannot be written: the storage of this site is full",
    ]);
    // whether there is room for the small one now, is up to the browser
    const texts = await first.evaluate(() => stored());
    expect(texts[0]).toContain('one');
    network.isRefusing = false;
    await until('all', () => chat.handled.length === 4);
    await haveStored(first, 0);
  });

  it('says that something else uses its database, and sends all the same', async () => {
    await visit(first);
    await first.evaluate(() => occupy());
    await begin(first);
    await emit(first, 'one');
    await until('it', () => chat.handled.length === 1);
    expect((await first.evaluate(() => reports))[0]).toBe(
      "ERR_ENVELOPE_OUTBOX indexedDbOutbox('chat') cannot be read: something else uses a database of this name. Choose another name",
    );
  });

  it('deletes a malformed message, with a warning', async () => {
    network.isRefusing = true;
    await visit(first);
    await begin(first);
    await emit(first, 'one');
    await haveStored(first, 1);
    await first.evaluate(() =>
      tamper([
        [['0', 0], '{"key":1}'],
        ['foreign', 7],
      ]),
    );
    await first.reload();
    await begin(first);
    await haveStored(first, 1);
    expect(warnings.splice(0)).toEqual([
      expect.stringContaining('has a malformed message, which is deleted: 7'),
      expect.stringContaining('has a malformed message, which is deleted: {"key":1}'),
    ]);
    network.isRefusing = false;
    await until('it', () => chat.handled.length === 1);
    expect(chat.handled).toEqual(['one']);
    await haveStored(first, 0);
  });
});
