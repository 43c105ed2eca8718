import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, user, type EnvelopeOptions } from '../../lib/index.js';
import { Returning } from '../cluster/recovery-client.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoStrays } from '../support/strays.js';
import { until } from '../support/wait.js';

type Write = (client: EnvelopeSocket) => void;

/** What the guard does for a client that shows this token. */
let tokens: Record<string, Write> = {};
/** What `handleConnection` does. */
let atConnection: Write = () => undefined;
beforeEach(() => {
  tokens = {};
  atConnection = () => undefined;
});

class TokenGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    if (context.switchToWs().getPattern() !== '$upgrade') return true;
    await Promise.resolve();
    tokens[String(client.handshake.auth['token'])]?.(client);
    return true;
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly gone: string[] = [];

  handleConnection(client: EnvelopeSocket): void {
    atConnection(client);
  }
  handleDisconnect(client: EnvelopeSocket): void {
    this.gone.push(client.id);
  }
  @SubscribeMessage('set')
  set(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: object): void {
    Object.assign(client.data, data);
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.join(room);
  }
}

interface Stage {
  app: TestApp;
  server: EnvelopeServer;
  lost(client: Returning): Promise<void>;
  socketOf(client: Returning): EnvelopeSocket;
}

async function start(options: EnvelopeOptions = {}): Promise<Stage> {
  const app = await startApp({ providers: [Gateway] }, { adapter: { recovery: true, ...options } });
  const gateway = app.nest.get(Gateway);
  return {
    app,
    server: gateway.server,
    lost: ({ hello }) => until('the end of the line', () => gateway.gone.includes(hello.id)),
    socketOf: ({ hello }) => gateway.server.sockets.get(hello.id)!,
  };
}

/** One connects with a token, leaves something behind, and its session is shown with another token. */
async function comeBack(stage: Stage, first: string, second: string): Promise<Returning> {
  const client = await new Returning({ token: first }).connect(stage.app);
  await client.client.ask('join', 'red');
  await client.client.ask('set', { secret: first });
  await client.settled();
  await client.cut();
  await stage.lost(client);
  stage.server.to('red').emit('missed', first);
  return client.connect(stage.app, { token: second });
}

/** Nothing of the first one is left. */
async function expectStranger(stage: Stage, client: Returning): Promise<void> {
  expect(client.hello.recovered).toBe(false);
  expect(await client.settled()).not.toContain('missed');
  const socket = stage.socketOf(client);
  expect(socket.rooms.has('red')).toBe(false);
  expect(socket.data).not.toHaveProperty('secret');
}

/** Knows its text, and shows it to nobody but its methods. */
class Hidden {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  get text(): string {
    return this.#text;
  }
}
class Entity {
  constructor(private readonly key: string) {}
  get id(): string {
    return this.key;
  }
  toString(): string {
    return 'Entity';
  }
}
const objectId = (hex: string): object => ({ toHexString: () => hex, toString: () => hex });
const is =
  (value: unknown): Write =>
  (client) =>
    void (client.user = value);

