import {
  HttpException,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

const FAR = Date.now() + 3_600_000;
let gate = deferred<void>();
let calls: string[] = [];
let sockets: EnvelopeSocket[] = [];
beforeEach(() => {
  gate = deferred();
  calls = [];
  sockets = [];
});

/** A token is `<user>` or `<user>.<action of the guard>`. */
class TokenGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const pattern = context.switchToWs().getPattern();
    if (pattern !== '$upgrade') return true;
    const client: EnvelopeSocket = context.switchToWs().getClient();
    const token = String(client.handshake.auth['token']);
    calls.push(token);
    expect(client.headers.authorization).toBe(`Bearer ${token}`);
    const [sub, action = ''] = token.split('.');
    client.user = { sub };
    switch (action) {
      case 'anonymous':
        client.user = undefined;
        break;
      case 'indata':
        client.user = undefined;
        client.data.user = { sub };
        break;
      case 'role':
        client.user = { sub, role: 'admin' };
        break;
      case 'soon':
        client.expiresAt = FAR;
        break;
      case 'later':
        client.expiresAt = FAR + 1_000;
        break;
      case 'late':
        await gate.promise;
        break;
      case 'expired':
        client.expiresAt = Date.now() - 1_000;
        break;
      case 'disconnect':
        client.disconnect();
        break;
      case 'false':
        return false;
      case '401':
        throw new UnauthorizedException('no such token');
      case '402':
        throw new HttpException({ bill: 7 }, 402);
      case 'text':
        throw new HttpException('pay', 402);
      case 'ws':
        throw new WsException('no such ticket');
      case 'nothing':
        throw new WsException(undefined as unknown as string);
      case 'throws':
        throw new Error(`${token} is not in the database`);
    }
    return true;
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/ws' })
class AuthGateway {
  handleConnection(client: EnvelopeSocket): void {
    sockets.push(client);
  }
  handleDisconnect(): void {
    calls.push('disconnected');
  }
  @SubscribeMessage('whoami')
  whoAmI(@ConnectedSocket() client: EnvelopeSocket): unknown {
    const { user, handshake, headers, expiresAt } = client;
    return { user, auth: handshake.auth, authorization: headers.authorization, expiresAt };
  }
}

const start = (): Promise<TestApp> => startApp({ providers: [AuthGateway] });

const connect = (app: TestApp, token: string): Promise<TestClient> =>
  app.connect('/ws', { protocols: ['envelope.v1', 'bearer', token] });

const reauthenticate = (client: TestClient, token: string, id: string | number = token): Promise<unknown> => {
  client.send({ event: '$auth', id, meta: { token } });
  return client.answer(id);
};
const whoAmI = async (client: TestClient): Promise<unknown> => (await client.ask('whoami')).data;

const state = (token: string, expiresAt?: number): object => ({
  user: { sub: token.split('.')[0] },
  auth: { token },
  authorization: `Bearer ${token}`,
  ...(expiresAt !== undefined && { expiresAt }),
});

describe('$auth', () => {
  expectNoUnhandledErrors();

  it('is a feature that the session announces', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    expect((await client.next('$session')).data.features).toContain('auth');
  });

  it('runs the guards of the upgrade with the fresh token', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    expect(await whoAmI(client)).toEqual(state('ada'));
    expect(await reauthenticate(client, 'ada.ok')).toEqual({ event: '$auth', ack: 'ada.ok' });
    expect(await whoAmI(client)).toEqual(state('ada.ok'));
    expect(calls).toEqual(['ada', 'ada.ok']);
  });

  it('returns the new expiry, and extends the connection', async () => {
    const app = await start();
    const client = await connect(app, 'ada.soon');
    expect(sockets[0]!.expiresAt).toBe(FAR);
    expect(await reauthenticate(client, 'ada.later')).toEqual({
      event: '$auth',
      data: { expiresAt: FAR + 1_000, expiresIn: expect.any(Number) },
      ack: 'ada.later',
    });
    expect(sockets[0]!.expiresAt).toBe(FAR + 1_000);
  });

  it('accepts further credentials as data', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    client.send({ event: '$auth', id: 1, data: { token: 'ada.ok', device: 'phone' } });
    expect(await client.answer(1)).toEqual({ event: '$auth', ack: 1 });
    expect(await whoAmI(client)).toMatchObject({ auth: { token: 'ada.ok', device: 'phone' } });
    client.send({ event: '$auth', id: 2, data: JSON.parse('{"token":"ada.ok","__proto__":{"admin":true}}') });
    await client.answer(2);
    expect(Reflect.get(sockets[0]!.handshake.auth, 'admin')).toBeUndefined();
  });

  it('needs no id, and then sends nothing on success', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    client.send({ event: '$auth', meta: { token: 'ada.ok' } });
    await client.settled();
    expect(await whoAmI(client)).toEqual(state('ada.ok'));
    client.send({ event: '$auth', meta: { token: 'ada.401' } });
    expect(await client.next('exception')).toEqual({
      event: 'exception',
      data: { status: 'error', statusCode: 401, message: 'no such token', error: 'Unauthorized' },
    });
    expect(client.frames.filter(({ event }) => event === '$auth')).toEqual([]);
  });

  it.each<[string, object]>([
    ['ada.false', { statusCode: 403, message: 'Forbidden resource', error: 'Forbidden' }],
    ['ada.401', { statusCode: 401, message: 'no such token', error: 'Unauthorized' }],
    ['ada.402', { statusCode: 402, bill: 7 }],
    ['ada.text', { statusCode: 402, message: 'pay' }],
    ['ada.ws', { statusCode: 401, message: 'no such ticket', error: 'Unauthorized' }],
    ['ada.nothing', { statusCode: 401, message: 'Unauthorized', error: 'Unauthorized' }],
    ['ada.throws', { statusCode: 500, message: 'Internal server error', error: 'Internal Server Error' }],
    ['bob.ok', { statusCode: 403, message: 'another user needs another connection' }],
  ])('changes nothing when it is refused: %s', async (token, data) => {
    const app = await start();
    const client = await connect(app, 'ada.soon');
    const before = await whoAmI(client);
    expect(before).toEqual(state('ada.soon', FAR));
    expect(await reauthenticate(client, token)).toEqual({
      event: 'exception',
      data: { status: 'error', ...data },
      ack: token,
    });
    expect(await whoAmI(client)).toEqual(before);
    // The client may try again.
    expect(await reauthenticate(client, 'ada.later')).toMatchObject({ event: '$auth' });
    expect(app.log.of('error')).toHaveLength(token === 'ada.throws' ? 1 : 0);
  });

  it.each<[string, string, boolean]>([
    ['ada', 'ada.role', true],
    ['ada', 'bob', false],
    // Not through an anonymous user either.
    ['ada', 'ada.anonymous', false],
    ['ada.anonymous', 'ada', true],
    ['ada.anonymous', 'ada.anonymous', true],
    ['ada.indata', 'ada.indata', true],
    ['ada.indata', 'bob.indata', false],
  ])('accepts only the same user: %s, then %s', async (first, second, isAccepted) => {
    const app = await start();
    const client = await connect(app, first);
    const { user, data } = sockets[0]!;
    const before = [user, { ...data }];
    expect(await reauthenticate(client, second)).toMatchObject({ event: isAccepted ? '$auth' : 'exception' });
    if (!isAccepted) expect([sockets[0]!.user, sockets[0]!.data]).toEqual(before);
  });

  it('puts the fresh token where guards found the first one', async () => {
    const app = await start();
    const client = await app.connect('/ws?a=b%26c?&token=ada&d=');
    const [socket] = sockets;
    const tokenPlaces = () => [
      socket!.url,
      socket!.query,
      socket!.handshake.auth,
      socket!.headers.authorization,
    ];
    const before = tokenPlaces();
    expect(before[0]).toBe('/ws?a=b%26c?&token=ada&d=');
    await reauthenticate(client, 'bob');
    expect(tokenPlaces()).toEqual(before);
    await reauthenticate(client, 'ada.ok');
    expect(tokenPlaces()).toEqual([
      '/ws?a=b%26c%3F&token=ada.ok&d=',
      { a: 'b&c?', token: 'ada.ok', d: '' },
      { token: 'ada.ok' },
      'Bearer ada.ok',
    ]);
  });

  it('with an expired token does not close the connection early', async () => {
    const app = await start();
    const client = await connect(app, 'ada.soon');
    expect(await reauthenticate(client, 'ada.expired')).toMatchObject({
      event: 'exception',
      data: { status: 'error', statusCode: 401 },
    });
    expect(await whoAmI(client)).toEqual(state('ada.soon', FAR));
    expect(sockets[0]!.connected).toBe(true);
  });

  it.each<[string, object]>([
    ['an empty message', {}],
    ['no token', { meta: {} }],
    ['a token that is not a string', { meta: { token: 7 } }],
    ['a string', { data: 'ada' }],
    ['a list', { data: ['ada'] }],
    ['null', { data: null }],
  ])('refuses malformed credentials: %s', async (_, message) => {
    const app = await start();
    const client = await connect(app, 'ada');
    client.send({ event: '$auth', id: 1, ...message });
    expect(await client.answer(1)).toMatchObject({ event: 'exception', data: { code: 'bad_frame' } });
    expect(calls).toEqual(['ada']);
    for (let times = 0; times < 9; times++) client.send({ event: '$auth', ...message });
    expect((await client.ended()).code).toBe(1008);
  });

  it('runs one at a time, and messages wait for it', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    client.send({ event: '$auth', id: 1, meta: { token: 'ada.late' } });
    client.send({ event: '$auth', id: 2, meta: { token: 'ada.ok' } });
    client.send({ event: '$auth', meta: { token: 'ada.ok' } });
    const refused = { status: 'error', code: 'rate_limited', message: expect.any(String) };
    expect(await client.answer(2)).toEqual({ event: 'exception', data: refused, ack: 2 });
    expect((await client.next('exception')).data).toEqual(refused);
    client.send({ event: 'whoami', id: 3 });
    await client.settled();
    expect(client.frames.filter(({ ack }) => ack === 1 || ack === 3)).toEqual([]);
    gate.resolve();
    expect(await client.answer(1)).toEqual({ event: '$auth', ack: 1 });
    expect((await client.answer(3)).data).toEqual(state('ada.late'));
    expect(calls).toEqual(['ada', 'ada.late']);
  });

  it('closes the connection for an id in flight, like any request', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    client.send({ event: '$auth', id: 1, meta: { token: 'ada.late' } });
    client.send({ event: 'whoami', id: 1 });
    expect((await client.ended()).code).toBe(4409);
    gate.resolve();
  });

  it.each(['resolve', 'reject'] as const)(
    'ends when the client disconnects, even if the guards %s later',
    async (how) => {
      const app = await start();
      const client = await connect(app, 'ada.soon');
      client.send({ event: '$auth', id: 1, meta: { token: 'bob.late' } });
      await client.settled();
      client.ws.terminate();
      await until('the disconnect', () => calls.includes('disconnected'));
      if (how === 'resolve') gate.resolve();
      else gate.reject(new Error('too late'));
      await new Promise((resolve) => setImmediate(resolve));
      expect(countResources(app)).toEqual(NO_RESOURCES);
      expect(Reflect.get(sockets[0]!, '_requests')?.size ?? 0).toBe(0);
    },
  );

  it('ends without an answer when a guard disconnects the client', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    client.send({ event: '$auth', id: 1, meta: { token: 'ada.disconnect' } });
    expect((await client.ended()).code).toBe(1000);
    expect(client.frames.filter(({ ack }) => ack !== undefined)).toEqual([]);
  });

  it('waits for a slow handleConnection', async () => {
    const app = await start();
    const gateway = app.nest.get(AuthGateway);
    const ready = deferred();
    gateway.handleConnection = () => ready.promise as unknown as void;
    const client = await connect(app, 'ada');
    client.send({ event: '$auth', id: 1, meta: { token: 'ada.ok' } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual(['ada']);
    ready.resolve();
    expect(await client.answer(1)).toEqual({ event: '$auth', ack: 1 });
  });
});
