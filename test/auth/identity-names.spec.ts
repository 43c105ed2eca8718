import { UseGuards } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { user, type EnvelopeSocket } from '../../lib/index.js';
import { RecoveringClient } from '../recovery/recovery-client.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import {
  reconnectAs,
  Entity,
  expectNewSession,
  Gateway,
  is,
  objectId,
  script,
  start,
  TokenGuard,
  type Stage,
  type Write,
} from './identity-fixture.js';

describe('the option identify', () => {
  expectNoUnhandledErrors();

  it('names users of any shape, on the adapter', async () => {
    script.tokens = { a: is({ key: 'a' }), 'a again': is({ key: 'a', at: 1 }), b: is({ key: 'b' }) };
    const stage = await start({ identify: (given) => given.key });
    expect((await reconnectAs(stage, 'a', 'a again')).hello.recovered).toBe(true);
    await expectNewSession(stage, await reconnectAs(stage, 'a', 'b'));
    const ada = await new RecoveringClient({ token: 'a' }).connect(stage.app);
    stage.server.to(user('a')).emit('for a');
    expect(await ada.settled()).toContain('for a');
    stage.server.disconnectUser('a');
    expect((await ada.client.ended()).code).toBe(1000);
    expect(stage.app.log.of('warn')).toEqual([]);
  });

  it('on a gateway takes precedence over the adapter, and reads data from any place', async () => {
    @UseGuards(TokenGuard)
    @WebSocketGateway({
      path: '/ws',
      identify: (_: unknown, client: EnvelopeSocket) => client.data.account?.name as string | undefined,
    })
    class AccountGateway extends Gateway {}
    script.tokens = {
      a: (client) => (client.data.account = { name: 'a', at: Math.random() }),
      b: (client) => (client.data.account = { name: 'b' }),
    };
    const app = await startApp(
      { providers: [AccountGateway] },
      { adapter: { recovery: true, identify: () => 'same user' } },
    );
    const gateway = app.nest.get(AccountGateway);
    const reconnectTo = async (first: string, second: string): Promise<RecoveringClient> => {
      const client = await new RecoveringClient({ token: first }).connect(app);
      await client.settled();
      await client.cut();
      await until('the end of the connection', () => gateway.disconnected.includes(client.hello.id));
      return client.connect(app, { token: second });
    };
    expect((await reconnectTo('a', 'a')).hello.recovered).toBe(true);
    expect((await reconnectTo('a', 'b')).hello.recovered).toBe(false);
    expect((await reconnectTo('', '')).hello.recovered).toBe(true);
  });

  it.each<[string, unknown, string]>([
    ['throws', () => (undefined as unknown as { id: string }).id, 'the option identify threw'],
    ['returns a number', () => 7, 'identify returned 7'],
    ['returns an empty string', () => '', 'identify returned a text of 0 characters'],
    ['returns a promise', () => Promise.resolve('a'), 'identify returned a promise'],
    ['returns null', () => null, 'identify returned null'],
  ])('identifies no user and logs an error when it %s', async (_, identify, text) => {
    script.tokens = { a: is({ id: 'a' }), b: is({ id: 'b' }) };
    const stage = await start({ identify: identify as () => string });
    await expectNewSession(stage, await reconnectAs(stage, 'a', 'b'));
    expect(stage.app.log.of('error').join()).toContain(text);
    stage.server.to(user('a')).to(user('7')).emit('for a');
    expect(stage.server.adapter.rooms.has(user('a'))).toBe(false);
  });

  it('identifies no user when it returns undefined, with a warning only for a client with a user', async () => {
    script.tokens = { a: is({ id: 'a' }) };
    const stage = await start({ identify: () => undefined });
    await expectNewSession(stage, await reconnectAs(stage, 'a', 'a'));
    expect((await reconnectAs(stage, '', '')).hello.recovered).toBe(true);
    expect(stage.app.log.of('warn')).toEqual([expect.stringContaining('identify returned undefined')]);
  });

  it.each([7, 'id', {}])('must be a function, not %p', async (identify) => {
    await expect(start({ identify: identify as unknown as () => string })).rejects.toThrow(
      'EnvelopeAdapter: identify is',
    );
  });
});

describe('the room of a user', () => {
  expectNoUnhandledErrors();

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
  ])('does not exist for %p', async (value) => {
    const stage = await start();
    expect(() => user(value)).toThrow(TypeError);
    expect(() => stage.server.disconnectUser(value)).toThrow('takes the name of a user');
  });

  it('is the same for an id and its string, and for an ObjectId and its digits', () => {
    expect(user(42)).toBe(user('42'));
    expect(user(42n)).toBe(user('42'));
    expect(user(objectId('5f'))).toBe(user('5f'));
    expect(user(Buffer.from([0xff]))).toBe(user('ff'));
    expect(user({ tenant: 'a', number: 1 })).toBe(user({ number: 1, tenant: 'a' }));
  });

  it('exists for users with database ids', async () => {
    script.tokens = { a: is({ _id: objectId('5f') }), b: (client) => (client.data.userId = 7) };
    const stage = await start();
    const ada = await new RecoveringClient({ token: 'a' }).connect(stage.app);
    const bob = await new RecoveringClient({ token: 'b' }).connect(stage.app);
    stage.server.to(user('5f')).emit('for ada');
    stage.server.to(user(7)).emit('for bob');
    expect(await ada.settled()).toEqual(['for ada']);
    expect(await bob.settled()).toEqual(['for bob']);
  });

  it('logs a warning when users are identified by several fields', async () => {
    script.tokens = { a: is({ sub: '1' }), b: is({ id: '1' }) };
    const stage = await start();
    await new RecoveringClient({ token: 'a' }).connect(stage.app);
    expect(stage.app.log.of('warn')).toEqual([]);
    await new RecoveringClient({ token: 'b' }).connect(stage.app);
    await new RecoveringClient({ token: 'b' }).connect(stage.app);
    expect(stage.app.log.of('warn')).toEqual([expect.stringMatching(/by sub and by id.*option identify/s)]);
  });
});

describe('$auth on an open connection', () => {
  expectNoUnhandledErrors();

  async function reauthenticate(first: Write, second: Write): Promise<[Stage, string, EnvelopeSocket]> {
    script.tokens = { first, second };
    const stage = await start();
    const client = await new RecoveringClient({ token: 'first' }).connect(stage.app);
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
  ])('refuses another user: %s', async (_, first, second) => {
    const [, event, socket] = await reauthenticate(first, second);
    expect(event).toBe('exception');
    const before = { user: undefined, data: {} };
    first(before as unknown as EnvelopeSocket);
    expect(socket.user).toEqual(before.user);
    expect(socket.data).toEqual({ ...before.data, kept: true });
  });

  it.each<[string, Write, Write]>([
    ['uid', is({ uid: 'a' }), is({ uid: 'a', role: 'x' })],
    ['a user on an anonymous connection', () => undefined, is({ uid: 'a' })],
    ['any field of data', (client) => (client.data.account = 'a'), (client) => (client.data.account = 'a')],
  ])('accepts the same user: %s', async (_, first, second) => {
    const [, event] = await reauthenticate(first, second);
    expect(event).toBe('$auth');
  });
});
