import { RedisServer, describeWithRedis } from '../support/brokers/redis.js';
import { Child } from '../support/child.js';
import { TestClient } from '../support/client.js';
import { ConsolePage } from './console.js';
import { Chromium, describeInBrowser } from './chromium.js';

interface Node {
  child: Child;
  port: number;
  client: TestClient;
}

describeInBrowser('the console of two nodes in Chromium', () => {
  describeWithRedis('on Redis', () => {
    const redis = new RedisServer();
    let chromium: Chromium | undefined;

    beforeAll(async () => {
      [chromium] = await Promise.all([Chromium.launch(), redis.start()]);
    });
    afterAll(() => Promise.all([chromium?.close(), redis.stop()]));

    const startNode = async (name: string): Promise<Node> => {
      const child = await Child.start('console-page-node', { settings: { url: redis.url } });
      const port = await child.ask<number>('port');
      const client = new TestClient(`ws://127.0.0.1:${port}/talk?name=${name}&room=engines`);
      await client.opened();
      return { child, port, client };
    };

    it('shows both, acts on the other, and says which one does not answer', async () => {
      const [here, there] = await Promise.all([startNode('grace'), startNode('alan')]);
      const console_ = await new ConsolePage(await chromium!.open(), here.port).openSignedIn();
      const { page } = console_;
      const name = `:${there.child.process.pid}`;
      await console_.expectRow('Nodes', `:${here.child.process.pid}`, 'this page', '2 nodes');
      await console_.expectRow('Nodes', name, 'answers', '2 nodes');
      await console_.goTo('Rooms');
      await console_.expectRow('Rooms', 'engines', '2');
      await page.getByRole('link', { name: 'engines' }).click();
      await console_.expectText('.pages', '1 to 2 of 2');
      await console_.expectRow('Connections', 'alan', name);
      await console_.table('Connections').getByRole('row', { name: 'alan' }).getByRole('link').click();
      await console_.act(console_.button('Emit…'), 'Emit', { Event: 'news' });
      await there.client.next('news');

      // a process that stands still has neither ended nor answers
      there.child.signal('SIGSTOP');
      await console_.expectText('.notice', 'The node of this connection does not answer.');
      await console_.goTo('Overview');
      await console_.expectRow('Nodes', name, /no answer for/);
      await console_.expectText('.problems', `${name} has not answered since`);
      await console_.goTo('Connections');
      await console_.expectText('.notice', /No answer from .*What .* is missing here/);
      await console_.expectRow('Connections', 'grace');

      there.child.signal('SIGCONT');
      await console_.goTo('Overview');
      await console_.expectRow('Nodes', name, 'answers');
      await page.locator('.problems').waitFor({ state: 'hidden' });

      await there.child.kill();
      await console_.expectText('.problems', `${name} has not answered since`);
      expect(console_.problems).toEqual([]);
      here.client.ws.terminate();
      await page.context().close();
    });
  });
});
