import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { LogBook, startApp, type TestApp } from '../../support/app.js';
import { attachServer, chat, listenFor, type Neighbour } from '../../support/other-servers.js';
import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { askForUpgrade } from '../../support/upgrade.js';
import { deferred } from '../../support/wait.js';

class ChatGateway {
  @SubscribeMessage('echo')
  echo(_: unknown, data: unknown): unknown {
    return data;
  }
}

/** Decides at once, or some turns of the event loop later. */
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

/** What they do to an upgrade on a path that is not theirs. */
const neighbours: Record<string, (http: Server) => Neighbour> = {
  'ws with { server, path } answers 400': (http) => attachServer(http, { path: '/other' }),
  'ws with { server } takes every path': (http) => attachServer(http, {}),
  "a framework's router answers 404 a turn later": (http) =>
    listenFor(http, '/other', (socket) =>
      setImmediate(() => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')),
    ),
  'others cut it': (http) => listenFor(http, '/other', (socket) => socket.destroy()),
};

const httpOf = (app: TestApp): Server => app.nest.getHttpServer();

expectNoUnhandledErrors();

describe.each(Object.entries(neighbours))('%s', (_, attach) => {
  describe.each([
    ['at once', PromptGateway],
    ['slowly', SlowGateway],
  ])('and we decide %s', (_speed, gateway) => {
    it.each(['before', 'after'] as const)('a gateway works beside it, added %s us', async (when) => {
      let neighbour!: Neighbour;
      const add = (http: Server): void => void (neighbour = attach(http));
      const app = await startApp(
        { providers: [gateway] },
        { before: (nest) => when === 'before' && add(nest.getHttpServer()) },
      );
      if (when === 'after') add(httpOf(app));
      const ours = await app.connect('/ws?token=1');
      const theirs = await app.connect('/other');
      expect((await ours.ask('echo', 'one')).data).toBe('one');
      await chat(theirs, 'two');
      expect((await ours.ask('echo', 'three')).data).toBe('three');
      expect(ours.closed).toBeUndefined();
      expect(ours.frames).toHaveLength(2);
      // what is not ours goes its usual way
      await askForUpgrade(app.port, '/nowhere');
      expect(neighbour.heard).toEqual(['/other', '/nowhere']);
    });
  });

  it('gets all upgrades again when the adapter goes', async () => {
    const app = await startApp({ providers: [PromptGateway] });
    const http = httpOf(app);
    const neighbour = attach(http);
    await app.connect('/ws');
    expect(neighbour.heard).toEqual([]);
    await app.adapter.dispose();
    await askForUpgrade(app.port, '/ws');
    expect(neighbour.heard).toEqual(['/ws']);
    await chat(await app.connect('/other'), 'hello');
  });
});

describe("Nest's own WsAdapter on the same server, which cuts all that it does not know", () => {
  it.each(['before', 'after'] as const)('works beside us, bound %s us', async (when) => {
    const log = new LogBook();
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
      expect((await askForUpgrade(app.port, '/other')).status).toBe(101);
    } finally {
      await second.close();
    }
  });
});

describe('one like Socket.IO, which ends what was not answered in time', () => {
  it('does not end an upgrade that is being decided on', async () => {
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
    listenFor(httpOf(app), '/socket.io/', (socket) => waiting.push(socket));
    const client = app.connect('/ws');
    await asked.promise;
    for (const socket of waiting) socket.end();
    decided.resolve();
    expect((await (await client).ask('echo', 1)).data).toBe(1);
  });
});

describe('the server', () => {
  const NAMES = ['emit', 'shouldUpgradeCallback'] as const;
  const look = (http: Server) => ({
    listeners: http.listeners('upgrade'),
    own: NAMES.map((name) => Object.getOwnPropertyDescriptor(http, name)),
  });

  it('is left as it was found', async () => {
    let found: unknown;
    const app = await startApp(
      { providers: [PromptGateway] },
      { before: (nest) => (found = look(nest.getHttpServer())) },
    );
    expect(look(httpOf(app))).not.toEqual(found);
    await app.adapter.dispose();
    expect(look(httpOf(app))).toEqual(found);
  });

  it('may have its emit replaced by others, before us and after', async () => {
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
    listenFor(http, '/other');
    spy(http, 'above');
    const { emit } = http;
    expect((await (await app.connect('/ws')).ask('echo', 1)).data).toBe(1);
    expect(events.splice(0)).toEqual(['above']);
    await chat(await app.connect('/other'), 'hello');
    expect(events.splice(0)).toEqual(['above', 'below']);
    await app.adapter.dispose();
    expect(http.emit).toBe(emit);
    await chat(await app.connect('/other'), 'hello');
    expect(events).toEqual(['above', 'below']);
  });

  it('may hand on upgrades that another server heard of', async () => {
    let handOn!: (...args: unknown[]) => boolean;
    const app = await startApp(
      { providers: [PromptGateway] },
      // bound before we come, as frameworks with a server per address do
      { before: (nest) => (handOn = nest.getHttpServer().emit.bind(nest.getHttpServer(), 'upgrade')) },
    );
    const other = await startApp({ providers: [OtherGateway] });
    httpOf(other).on('upgrade', (request, socket, head) => {
      if (request.url === '/ws') handOn(request, socket, head);
    });
    expect((await (await other.connect('/ws')).ask('echo', 1)).data).toBe(1);
    expect((await askForUpgrade(app.port, '/nowhere')).status).toBe(404);
  });
});
