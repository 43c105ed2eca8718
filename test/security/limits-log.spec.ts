import type { IncomingMessage } from 'node:http';
import { Injectable, Scope, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import {
  Ack,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { throwError, type Observable } from 'rxjs';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { RawClient } from '../support/raw-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { askForUpgrade } from '../support/upgrade.js';

/** What the application throws carries what the client sent, so that no two errors are alike. */
const fail = (data: unknown): never => {
  throw new Error(`it broke over ${JSON.stringify(data)}`);
};

class BrokenGuard {
  canActivate(context: { switchToWs(): { getClient(): EnvelopeSocket; getData(): unknown } }): boolean {
    const client = context.switchToWs().getClient();
    return client.query['guard'] === 'breaks' || client.handshake.auth['token'] === 'breaks'
      ? fail(client.id)
      : true;
  }
}
const brokenPipe = { transform: (value: unknown) => (typeof value === 'object' ? value : fail(value)) };
const brokenInterceptor = {
  intercept: (context: { switchToWs(): { getData(): unknown } }) => fail(context.switchToWs().getData()),
};
const unwritable = (data: unknown): unknown => ({ data, value: 1n });

@UseGuards(BrokenGuard)
@WebSocketGateway({ path: '/ws' })
class LoudGateway {
  handleConnection(client: EnvelopeSocket): void {
    const { query } = client;
    if (query['connect'] === 'throws') fail(query);
    if (query['connect'] === 'refuses') throw new WsException(JSON.stringify(query));
    if (query['listen'] === 'yes') {
      client.on('listened', fail);
      client.on('listened late', async (data: unknown) => fail(data));
      client.onAny(async (event: string) => fail(event));
      client.onAnyOutgoing((event: string) => fail(event));
      for (const event of ['ping', 'pong', 'disconnect'] as const)
        client.on(event, (data: unknown) => fail(data));
    }
  }
  handleDisconnect(client: EnvelopeSocket): void {
    if (client.query['leave'] === 'throws') fail(client.id);
  }
  @SubscribeMessage('throws') throws(@MessageBody() data: unknown): void {
    fail(data);
  }
  @SubscribeMessage('rejects') async rejects(@MessageBody() data: unknown): Promise<void> {
    fail(data);
  }
  @SubscribeMessage('source') source(@MessageBody() data: unknown): Observable<unknown> {
    return throwError(() => new Error(String(data)));
  }
  @SubscribeMessage('generator') async *generator(@MessageBody() data: unknown): AsyncGenerator<unknown> {
    yield 1;
    fail(data);
  }
  @SubscribeMessage('unwritable') unwritable(@MessageBody() data: unknown): unknown {
    return unwritable(data);
  }
  @SubscribeMessage('unwritable exception') exception(@MessageBody() data: unknown): void {
    throw new WsException({ data: unwritable(data) });
  }
  @SubscribeMessage('unwritable emit') emit(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() data: unknown,
  ): void {
    client.emit('x', unwritable(data));
  }
  @SubscribeMessage('acknowledges') acknowledges(
    @Ack() ack: (data: unknown) => void,
    @MessageBody() data: unknown,
  ): void {
    ack(unwritable(data));
  }
  @SubscribeMessage('joins') joins(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() room: string,
  ): unknown {
    return client.join(room);
  }
  @SubscribeMessage('forgets') forgets(@Ack() _ack: () => void): void {}
  @UsePipes(brokenPipe)
  @SubscribeMessage('pipe')
  pipe(_client: unknown, _data: unknown): void {}
  @UseInterceptors(brokenInterceptor)
  @SubscribeMessage('interceptor')
  interceptor(): void {}
  @SubscribeMessage('refuses') refuses(@MessageBody() data: unknown): void {
    throw new WsException(String(data));
  }
}

@Injectable({ scope: Scope.REQUEST })
class Unmade {
  constructor() {
    fail(Math.random());
  }
}
@WebSocketGateway({ path: '/scoped' })
class ScopedGateway {
  constructor(readonly unmade: Unmade) {}
  @SubscribeMessage('echo') echo(): number {
    return 1;
  }
}

@WebSocketGateway({ path: '/rooms', namespace: /^\/.+$/ })
class RoomsGateway {
  @SubscribeMessage('throws') throws(@MessageBody() data: unknown): void {
    fail(data);
  }
  @SubscribeMessage('joins') joins(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.join(['a', 'b', 'c']);
  }
}

const TIMES = 60;
const OPTIONS: EnvelopeOptions = {
  pingInterval: 0,
  limits: { maxRooms: 3, maxRoomNameLength: 50, maxInFlight: 200 },
};

const start = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp(
    { providers: [LoudGateway, Unmade, ScopedGateway, RoomsGateway] },
    { adapter: { ...OPTIONS, ...adapter } },
  );

/** So many lines for one thing, however often it happens; then a count. */
function expectCalm(app: TestApp, kinds = 1): void {
  const lines = [...app.log.of('error'), ...app.log.of('warn'), ...app.log.of('fatal')];
  expect(lines.length).toBeLessThanOrEqual(5 * kinds);
}

const repeat = async (times: number, act: (index: number) => unknown): Promise<void> => {
  for (let index = 0; index < times; index++) await act(index);
};

describe('what clients can fill the log with', () => {
  expectNoUnhandledErrors();

  const events = [
    ...['throws', 'rejects', 'source', 'generator', 'unwritable', 'unwritable exception', 'unwritable emit'],
    ...['acknowledges', 'joins', 'pipe', 'interceptor', 'refuses', 'nobody takes it', '$nobody', 'exception'],
  ];
  it.each(events)('the event "%s", with other data each time', async (event) => {
    const app = await start();
    await repeat(TIMES / 5, async (round) => {
      const client = await app.connect('/ws');
      await repeat(5, async (index) => {
        const data = `${round}-${index}`.repeat(20);
        client.send({ event, data });
        await client.ask(event, data, index);
      });
    });
    // with an id and without
    expectCalm(app, 2);
  });

  const garbage: [what: string, (client: TestClient, index: number) => unknown][] = [
    ['no JSON', (client, index) => client.send(`{${index}`)],
    ['no event', (client, index) => client.send({ data: index })],
    ['long names', (client, index) => client.send({ event: `${index}`.repeat(300) })],
    ['bad ids', (client, index) => client.send({ event: 'throws', id: { index } as never })],
    [
      'deep JSON',
      (client, index) => client.send(`{"event":"x${index}","data":${'['.repeat(99)}${']'.repeat(99)}}`),
    ],
    ['names without end', (client, index) => client.send({ event: `nobody-${index}`, id: index })],
    ['answers to nothing', (client, index) => client.send({ ack: index })],
    ['binary garbage', (client, index) => client.ws.send(Buffer.from([0xff, index]))],
    ['tokens that are none', (client, index) => client.send({ event: '$auth', meta: { token: `${index}` } })],
    ['tokens that break a guard', (client) => client.send({ event: '$auth', meta: { token: 'breaks' } })],
    [
      'ids twice',
      (client) => (client.send({ event: 'forgets', id: 1 }), client.send({ event: 'forgets', id: 1 })),
    ],
    ['an early end', (client) => client.ws.terminate()],
    ['frames over maxPayload', (client) => client.ws.send(Buffer.alloc(1_000_001))],
  ];
  it.each(garbage)('messages: %s', async (_, send) => {
    const app = await start();
    await repeat(TIMES / 3, async (round) => {
      const client = await app.connect('/ws');
      for (let index = 0; index < 3; index++)
        if (client.closed === undefined) send(client, round * 3 + index);
      if (client.ws.readyState === client.ws.OPEN) client.send({ event: 'refuses', id: 'end' });
      await client.until(
        'the end',
        () => client.closed !== undefined || client.frames.some(({ ack }) => ack === 'end'),
      );
    });
    // a guard that breaks is one thing at the upgrade, another at a message
    expectCalm(app, 2);
  });

  it('listeners that break over what clients send, under any name', async () => {
    const app = await start({ limits: { ...OPTIONS.limits, maxInFlight: 1_000 } });
    await repeat(TIMES / 5, async (round) => {
      const client = await app.connect('/ws?listen=yes');
      await repeat(5, async (index) => {
        client.send({ event: `name-${round}-${index}`, data: index });
        client.send({ event: 'listened', data: `${round}-${index}` });
        client.send({ event: 'listened late', data: `${round}-${index}` });
        client.ws.ping(`${round}-${index}`);
        client.ws.pong(`${round}-${index}`);
        await client.ask('refuses', 1);
      });
      client.close();
      await client.ended();
    });
    // by name: two listeners, two catch-all ones (one hears of three outgoing names), ping, pong, disconnect
    expectCalm(app, 10);
    expect(app.log.of('error').length).toBeGreaterThan(20);
  });

  const upgrades: [
    what: string,
    target: string,
    headers: Record<string, string>,
    adapter?: EnvelopeOptions,
  ][] = [
    ['a guard that breaks', '/ws?guard=breaks&n=', {}],
    ['a hook that throws', '/ws?connect=throws&n=', {}],
    ['a hook that refuses', '/ws?connect=refuses&n=', {}],
    ['a gateway that cannot be made', '/scoped?n=', {}],
    ['paths that nobody owns', '/nobody/', {}],
    ['bad keys', '/ws?n=', { 'Sec-WebSocket-Key': 'x' }],
    ['tokens that are none', '/ws?token=', { 'Sec-WebSocket-Protocol': 'envelope.auth.%%%' }],
    [
      'a check that breaks',
      '/ws?n=',
      {},
      { verifyClient: ({ req }: { req: IncomingMessage }) => fail(req.url) },
    ],
    [
      'a choice of subprotocol that breaks',
      '/ws?n=',
      { 'Sec-WebSocket-Protocol': 'a' },
      { handleProtocols: (_, { url }) => fail(url) },
    ],
    ['proxies that nobody named', '/ws?n=', { 'X-Forwarded-For': '1.2.3.4' }],
    ['too many connections', '/ws?n=', {}, { limits: { maxConnections: 1 } }],
  ];
  it.each(upgrades)('upgrades: %s', async (_, target, headers, adapter = {}) => {
    const app = await start(adapter);
    await repeat(TIMES, (index) => askForUpgrade(app.port, `${target}${index}`, headers));
    expectCalm(app);
  });

  it('upgrades: foreign origins, another each time', async () => {
    const app = await start();
    await repeat(200, (index) => askForUpgrade(app.port, '/ws', { Origin: `https://evil-${index}.example` }));
    expectCalm(app, 4);
  });

  it('hooks that throw when clients leave', async () => {
    const app = await start();
    await repeat(TIMES, async () => {
      const client = await app.connect('/ws?leave=throws');
      client.close();
      await client.ended();
    });
    expectCalm(app);
  });

  it('paths that clients choose', async () => {
    const app = await start();
    await repeat(TIMES * 3, async (index) => {
      const client = await app.connect(`/rooms/${index}`);
      await client.ask('throws', index);
      await client.ask('joins');
      client.ws.terminate();
    });
    expectCalm(app, 2);
    // the path stands in the line all the same
    expect(app.log.of('error')[0]).toContain('/rooms/0: "throws" threw');
  });

  it('names of events that clients choose stand in it as JSON', async () => {
    const app = await start({ shutdownTimeout: 100, limits: { maxInFlight: 1 } });
    const server = app.adapter.create(0, { path: '/ws' });
    server.on('connection', (socket) => void socket.use(() => undefined));
    const client = await RawClient.connect(app.port, '/ws');
    client.text({ event: 'x\n[Nest] ERROR \u001b[31mforged', id: 1 });
    client.text({ event: 'waits', id: 2 });
    client.text({ event: '$ping', id: 3 });
    expect(JSON.parse(await client.message())).toEqual({ event: '$ping', ack: 3 });
    expect(app.log.of('warn')).toHaveLength(1);
    expect(app.log.of('warn')[0]).toContain('"x\\n[Nest] ERROR \\u001b[31mforged"');
  });

  it('what was left out is counted when the minute, or the application, ends', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    await repeat(TIMES, (index) => client.ask('throws', index));
    expect(app.log.of('error')).toHaveLength(5);
    await app.close();
    expect(app.log.of('warn')).toEqual(['/ws: "throws" threw: 55 more within the last minute']);
  });
});
