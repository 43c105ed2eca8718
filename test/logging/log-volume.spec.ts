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
import { requestUpgrade } from '../support/upgrade.js';

/** Throws an error that contains what the client sent, so that no two errors are alike. */
const fail = (data: unknown): never => {
  throw new Error(`it failed for ${JSON.stringify(data)}`);
};

class BrokenGuard {
  canActivate(context: { switchToWs(): { getClient(): EnvelopeSocket; getData(): unknown } }): boolean {
    const client = context.switchToWs().getClient();
    return client.query['guard'] === 'fails' || client.handshake.auth['token'] === 'fails'
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
class FailingGateway {
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
class FailingProvider {
  constructor() {
    fail(Math.random());
  }
}
@WebSocketGateway({ path: '/scoped' })
class ScopedGateway {
  constructor(readonly provider: FailingProvider) {}
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
    { providers: [FailingGateway, FailingProvider, ScopedGateway, RoomsGateway] },
    { adapter: { ...OPTIONS, ...adapter } },
  );

/** Expects at most five log lines for each kind of error, however often it occurs. */
function expectFewLines(app: TestApp, kinds = 1): void {
  const lines = [...app.log.of('error'), ...app.log.of('warn'), ...app.log.of('fatal')];
  expect(lines.length).toBeLessThanOrEqual(5 * kinds);
}

const repeat = async (times: number, act: (index: number) => unknown): Promise<void> => {
  for (let index = 0; index < times; index++) await act(index);
};

describe('the log', () => {
  expectNoUnhandledErrors();

  const events = [
    ...['throws', 'rejects', 'source', 'generator', 'unwritable', 'unwritable exception', 'unwritable emit'],
    ...['acknowledges', 'joins', 'pipe', 'interceptor', 'refuses', 'unhandled', '$unknown', 'exception'],
  ];
  it.each(events)('does not fill with errors of the event "%s", with other data each time', async (event) => {
    const app = await start();
    await repeat(TIMES / 5, async (round) => {
      const client = await app.connect('/ws');
      await repeat(5, async (index) => {
        const data = `${round}-${index}`.repeat(20);
        client.send({ event, data });
        await client.ask(event, data, index);
      });
    });
    // With an id and without.
    expectFewLines(app, 2);
  });

  const garbage: [what: string, (client: TestClient, index: number) => unknown][] = [
    ['no JSON', (client, index) => client.send(`{${index}`)],
    ['no event', (client, index) => client.send({ data: index })],
    ['long names', (client, index) => client.send({ event: `${index}`.repeat(300) })],
    ['invalid ids', (client, index) => client.send({ event: 'throws', id: { index } as never })],
    [
      'deep JSON',
      (client, index) => client.send(`{"event":"x${index}","data":${'['.repeat(99)}${']'.repeat(99)}}`),
    ],
    ['endless names', (client, index) => client.send({ event: `unknown-${index}`, id: index })],
    ['answers to no request', (client, index) => client.send({ ack: index })],
    ['binary garbage', (client, index) => client.ws.send(Buffer.from([0xff, index]))],
    ['invalid tokens', (client, index) => client.send({ event: '$auth', meta: { token: `${index}` } })],
    ['tokens that make a guard fail', (client) => client.send({ event: '$auth', meta: { token: 'fails' } })],
    [
      'duplicate ids',
      (client) => (client.send({ event: 'forgets', id: 1 }), client.send({ event: 'forgets', id: 1 })),
    ],
    ['an early disconnect', (client) => client.ws.terminate()],
    ['frames over maxPayload', (client) => client.ws.send(Buffer.alloc(1_000_001))],
  ];
  it.each(garbage)('does not fill with messages: %s', async (_, send) => {
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
    // A failing guard logs one kind of error at the upgrade, and another one at a message.
    expectFewLines(app, 2);
  });

  it('does not fill with errors of listeners, under any event name', async () => {
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
    // By name: two listeners, two catch-all listeners (one for three outgoing names),
    // ping, pong, disconnect.
    expectFewLines(app, 10);
    expect(app.log.of('error').length).toBeGreaterThan(20);
  });

  const upgrades: [
    what: string,
    target: string,
    headers: Record<string, string>,
    adapter?: EnvelopeOptions,
  ][] = [
    ['a guard that fails', '/ws?guard=fails&n=', {}],
    ['a handleConnection that throws', '/ws?connect=throws&n=', {}],
    ['a handleConnection that refuses', '/ws?connect=refuses&n=', {}],
    ['a gateway that cannot be created', '/scoped?n=', {}],
    ['paths without a gateway', '/unknown/', {}],
    ['invalid keys', '/ws?n=', { 'Sec-WebSocket-Key': 'x' }],
    ['invalid tokens', '/ws?token=', { 'Sec-WebSocket-Protocol': 'envelope.auth.%%%' }],
    [
      'a check that fails',
      '/ws?n=',
      {},
      { verifyClient: ({ req }: { req: IncomingMessage }) => fail(req.url) },
    ],
    [
      'a handleProtocols that fails',
      '/ws?n=',
      { 'Sec-WebSocket-Protocol': 'a' },
      { handleProtocols: (_, { url }) => fail(url) },
    ],
    ['undeclared proxies', '/ws?n=', { 'X-Forwarded-For': '1.2.3.4' }],
    ['too many connections', '/ws?n=', {}, { limits: { maxConnections: 1 } }],
  ];
  it.each(upgrades)('does not fill with upgrades: %s', async (_, target, headers, adapter = {}) => {
    const app = await start(adapter);
    await repeat(TIMES, (index) => requestUpgrade(app.port, `${target}${index}`, headers));
    expectFewLines(app);
  });

  it('does not fill with foreign origins, a different one each time', async () => {
    const app = await start();
    await repeat(200, (index) =>
      requestUpgrade(app.port, '/ws', { Origin: `https://evil-${index}.example` }),
    );
    expectFewLines(app, 4);
  });

  it('does not fill with errors of handleDisconnect', async () => {
    const app = await start();
    await repeat(TIMES, async () => {
      const client = await app.connect('/ws?leave=throws');
      client.close();
      await client.ended();
    });
    expectFewLines(app);
  });

  it('does not fill with errors on paths that clients choose', async () => {
    const app = await start();
    await repeat(TIMES * 3, async (index) => {
      const client = await app.connect(`/rooms/${index}`);
      await client.ask('throws', index);
      await client.ask('joins');
      client.ws.terminate();
    });
    expectFewLines(app, 2);
    // The line still contains the path.
    expect(app.log.of('error')[0]).toContain('/rooms/0: "throws" threw');
  });

  it('contains the event names of clients as JSON', async () => {
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

  it('counts the suppressed lines when the minute or the application ends', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    await repeat(TIMES, (index) => client.ask('throws', index));
    expect(app.log.of('error')).toHaveLength(5);
    await app.close();
    expect(app.log.of('warn')).toEqual(['/ws: "throws" threw: 55 more within the last minute']);
  });
});