describe('whose a session is', () => {
  expectNoStrays();

  it.each<[string, Write, Write]>([
    ['an unknown field', is({ key: 'a' }), is({ key: 'b' })],
    ['uid', is({ uid: 'a' }), is({ uid: 'b' })],
    ['a getter of a class', is(new Entity('a')), is(new Entity('b'))],
    ['an ObjectId', is({ _id: objectId('a') }), is({ _id: objectId('b') })],
    ['an ObjectId itself', is(objectId('a')), is(objectId('b'))],
    ['bytes', is({ id: Buffer.from([0xfe]) }), is({ id: Buffer.from([0xff]) })],
    ['a private field', is(new Hidden('a')), is(new Hidden('b'))],
    ['an id with a private field', is({ id: new Hidden('a') }), is({ id: new Hidden('b') })],
    ['a list', is(['a']), is(['b'])],
    ['a Map', is(new Map([['id', 'a']])), is(new Map([['id', 'b']]))],
    ['a number and a text', is(1), is('1')],
    ['ids, a number and a text', is({ id: 1 }), is({ id: '1' })],
    ['a number and a bigint', is({ id: 1 }), is({ id: 1n })],
    ['the text of an object', is('[object Object]'), is({})],
    ['the text of nothing', is('undefined'), is({ id: undefined })],
    ['NaN', is(Number.NaN), is(Number.NaN)],
    ['an id that is NaN', is({ id: Number.NaN }), is({ id: Number.NaN })],
    ['a symbol', is(Symbol('a')), is(Symbol('a'))],
    ['true', is(true), is(true)],
    ['an empty text', is(''), is('')],
    ['no id', is({ id: undefined }), is({ id: null })],
    ['another field', is({ sub: '1' }), is({ id: '1' })],
    ['an earlier field', is({ id: '1' }), is({ sub: '2', id: '1' })],
    ['another issuer', is({ iss: 'a', sub: '1' }), is({ iss: 'b', sub: '1' })],
    ['another tenant', is({ tenantId: 1, id: '1' }), is({ tenantId: 2, id: '1' })],
    ['an id in parts', is({ id: { tenant: 'a', id: 1 } }), is({ id: { tenant: 'b', id: 1 } })],
    ['bytes that are no UTF-8', is({ id: new Hidden('�') }), is({ id: new Hidden('�') })],
    ['nobody after somebody', is({ id: 'a' }), () => undefined],
    ['somebody after nobody', () => undefined, is({ id: 'a' })],
    [
      'data.user',
      (client) => (client.data.user = { uid: 'a' }),
      (client) => (client.data.user = { uid: 'b' }),
    ],
    ['data.userId', (client) => (client.data.userId = 'a'), (client) => (client.data.userId = 'b')],
    ['data.uid', (client) => (client.data.uid = 1), (client) => (client.data.uid = 2)],
    [
      'any field of data',
      (client) => (client.data.account = { name: 'a' }),
      (client) => (client.data.account = { name: 'b' }),
    ],
    [
      'an instance in data',
      (client) => (client.data.account = new Hidden('a')),
      (client) => (client.data.account = new Hidden('b')),
    ],
    [
      'data as a whole',
      (client) => (client.data = { account: 'a' }),
      (client) => (client.data = { account: 'b' }),
    ],
    ['data that is a text', (client) => (client.data = 'a'), (client) => (client.data = 'b')],
    [
      'a field of the client',
      (client) => Object.assign(client, { account: 'a' }),
      (client) => Object.assign(client, { account: 'b' }),
    ],
    [
      'for whom it acts',
      (client) => Object.assign(client, { user: 'root', data: { user: { id: 'a' } } }),
      (client) => Object.assign(client, { user: 'root', data: { user: { id: 'b' } } }),
    ],
    [
      'a getter that throws',
      is({
        get id() {
          throw new Error('no database');
        },
      }),
      is({ id: 'a' }),
    ],
  ])('is not the next one’s: %s', async (_, first, second) => {
    tokens = { first, second };
    const stage = await start();
    await expectStranger(stage, await comeBack(stage, 'first', 'second'));
  });

  it.each<[string, () => Write]>([
    ['a text', () => is('ada')],
    ['a number', () => is(0)],
    ['an id in parts', () => is({ id: { tenant: 'a', number: 1 } })],
    ['uid', () => is({ uid: 'a', at: Math.random() })],
    ['a getter of a class', () => is(new Entity('a'))],
    ['an ObjectId', () => is({ _id: objectId('a') })],
    ['bytes', () => is({ id: Buffer.from([0xff]) })],
    ['nobody', () => () => undefined],
    ['data.user', () => (client) => (client.data.user = { sub: 'a', at: Math.random() })],
    ['data.userId', () => (client) => Object.assign(client.data, { userId: 'a', at: Math.random() })],
    ['any field of data', () => (client) => (client.data.account = { name: 'a', roles: ['b', { c: 1 }] })],
    [
      'a field of the client',
      () => (client) => Object.assign(client, { account: 'a', tell: () => undefined }),
    ],
    [
      'a guard that looks at everything',
      () => (client) => {
        const { handshake, headers, cookies, requestId, request, url, query, rooms, expiresAt } = client;
        expect([handshake, headers, cookies, requestId, request, url, query, rooms, expiresAt]).toHaveLength(
          9,
        );
        client
          .on('error', () => undefined)
          .onAny(() => undefined)
          .onAnyOutgoing(() => undefined);
        client.use((_, next) => next()).on('x', () => undefined);
        client.expiresAt = Date.now() + 100_000;
        client.emit('hello');
      },
    ],
  ])('is that of the same user: %s', async (_, write) => {
    tokens = { first: (client) => write()(client), second: (client) => write()(client) };
    const stage = await start();
    const client = await comeBack(stage, 'first', 'second');
    expect(client.hello.recovered).toBe(true);
    expect(await client.settled()).toContain('missed');
    expect(stage.socketOf(client).data).toMatchObject({ secret: 'first' });
    expect(stage.app.log.of('warn')).toEqual([]);
  });

  it('is nobody’s where nobody can say who the user is: there is none, and the log names the option', async () => {
    tokens = { a: is({ key: 'a' }) };
    const stage = await start();
    const ada = await new Returning({ token: 'a' }).connect(stage.app);
    expect(ada.hello.session).toBeUndefined();
    expect(ada.hello.features).not.toContain('recovery');
    await new Returning({ token: 'a' }).connect(stage.app);
    expect(stage.app.log.of('warn')).toEqual([expect.stringContaining('identify: (user) => user.key')]);
  });

  it.each<[string, Write]>([
    ['client.user', is({ id: 'a' })],
    ['client.data.user', (client) => (client.data.user = { id: 'a' })],
    ['client.data.userId', (client) => (client.data.userId = 'a')],
  ])('is nobody’s where the user was set outside guards: %s', async (_, write) => {
    const stage = await start();
    atConnection = write;
    const client = await comeBack(stage, 'first', 'second');
    expect(client.hello.recovered).toBe(false);
    expect(stage.app.log.of('warn')).toEqual([expect.stringContaining('outside the guards')]);
  });

  it('stays the user’s where a handler loads a profile', async () => {
    tokens = { first: is({ sub: 'a' }), second: is({ sub: 'a' }) };
    const stage = await start();
    atConnection = (client) => (client.data.user ??= { id: 7, name: 'Ada' });
    expect((await comeBack(stage, 'first', 'second')).hello.recovered).toBe(true);
    expect(stage.app.log.of('warn')).toEqual([]);
  });
});

