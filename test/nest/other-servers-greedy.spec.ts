import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { RecordingLogger, startApp, type TestApp } from '../support/app.js';
import {
  attachOtherServer,
  expectRoundTrip,
  acceptUpgrades,
  type OtherServer,
} from '../support/other-servers.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { deferred } from '../support/wait.js';

class ChatGateway {
  @SubscribeMessage('echo')
  echo(_: unknown, data: unknown): unknown {
    return data;
  }
}

/** Accepts an upgrade immediately; SlowGateway does so some turns of the event loop later. */
@WebSocketGateway({ path: '/ws' })
class PromptGateway extends ChatGateway {}
@WebSocketGateway({
  path: '/ws',
  allowRequest: (_: unknown, done: (error: null, success: boolean) => void) =>
    setImmediate(() => setImmediate(() => done(null, true))),
})
class SlowGateway extends ChatGateway {}

@WebSocketGateway({ path: '/other' })
class OtherGateway {}

/** What other servers do with an upgrade on a path that is not otherClient. */
const otherServers: Record<string, (http: Server) => OtherServer> = {
  'ws with { server, path } answers 400': (http) => attachOtherServer(http, { path: '/other' }),
  'ws with { server } takes every path': (http) => attachOtherServer(http, {}),
  "a framework's router answers 404 a turn later": (http) =>
    acceptUpgrades(http, '/other', (socket) =>
      setImmediate(() => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')),
    ),
  'others cut it': (http) => acceptUpgrades(http, '/other', (socket) => socket.destroy()),
};

const httpOf = (app: TestApp): Server => app.nest.getHttpServer();

expectNoUnhandledErrors();

describe.each(Object.entries(otherServers))('next to another server: %s', (_, attach) => {
  describe.each([
    ['at once', PromptGateway],
    ['slowly', SlowGateway],
  ])('when the gateway accepts %s', (_speed, gateway) => {
    it.each(['before', 'after'] as const)(
      'both work when the other server was added %s the adapter',
      async (when) => {
        let otherServer!: OtherServer;
        const add = (http: Server): void => void (otherServer = attach(http));
        const app = await startApp(
          { providers: [gateway] },
          { before: (nest) => when === 'before' && add(nest.getHttpServer()) },
        );
        if (when === 'after') add(httpOf(app));
        const client = await app.connect('/ws?token=1');
        const otherClient = await app.connect('/other');
        expect((await client.ask('echo', 'one')).data).toBe('one');
        await expectRoundTrip(otherClient, 'two');
        expect((await client.ask('echo', 'three')).data).toBe('three');
        expect(client.closed).toBeUndefined();
        expect(client.frames).toHaveLength(2);
        // The adapter passes other paths on to the other server.
        await requestUpgrade(app.port, '/nowhere');
        expect(otherServer.upgrades).toEqual(['/other', '/nowhere']);
      },
    );
  });

  it('the other server receives all upgrades again after the adapter is disposed', async () => {
    const app = await startApp({ providers: [PromptGateway] });
    const http = httpOf(app);
    const otherServer = attach(http);
    await app.connect('/ws');
    expect(otherServer.upgrades).toEqual([]);
    await app.adapter.dispose();
    await requestUpgrade(app.port, '/ws');
    expect(otherServer.upgrades).toEqual(['/ws']);
    await expectRoundTrip(await app.connect('/other'), 'hello');
  });
});

describe('the WsAdapter of Nest on the same server, which destroys upgrades of unknown paths', () => {
  it.each(['before', 'after'] as const)('works next to the adapter when it was bound %s it', async (when) => {
    const log = new RecordingLogger();
    const module = await Test.createTestingModule({ providers: [OtherGateway] })
      .setLogger(log)
      .compile();
    const second = module.createNestApplication({ logger: log });
    const bind = async (http: Server): Promise<unknown> =>
      second.useWebSocketAdapter(new WsAdapter(http)).init();
    let bound: Promise<unknown> | undefined;
    const app = await startApp(
      { providers: [PromptGateway] },
      { before: (nest) => when === 'before' && (bound = bind(nest.getHttpServer())) },
    );
    await (bound ?? bind(httpOf(app)));
    try {
      expect((await (await app.connect('/ws')).ask('echo', 1)).data).toBe(1);
      expect((await requestUpgrade(app.port, '/other')).status).toBe(101);
    } finally {
      await second.close();
    }
  });
});

describe('a server that ends unanswered upgrades, as Socket.IO does', () => {
  it('does not end an upgrade that is still being decided', async () => {
    const [asked, decided] = [deferred(), deferred()];
    @WebSocketGateway({
      path: '/ws',
      allowRequest: async (_: unknown, done: (error: null, success: boolean) => void) => {
        asked.resolve();
        await decided.promise;
        done(null, true);
      },
    })
    class GuardedGateway extends ChatGateway {}
    const app = await startApp({ providers: [GuardedGateway] });
    const waiting: Duplex[] = [];
    acceptUpgrades(httpOf(app), '/socket.io/', (socket) => waiting.push(socket));
    const client = app.connect('/ws');
    await asked.promise;
    for (const socket of waiting) socket.end();
    decided.resolve();
    expect((await (await client).ask('echo', 1)).data).toBe(1);
  });
});

describe('the HTTP server', () => {
  const NAMES = ['emit', 'shouldUpgradeCallback'] as const;
  const inspect = (http: Server) => ({
    listeners: http.listeners('upgrade'),
    own: NAMES.map((name) => Object.getOwnPropertyDescriptor(http, name)),
  });

  it('is restored after the adapter is disposed', async () => {
    let before: unknown;
    const app = await startApp(
      { providers: [PromptGateway] },
      { before: (nest) => (before = inspect(nest.getHttpServer())) },
    );
    expect(inspect(httpOf(app))).not.toEqual(before);
    await app.adapter.dispose();
    expect(inspect(httpOf(app))).toEqual(before);
  });

  it('works when other code replaces emit before and after the adapter', async () => {
    const events: string[] = [];
    const spy = (http: Server, name: string): void => {
      const emit = http.emit;
      http.emit = function (this: Server, ...args: unknown[]) {
        if (args[0] === 'upgrade') events.push(name);
        return (emit as (...all: unknown[]) => boolean).apply(this, args);
      } as Server['emit'];
    };
    const app = await startApp(
      { providers: [PromptGateway] },
      { before: (nest) => spy(nest.getHttpServer(), 'below') },
    );
    const http = httpOf(app);
    acceptUpgrades(http, '/other');
    spy(http, 'above');
    const { emit } = http;
    expect((await (await app.connect('/ws')).ask('echo', 1)).data).toBe(1);
    expect(events.splice(0)).toEqual(['above']);
    await expectRoundTrip(await app.connect('/other'), 'hello');
    expect(events.splice(0)).toEqual(['above', 'below']);
    await app.adapter.dispose();
    expect(http.emit).toBe(emit);
    await expectRoundTrip(await app.connect('/other'), 'hello');
    expect(events).toEqual(['above', 'below']);
  });

  it('can pass on upgrades that another server received', async () => {
    let passOn!: (...args: unknown[]) => boolean;
    const app = await startApp(
      { providers: [PromptGateway] },
      // Bound before the adapter exists, as frameworks with one server per address do.
      { before: (nest) => (passOn = nest.getHttpServer().emit.bind(nest.getHttpServer(), 'upgrade')) },
    );
    const other = await startApp({ providers: [OtherGateway] });
    httpOf(other).on('upgrade', (request, socket, head) => {
      if (request.url === '/ws') passOn(request, socket, head);
    });
    expect((await (await other.connect('/ws')).ask('echo', 1)).data).toBe(1);
    expect((await requestUpgrade(app.port, '/nowhere')).status).toBe(404);
  });
});
