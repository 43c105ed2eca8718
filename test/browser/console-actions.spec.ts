import { channel } from 'node:diagnostics_channel';
import type { TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { until } from '../support/wait.js';
import { startTalk, startTalkBehindProxy } from './console-app.js';
import { AdminGuard, TalkGateway, TOKEN, type ConsoleOptions } from './console-gateway.js';
import { ConsolePage, consoleOf } from './console.js';
import { Chromium, describeInBrowser } from './chromium.js';

describeInBrowser('actions and sign-in of the console in Chromium', () => {
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

  const openPage = async (app: TestApp): Promise<ConsolePage> => {
    const console_ = consoleOf(await chromium!.open(), app);
    pages.push(console_);
    return console_;
  };

  const openConnection = async (options?: ConsoleOptions) => {
    const app = await startTalk(options);
    const client = await app.connect('/talk?name=grace&room=engines');
    const console_ = await (await openPage(app)).openSignedIn('#/connections?user=grace&namespace=/talk');
    await console_.page.locator('#view tbody a').first().click();
    await console_.expectText('dl.facts', 'grace');
    return { app, client, console_, page: console_.page, server: app.nest.get(TalkGateway).server };
  };

  it('joins and leaves a room, and emits to the client', async () => {
    const { console_, client, server, page } = await openConnection();
    const [socket] = server.sockets.values();
    await console_.act(console_.button('Join a room…'), 'Join', { Room: 'machines' });
    await console_.expectRow('Rooms', 'machines');
    expect(socket!.rooms.has('machines')).toBe(true);
    await console_.act(console_.button('Leave the room engines'), 'Leave');
    await console_.table('Rooms').getByText('engines').waitFor({ state: 'detached' });
    expect(socket!.rooms.has('engines')).toBe(false);
    await console_.act(console_.button('Emit…'), 'Emit', {
      Event: 'news',
      'Data as JSON, if any': '{"text":"tea"}',
    });
    expect((await client.next('news')).data).toEqual({ text: 'tea' });
    await page.locator('#news').getByText(/./).waitFor();
    await console_.goTo('Audit');
    for (const action of ['join', 'leave', 'emit'])
      await console_.expectRow('Actions, the newest first', 'ada', action, '/talk', 'done');
  });

  it('disconnects a client with a reason, and a user with all clients', async () => {
    const { app, console_, client, page } = await openConnection();
    await console_.act(console_.button('Disconnect…'), 'Disconnect', {
      'Reason for the client, if any': 'tea time',
    });
    expect(await client.ended()).toMatchObject({ code: 1000, reason: 'tea time' });
    await console_.expectText('.notice', 'The connection has ended.');
    const [one, two] = [await app.connect('/talk?name=grace'), await app.connect('/talk?name=grace')];
    await console_.open('#/connections?user=grace');
    await console_.button('Block…').waitFor();
    await console_.act(console_.button('Disconnect the user…'), 'Disconnect the user');
    await Promise.all([one.ended(), two.ended()]);
    await page.getByText('No connection, or none that the filter lets through.').waitFor();
  });

  it('blocks the user of a client, lists the block, and lifts it', async () => {
    const { app, console_, client, page } = await openConnection();
    await console_.act(console_.button('Block…'), 'Block', {
      Block: 'user',
      For: '8 hours',
      'Reason for the log, if any': 'spam',
    });
    expect((await client.ended()).code).toBe(1008);
    await console_.goTo('Overview');
    await page.getByText('1 address or user is blocked for a time.').getByRole('link').click();
    await console_.expectView('Blocks');
    await console_.expectRow('Blocks', 'user grace', 'for 7 h', 'spam', 'ada', 'this one');
    await expect(app.connect('/talk?name=grace')).rejects.toThrow('429');
    await console_.act(console_.button('Block…'), 'Block', { 'Address, or name of the user': '203.0.113.7' });
    await console_.expectRow('Blocks', 'address 203.0.113.7', 'for 9 min');
    await page.getByLabel('Blocked', { exact: true }).selectOption('user');
    await console_.expectText('.pages', '1 to 1 of 1');
    await console_.act(console_.button('Lift the block of the user grace'), 'Lift the block');
    await page.getByText('Nobody is blocked, or nobody that the filter lets through.').waitFor();
    await app.connect('/talk?name=grace');
    await console_.goTo('Audit');
    for (const action of ['block', 'unblock'])
      await console_.expectRow('Actions, the newest first', 'ada', action, 'grace', 'done');
  });

  it('blocks an address whose requests to connect were refused', async () => {
    const app = await startTalkBehindProxy();
    const refuse = async (address: string): Promise<void> => {
      const headers = { 'x-forwarded-for': address, origin: 'https://elsewhere.example' };
      await expect(app.connect('/talk', { headers })).rejects.toThrow(/403|429/);
    };
    for (const address of ['203.0.113.7', '203.0.113.7', '2001:db8::1']) await refuse(address);
    const console_ = await (await openPage(app)).openSignedIn();
    const { page } = console_;
    const refusal = { status: 429, why: 'rate', address: '198.51.100.99', isShared: false };
    for (let count = 0; count < 20_000; count++) channel('nestjs-envelope.upgrade.refuse').publish(refusal);
    await console_.expectText('.problems', 'more than 10 times a second. Address: 198.51.100.99.');
    await page.getByRole('link', { name: 'Show them' }).click();
    await console_.expectView('Refused by address');
    await console_.expectRow('Refused by address', '203.0.113.7', '403: a page of a foreign origin', '2');
    const button = console_.button('Block the address 203.0.113.7');
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('the address 203.0.113.7').waitFor({ state: 'attached' });
    await page.getByRole('dialog').getByRole('button', { name: 'Block', exact: true }).press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await refuse('203.0.113.7');
    await page.getByLabel('Address begins with').fill('203.');
    await page.getByLabel('Address begins with').press('Enter');
    await console_.expectText('.pages', '1 to 1 of 1');
    await console_.expectRow('Refused by address', '203.0.113.7', 'an operator blocked', '3');
    await page.getByLabel('Order').selectOption('address');
    await page.waitForURL(/order=address/);
    await console_.expectRow('Refused by address', '203.0.113.7', '3');
    await console_.goTo('Blocks');
    await console_.expectRow('Blocks', 'address 203.0.113.7', 'ada');
  });

  it('emits to a room, a user and all clients of a path', async () => {
    const { app, console_, client } = await openConnection();
    const other = await app.connect('/talk');
    await console_.goTo('Rooms');
    const emit = (event: string, more: Record<string, string>): Promise<void> =>
      console_.act(console_.button('Emit…'), 'Emit', { ...more, Event: event });
    await emit('to the room', { To: 'room', 'Name of the room or user': 'engines' });
    await emit('to the user', { To: 'user', 'Name of the room or user': 'grace' });
    await emit('to all', { To: 'all' });
    for (const event of ['to the room', 'to the user', 'to all']) await client.next(event);
    await other.next('to all');
    expect(other.frames.map(({ event }) => event).filter((event) => event?.startsWith('to '))).toEqual([
      'to all',
    ]);
  });

  it('does nothing without a confirmation, and shows what the server refuses in the dialog', async () => {
    const { console_, server, page } = await openConnection();
    await console_.button('Disconnect…').click();
    const dialog = page.getByRole('dialog', { name: 'Disconnect this client?' });
    // the safe choice has the focus
    await expectFocus(console_, 'Cancel');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await expectFocus(console_, 'Disconnect…');
    await console_.button('Emit…').click();
    await page.getByLabel('Event', { exact: true }).fill('news');
    await page.getByLabel('Data as JSON, if any').fill('{tea}');
    await console_.button('Emit').click();
    await page.getByRole('alert').getByText('The data is not JSON').waitFor();
    await page.getByLabel('Data as JSON, if any').fill('1');
    await page.getByLabel('Event', { exact: true }).fill('$session');
    await console_.button('Emit').click();
    await page.getByRole('alert').getByText('reserved').waitFor();
    await console_.button('Cancel').click();
    expect(server.sockets.size).toBe(1);
  });

  it('has no actions in read-only mode', async () => {
    const { app, console_, page } = await openConnection({ readOnly: true });
    await page.getByText('read only').waitFor();
    await console_.expectRow('Rooms', 'engines');
    expect(await page.getByRole('button').allInnerTexts()).toEqual(['Watch']);
    await console_.goTo('Rooms');
    expect(await console_.button(/Emit/).count()).toBe(0);
    app.adapter.operations.block({ user: 'eve' }, { duration: 3_600_000 });
    await console_.goTo('Blocks');
    await console_.expectRow('Blocks', 'user eve');
    expect(await console_.button(/Block|Lift/).count()).toBe(0);
    await app.connect('/nowhere').catch(() => undefined);
    await console_.goTo('Refused', 'Refused by address');
    await console_.expectRow('Refused by address', '127.0.0.1', '404');
    expect(await console_.button(/Block/).count()).toBe(0);
  });

  it('says which node is read-only or drains, and has no actions for its connections', async () => {
    const bus = new Bus();
    const here = await startTalk({}, 0, bus.adapter);
    const there = await startTalk({ readOnly: true, payloads: true }, 0, bus.adapter);
    const client = await there.connect('/talk?name=grace&room=engines');
    const console_ = await (await openPage(here)).openSignedIn();
    const { page } = console_;
    await console_.expectRow('Nodes', 'answers, read-only', '1');
    await console_.goTo('Connections');
    await page.locator('#view tbody a').first().click();
    await console_.expectText('dl.facts', 'no actions: read-only');
    await console_.expectRow('Rooms', 'engines');
    expect(await page.locator('#view').getByRole('button').allInnerTexts()).toEqual(['Watch']);
    await console_.button('Watch').click();
    await console_.expectText('.hint', /frames recorded\.$/);
    await console_.goTo('Overview');
    there.adapter.operations.block({ user: 'eve' }, { duration: 60_000 });
    await there.adapter.operations.drain();
    await client.ended();
    await console_.expectRow('Nodes', 'drains, read-only');
    await console_.expectText('.problems', 'drains: it refuses new clients');
    await console_.expectText('.problems', '1 address or user is blocked for a time.');
  });

  it('explains a refusal, and takes a token that appears in no address', async () => {
    const app = await startTalk();
    const console_ = await (await openPage(app)).open('#/rooms');
    const { page } = console_;
    await console_.expectState('Refused');
    await page.getByRole('alert').getByText('The guards of the console did not accept you').waitFor();
    expect(await page.locator('#views').isVisible()).toBe(false);
    await page.getByLabel('Token').fill('a guess');
    await page.getByLabel('Token').press('Enter');
    await until('the second refusal', async () => (await page.getByLabel('Token').inputValue()) === '');
    await expectFocus(console_, 'Token');
    await page.keyboard.type(TOKEN);
    await page.keyboard.press('Enter');
    await console_.expectState('Connected');
    await console_.expectView('Rooms');
    expect(console_.addresses.filter((address) => address.startsWith('ws'))).toHaveLength(3);
    expect(console_.addresses.filter((address) => /token|secret|guess/.test(address))).toEqual([]);
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')).toBe(
      '[{},{}]',
    );
  });

  it('asks to sign in again when the guard no longer accepts a request', async () => {
    const console_ = await (await openPage(await startTalk())).openSignedIn('#/rooms');
    AdminGuard.isClosed = true;
    try {
      await console_.expectState('Refused');
      await console_.expectView('The server refused this page');
      expect(await console_.page.getByRole('table').count()).toBe(0);
    } finally {
      AdminGuard.isClosed = false;
    }
    await console_.button('Connect').click();
    await console_.expectView('Rooms');
  });

  it('shows that the connection is lost, keeps what was shown, and reconnects', async () => {
    const app = await startTalk();
    const { port } = app;
    const console_ = await (await openPage(app)).openSignedIn();
    await console_.expectRow('Namespaces', '/talk');
    await app.close();
    await console_.expectState('Connection lost');
    await console_.expectText('#state-detail', /reconnects in \d+ s/);
    expect(await console_.page.locator('body').getAttribute('data-stale')).toBe('');
    await console_.expectRow('Namespaces', '/talk');
    await console_.button('Connect now').click();
    await startTalk({}, port);
    await console_.expectState('Connected');
    await console_.page.locator('body:not([data-stale])').waitFor();
  });
});

/** Waits until the element with this name has the focus. */
async function expectFocus({ page }: ConsolePage, name: string): Promise<void> {
  const focused = page.locator(':focus');
  await until(`the focus of ${name}`, async () => {
    const shown = await focused
      .evaluateAll(([element]) => {
        const { textContent, labels } = element as unknown as {
          textContent: string;
          labels?: ArrayLike<{ textContent: string }>;
        };
        return labels?.[0]?.textContent ?? textContent;
      })
      .catch(() => '');
    return shown === name;
  });
}