describe('the option identify', () => {
  expectNoStrays();

  it('names users of any shape, on the adapter', async () => {
    tokens = { a: is({ key: 'a' }), 'a again': is({ key: 'a', at: 1 }), b: is({ key: 'b' }) };
    const stage = await start({ identify: (given) => given.key });
    expect((await comeBack(stage, 'a', 'a again')).hello.recovered).toBe(true);
    await expectStranger(stage, await comeBack(stage, 'a', 'b'));
    const ada = await new Returning({ token: 'a' }).connect(stage.app);
    stage.server.to(user('a')).emit('for a');
    expect(await ada.settled()).toContain('for a');
    stage.server.disconnectUser('a');
    expect((await ada.client.ended()).code).toBe(1000);
    expect(stage.app.log.of('warn')).toEqual([]);
  });

  it('names them on a gateway, which wins over the adapter, and from wherever the guards put them', async () => {
    @UseGuards(TokenGuard)
    @WebSocketGateway({
      path: '/ws',
      identify: (_: unknown, client: EnvelopeSocket) => client.data.account?.name as string | undefined,
    })
    class AccountGateway extends Gateway {}
    tokens = {
      a: (client) => (client.data.account = { name: 'a', at: Math.random() }),
      b: (client) => (client.data.account = { name: 'b' }),
    };
    const app = await startApp(
      { providers: [AccountGateway] },
      { adapter: { recovery: true, identify: () => 'everybody' } },
    );
    const gateway = app.nest.get(AccountGateway);
    const come = async (first: string, second: string): Promise<Returning> => {
      const client = await new Returning({ token: first }).connect(app);
      await client.settled();
      await client.cut();
      await until('the end of the line', () => gateway.gone.includes(client.hello.id));
      return client.connect(app, { token: second });
    };
    expect((await come('a', 'a')).hello.recovered).toBe(true);
    expect((await come('a', 'b')).hello.recovered).toBe(false);
    expect((await come('', '')).hello.recovered).toBe(true);
  });

  it.each<[string, unknown, string]>([
    ['throws', () => (undefined as unknown as { id: string }).id, 'the option identify threw'],
    ['returns a number', () => 7, 'identify returned 7'],
    ['returns an empty text', () => '', 'identify returned a text of 0 characters'],
    ['returns a promise', () => Promise.resolve('a'), 'identify returned a promise'],
    ['returns null', () => null, 'identify returned null'],
  ])('that %s names nobody, and the log says so', async (_, identify, text) => {
    tokens = { a: is({ id: 'a' }), b: is({ id: 'b' }) };
    const stage = await start({ identify: identify as () => string });
    await expectStranger(stage, await comeBack(stage, 'a', 'b'));
    expect(stage.app.log.of('error').join()).toContain(text);
    stage.server.to(user('a')).to(user('7')).emit('for a');
    expect(stage.server.adapter.rooms.has(user('a'))).toBe(false);
  });

  it('that returns undefined for a user names nobody, and for no user that there is none', async () => {
    tokens = { a: is({ id: 'a' }) };
    const stage = await start({ identify: () => undefined });
    await expectStranger(stage, await comeBack(stage, 'a', 'a'));
    expect((await comeBack(stage, '', '')).hello.recovered).toBe(true);
    expect(stage.app.log.of('warn')).toEqual([expect.stringContaining('identify returned undefined')]);
  });

  it.each([7, 'id', {}])('that is %p is refused', async (identify) => {
    await expect(start({ identify: identify as unknown as () => string })).rejects.toThrow(
      'EnvelopeAdapter: identify is',
    );
  });
});

