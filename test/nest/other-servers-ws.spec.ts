import type { Server } from 'node:http';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeServer } from '../../lib/index.js';
import { RecordingLogger, startApp, type TestApp } from '../support/app.js';
import { expectRoundTrip, acceptUpgrades } from '../support/other-servers.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  @WebSocketServer() server!: EnvelopeServer;
  @SubscribeMessage('echo')
  echo(_: unknown, data: unknown): unknown {
    return data;
  }
}

@WebSocketGateway({ path: '/second' })
class SecondGateway {
  @SubscribeMessage('where')
  where(): string {
    return 'second';
  }
}

const httpOf = (app: TestApp): Server => app.nest.getHttpServer();

expectNoUnhandledErrors();

describe('a second WebSocket server on another path of the same HTTP server', () => {
  it.each(['before', 'after'] as const)('works at the same time when added %s the adapter', async (when) => {
    let otherServer!: ReturnType<typeof acceptUpgrades>;
    const add = (http: Server): void => void (otherServer = acceptUpgrades(http, '/other'));
    const app = await startApp(
      { providers: [ChatGateway] },
      { before: (nest) => when === 'before' && add(nest.getHttpServer()) },
    );
    if (when === 'after') add(httpOf(app));

    const [client, otherClient] = await Promise.all([app.connect('/ws'), app.connect('/other')]);
    const { server } = app.nest.get(ChatGateway);
    for (const text of ['one', 'two', 'three']) {
      const asked = client.ask('echo', text);
      await expectRoundTrip(otherClient, text);
      server.emit('news', text);
      expect((await asked).data).toBe(text);
      expect((await client.next('news')).data).toBe(text);
    }
    expect(otherServer.accepted).toEqual(['/other']);
    // Neither server counts or serves the clients of the other.
    expect(server.engine.clientsCount).toBe(1);
    expect(otherClient.frames.every(({ event }) => event === 'other')).toBe(true);
  });

  it('keeps its connections while the application closes, which waits for them', async () => {
    const app = await startApp({ providers: [ChatGateway] });
    const http = httpOf(app);
    acceptUpgrades(http, '/other');
    const [client, otherClient] = [await app.connect('/ws'), await app.connect('/other')];
    const closing = app.nest.close();
    expect((await client.ended()).code).toBe(1001);
    await expectRoundTrip(otherClient, 'still there');
    otherClient.close();
    await closing;
    await otherClient.ended();
    expect(http.listenerCount('upgrade')).toBe(1);
  });

  it('keeps its connections and accepts new ones after the adapter is disposed', async () => {
    const app = await startApp({ providers: [ChatGateway] });
    const http = httpOf(app);
    const before = http.listeners('upgrade');
    const otherServer = acceptUpgrades(http, '/other');
    const otherClient = await app.connect('/other');
    await app.adapter.dispose();
    await expectRoundTrip(otherClient, 'unchanged');
    await expectRoundTrip(await app.connect('/other'), 'after the disposal');
    expect(otherServer.accepted).toEqual(['/other', '/other']);
    expect(http.listeners('upgrade')).toHaveLength(1);
    expect(before).not.toContain(http.listeners('upgrade')[0]);
  });

  it('can be added and removed at any time', async () => {
    const app = await startApp({ providers: [ChatGateway] });
    const http = httpOf(app);
    const [own] = http.listeners('upgrade');
    acceptUpgrades(http, '/other');
    await expectRoundTrip(await app.connect('/other'), 'first');
    for (const listener of http.listeners('upgrade'))
      if (listener !== own) http.off('upgrade', listener as () => void);
    expect((await requestUpgrade(app.port, '/other')).status).toBe(404);
    expect((await (await app.connect('/ws')).ask('echo', 1)).data).toBe(1);
    acceptUpgrades(http, '/other');
    await expectRoundTrip(await app.connect('/other'), 'again');
  });
});

describe('two applications in one process', () => {
  it('are independent with separate servers', async () => {
    const [one, two] = [
      await startApp({ providers: [ChatGateway] }),
      await startApp({ providers: [ChatGateway, SecondGateway] }),
    ];
    const [inOne, inTwo] = [await one.connect('/ws'), await two.connect('/ws')];
    const servers = [one, two].map((app) => app.nest.get(ChatGateway).server);
    expect(servers[0]).not.toBe(servers[1]);
    for (const [index, server] of servers.entries()) {
      server.socketsJoin('room');
      server.to('room').emit('number', index);
    }
    expect((await inOne.next('number')).data).toBe(0);
    expect((await inTwo.next('number')).data).toBe(1);
    expect((await requestUpgrade(one.port, '/second')).status).toBe(404);
    expect((await requestUpgrade(two.port, '/second')).status).toBe(101);

    await one.nest.close();
    expect((await inOne.ended()).code).toBe(1001);
    expect((await inTwo.ask('echo', 'alive')).data).toBe('alive');
    expect((await (await two.connect('/second')).ask('where')).data).toBe('second');
    const numbers = [inOne, inTwo].map(({ frames }) => frames.filter(({ event }) => event === 'number'));
    expect(numbers.map(({ length }) => length)).toEqual([1, 1]);
  });

  it.each(['first', 'second'])(
    'can share a server of which the %s closes before the other',
    async (closesFirst) => {
      const first = await startApp({ providers: [ChatGateway] });
      const http = httpOf(first);
      const log = new RecordingLogger();
      const module = await Test.createTestingModule({ providers: [SecondGateway] })
        .setLogger(log)
        .compile();
      const second = module.createNestApplication({ logger: log });
      const adapter = new EnvelopeAdapter(http, { upgradeGuards: false });
      second.useWebSocketAdapter(adapter);
      await second.init();
      try {
        const [inFirst, inSecond] = [await first.connect('/ws'), await first.connect('/second')];
        expect((await inFirst.ask('echo', 1)).data).toBe(1);
        expect((await inSecond.ask('where')).data).toBe('second');
        if (closesFirst === 'first') {
          await first.adapter.dispose();
          await inFirst.ended();
          expect((await inSecond.ask('where')).data).toBe('second');
          expect((await (await first.connect('/second')).ask('where')).data).toBe('second');
          expect((await requestUpgrade(first.port, '/ws')).status).toBe(404);
        } else {
          await second.close();
          await inSecond.ended();
          expect((await inFirst.ask('echo', 2)).data).toBe(2);
          expect((await (await first.connect('/ws')).ask('echo', 3)).data).toBe(3);
          expect((await requestUpgrade(first.port, '/second')).status).toBe(404);
        }
        expect(http.listenerCount('upgrade')).toBe(1);
      } finally {
        await second.close();
      }
    },
  );
});
