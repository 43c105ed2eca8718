import { socketIO } from '../../lib/socketio/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import { ChatGateway, RootGateway, survives } from './attack.js';
import { ask, PollingClient } from './raw-engine.js';

describe('a session of Engine.IO', () => {
  expectNoUnhandledErrors();

  it(
    'ends at a message without data while attachments are missing',
    survives(async ({ polling, expectServed }) => {
      const client = await polling();
      await client.join();
      await client.post('451-["echo",{"_placeholder":true,"num":0}]');
      // Engine.IO's message has no data at all, not even an empty text
      await client.post('4').catch(() => undefined);
      await expectServed();
      await until('the session to end', () => client.isGone());
    }),
  );

  it.each([
    // the engine would read what is before the #
    ['own', 'before a #', (theirs: string, own: string) => `${theirs}#&sid=${own}`],
    ['none', 'before a #', (theirs: string) => `${theirs}#&sid=`],
    ['own', 'in between', (theirs: string, own: string) => `${own}&sid=${theirs}&sid=${own}`],
  ])('is the %s where that of another client is %s', async (_, __, sidOf) => {
    const adapter = { trustProxy: 'loopback', transports: [socketIO()] };
    const app = await startApp({ providers: [RootGateway, ChatGateway] }, { adapter });
    const victim = await PollingClient.open(app.port, { 'X-Forwarded-For': '10.0.0.1' });
    const headers = { 'X-Forwarded-For': '10.0.0.2' };
    const own = await PollingClient.open(app.port, headers);
    await ask(app.port, { headers, query: { sid: sidOf(victim.sid, own.sid) }, body: '40/chat,' });
    expect(await victim.join()).toMatch(/^40\{/);
    const { server } = app.nest.get(ChatGateway);
    const addresses = [...server.sockets.values()].map(({ ip }) => ip);
    expect(addresses.filter((address) => address !== '10.0.0.2')).toEqual([]);
    await Promise.all([victim.leave(), own.leave()]);
  });

  it(
    'over a WebSocket answers plain requests',
    survives(async ({ port, socket }) => {
      const client = await socket();
      const query = { sid: client.handshake.sid, transport: 'websocket' };
      for (const method of ['GET', 'POST', 'OPTIONS', 'HEAD', 'PUT'])
        expect([method, (await ask(port, { method, query })).status]).toEqual([method, 400]);
      expect(await client.join()).toMatch(/^40\{/);
    }),
  );
});