describe('the room of a user', () => {
  expectNoStrays();

  it.each([
    undefined,
    null,
    '',
    Number.NaN,
    Infinity,
    {},
    [],
    ['a'],
    { id: 'a' },
    new Entity('a'),
    Symbol('a'),
    true,
  ])('has no name for %p', async (value) => {
    const stage = await start();
    expect(() => user(value)).toThrow(TypeError);
    expect(() => stage.server.disconnectUser(value)).toThrow('takes what names the user');
  });

  it('is the same for an id and its text, and for an ObjectId and its digits', () => {
    expect(user(42)).toBe(user('42'));
    expect(user(42n)).toBe(user('42'));
    expect(user(objectId('5f'))).toBe(user('5f'));
    expect(user(Buffer.from([0xff]))).toBe(user('ff'));
    expect(user({ tenant: 'a', number: 1 })).toBe(user({ number: 1, tenant: 'a' }));
  });

  it('is that of a user of a database, too', async () => {
    tokens = { a: is({ _id: objectId('5f') }), b: (client) => (client.data.userId = 7) };
    const stage = await start();
    const ada = await new Returning({ token: 'a' }).connect(stage.app);
    const bob = await new Returning({ token: 'b' }).connect(stage.app);
    stage.server.to(user('5f')).emit('for ada');
    stage.server.to(user(7)).emit('for bob');
    expect(await ada.settled()).toEqual(['for ada']);
    expect(await bob.settled()).toEqual(['for bob']);
  });

  it('has a warning where users are named by several fields', async () => {
    tokens = { a: is({ sub: '1' }), b: is({ id: '1' }) };
    const stage = await start();
    await new Returning({ token: 'a' }).connect(stage.app);
    expect(stage.app.log.of('warn')).toEqual([]);
    await new Returning({ token: 'b' }).connect(stage.app);
    await new Returning({ token: 'b' }).connect(stage.app);
    expect(stage.app.log.of('warn')).toEqual([expect.stringMatching(/by sub and by id.*option identify/s)]);
  });
});

describe('$auth in place', () => {
  expectNoStrays();

  async function renew(first: Write, second: Write): Promise<[Stage, string, EnvelopeSocket]> {
    tokens = { first, second };
    const stage = await start();
    const client = await new Returning({ token: 'first' }).connect(stage.app);
    await client.client.ask('set', { kept: true });
    const { event } = await client.client.ask('$auth', { token: 'second' });
    return [stage, event!, stage.socketOf(client)];
  }

  it.each<[string, Write, Write]>([
    ['uid', is({ uid: 'a' }), is({ uid: 'b' })],
    ['an unknown field', is({ key: 'a' }), is({ key: 'b' })],
    ['an unknown field, the same', is({ key: 'a' }), is({ key: 'a' })],
    ['a number and a text', is({ id: 1 }), is({ id: '1' })],
    ['data.userId', (client) => (client.data.userId = 'a'), (client) => (client.data.userId = 'b')],
    ['any field of data', (client) => (client.data.account = 'a'), (client) => (client.data.account = 'b')],
  ])('takes nobody for another: %s', async (_, first, second) => {
    const [, event, socket] = await renew(first, second);
    expect(event).toBe('exception');
    const before = { user: undefined, data: {} };
    first(before as unknown as EnvelopeSocket);
    expect(socket.user).toEqual(before.user);
    expect(socket.data).toEqual({ ...before.data, kept: true });
  });

  it.each<[string, Write, Write]>([
    ['uid', is({ uid: 'a' }), is({ uid: 'a', role: 'x' })],
    ['somebody after nobody', () => undefined, is({ uid: 'a' })],
    ['any field of data', (client) => (client.data.account = 'a'), (client) => (client.data.account = 'a')],
  ])('takes the same for the same: %s', async (_, first, second) => {
    const [, event] = await renew(first, second);
    expect(event).toBe('$auth');
  });
});
