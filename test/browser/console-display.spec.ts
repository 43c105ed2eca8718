import type { TestApp } from '../support/app.js';
import { violations } from './axe.js';
import { startTalk } from './console-app.js';
import { ConsolePage, consoleOf } from './console.js';
import { Chromium, describeInBrowser } from './chromium.js';

const LONG = 'a-name-without-any-space-'.repeat(8);

describeInBrowser('the display of the console in Chromium', () => {
  let chromium: Chromium | undefined;
  let console_: ConsolePage;
  let app: TestApp;

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  beforeEach(async () => {
    app = await startTalk({ payloads: true });
    console_ = consoleOf(await chromium!.open(), app);
    for (const name of ['grace', LONG]) await app.connect(`/talk?name=${name}&room=${name}`);
    const left = await app.connect('/talk');
    left.ws.close();
    await left.ended();
  });

  afterEach(async () => {
    await console_.page.context().close();
    expect(console_.problems).toEqual([]);
  });

  /** Opens each view in turn, with what it shows in a typical state. */
  const eachView = async (check: (name: string) => Promise<void>): Promise<void> => {
    const { page } = console_;
    await console_.open();
    await console_.expectState('Refused');
    await check('sign-in');
    await console_.openSignedIn();
    await page.reload();
    await console_.expectRow('Close codes', '1005');
    await check('overview');
    await console_.goTo('Connections');
    await console_.expectRow('Connections', LONG);
    await check('connections');
    await console_.table('Connections').getByRole('row', { name: LONG }).getByRole('link').click();
    await console_.expectRow('Rooms', LONG);
    await console_.button('Watch').click();
    await console_.expectText('.hint', 'frames recorded');
    await check('connection');
    await console_.button('Disconnect…').click();
    await page.getByRole('dialog').waitFor();
    await check('confirmation');
    await console_.button('Cancel').click();
    await console_.act(console_.button('Join a room…'), 'Join', { Room: 'x' });
    await console_.goTo('Rooms');
    await console_.expectRow('Rooms', LONG);
    await check('rooms');
    app.adapter.operations.block({ user: LONG }, { duration: 3_600_000, by: 'ada', reason: LONG });
    await console_.goTo('Refused', 'Refused by address');
    await console_.expectRow('Refused by address', '127.0.0.1', '401');
    await check('refused');
    await console_.goTo('Blocks');
    await console_.expectRow('Blocks', LONG);
    await check('blocks');
    await console_.goTo('Audit');
    await console_.expectRow('Actions, the newest first', 'join');
    await check('audit');
  };

  it('fits a wide window, a tablet and a phone, and has no violations in light and dark colours', async () => {
    const { page } = console_;
    await eachView(async (name) => {
      for (const width of [360, 800, 1400]) {
        await page.setViewportSize({ width, height: 800 });
        const needed = await page.evaluate('document.documentElement.scrollWidth');
        expect([name, width, needed]).toEqual([name, width, width]);
      }
      expect([name, ...(await violations(page))]).toEqual([name]);
    });
  });

  it('has no violations on a phone, and after the connection is lost', async () => {
    const { page } = console_;
    await console_.openSignedIn('#/connections');
    await page.setViewportSize({ width: 360, height: 800 });
    await console_.expectRow('Connections', LONG);
    expect(await violations(page)).toEqual([]);
    await console_.goTo('Overview');
    await console_.expectRow('Nodes', 'answers');
    await app.close();
    await page.getByText('There is no connection. What is shown is as of').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
  });
});
