import { jest } from '@jest/globals';
import { startChat } from '../explorer/chat.js';
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
});
