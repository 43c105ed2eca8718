import { RecoveringClient } from '../recovery/recovery-client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import {
  reconnectAs,
  Entity,
  expectNewSession,
  Hidden,
  is,
  objectId,
  script,
  start,
  type Write,
} from './identity-fixture.js';

const ACCOUNT = Symbol('account');

describe('the identity of a session', () => {
  expectNoUnhandledErrors();

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
    ['undefined as a string', is('undefined'), is({ id: undefined })],
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
    ['bytes that are not UTF-8', is({ id: new Hidden('�') }), is({ id: new Hidden('�') })],
    ['an anonymous client after a user', is({ id: 'a' }), () => undefined],
    ['a user after an anonymous client', () => undefined, is({ id: 'a' })],
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
    ['data that is a string', (client) => (client.data = 'a'), (client) => (client.data = 'b')],
    [
      'a field of the client',
      (client) => Object.assign(client, { account: 'a' }),
      (client) => Object.assign(client, { account: 'b' }),
    ],
    [
      'handshake.user, as set by passport',
      (client) => Object.assign(client.handshake, { user: { id: 'a' } }),
      (client) => Object.assign(client.handshake, { user: { id: 'b' } }),
    ],
    [
      'request.user, as set by passport',
      (client) => Object.assign(client.request, { user: { id: 'a' } }),
      (client) => Object.assign(client.request, { user: { id: 'b' } }),
    ],
    [
      'an unknown field of request.user',
      (client) => Object.assign(client.request, { user: { key: 'a' } }),
      (client) => Object.assign(client.request, { user: { key: 'b' } }),
    ],
    [
      'a field of the handshake',
      (client) => Object.assign(client.handshake, { account: 'a' }),
      (client) => Object.assign(client.handshake, { account: 'b' }),
    ],
    ['a symbol of data', (client) => (client.data[ACCOUNT] = 'a'), (client) => (client.data[ACCOUNT] = 'b')],
    [
      'a symbol of an object in data',
      (client) => (client.data.account = { [ACCOUNT]: 'a' }),
      (client) => (client.data.account = { [ACCOUNT]: 'b' }),
    ],
    [
      'a symbol of the client',
      (client) => Object.assign(client, { [ACCOUNT]: 'a' }),
      (client) => Object.assign(client, { [ACCOUNT]: 'b' }),
    ],
    [
      'the user that an account acts for',
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
  ])('does not match another identity: %s', async (_, first, second) => {
    script.tokens = { first, second };
    const stage = await start();
    await expectNewSession(stage, await reconnectAs(stage, 'first', 'second'));
  });

  it.each<[string, () => Write]>([
    ['a string', () => is('ada')],
    ['a number', () => is(0)],
    ['an id in parts', () => is({ id: { tenant: 'a', number: 1 } })],
    ['uid', () => is({ uid: 'a', at: Math.random() })],
    ['a getter of a class', () => is(new Entity('a'))],
    ['an ObjectId', () => is({ _id: objectId('a') })],
    ['bytes', () => is({ id: Buffer.from([0xff]) })],
    ['an anonymous client', () => () => undefined],
    ['data.user', () => (client) => (client.data.user = { sub: 'a', at: Math.random() })],
    ['data.userId', () => (client) => Object.assign(client.data, { userId: 'a', at: Math.random() })],
    ['any field of data', () => (client) => (client.data.account = { name: 'a', roles: ['b', { c: 1 }] })],
    [
      'a field of the client',
      () => (client) => Object.assign(client, { account: 'a', method: () => undefined }),
    ],
    [
      'handshake.user',
      () => (client) => Object.assign(client.handshake, { user: { sub: 'a', at: Math.random() } }),
    ],
    [
      'request.user',
      () => (client) => Object.assign(client.request, { user: { sub: 'a', at: Math.random() } }),
    ],
    [
      'a field of the handshake',
      () => (client) => Object.assign(client.handshake, { account: { name: 'a' } }),
    ],
    [
      'a guard that reads all properties',
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
  ])('matches the same identity: %s', async (_, write) => {
    script.tokens = { first: (client) => write()(client), second: (client) => write()(client) };
    const stage = await start();
    const client = await reconnectAs(stage, 'first', 'second');
    expect(client.hello.recovered).toBe(true);
    expect(await client.settled()).toContain('missed');
    expect(stage.socketOf(client).data).toMatchObject({ secret: 'first' });
    expect(stage.app.log.of('warn')).toEqual([]);
  });

  it('is unknown without a known field: the client gets no session, and the log names the option', async () => {
    script.tokens = { a: is({ key: 'a' }) };
    const stage = await start();
    const ada = await new RecoveringClient({ token: 'a' }).connect(stage.app);
    expect(ada.hello.session).toBeUndefined();
    expect(ada.hello.features).not.toContain('recovery');
    await new RecoveringClient({ token: 'a' }).connect(stage.app);
    expect(stage.app.log.of('warn')).toEqual([expect.stringContaining('identify: (user) => user.key')]);
  });

  it.each<[string, Write]>([
    ['client.user', is({ id: 'a' })],
    ['client.data.user', (client) => (client.data.user = { id: 'a' })],
    ['client.data.userId', (client) => (client.data.userId = 'a')],
    ['client.request.user', (client) => Object.assign(client.request, { user: { id: 'a' } })],
  ])('does not match when the user was set outside the guards: %s', async (_, write) => {
    const stage = await start();
    script.atConnection = write;
    const client = await reconnectAs(stage, 'first', 'second');
    expect(client.hello.recovered).toBe(false);
    expect(stage.app.log.of('warn')).toEqual([expect.stringContaining('outside the guards')]);
  });

  it('still matches after a handler loads a profile', async () => {
    script.tokens = { first: is({ sub: 'a' }), second: is({ sub: 'a' }) };
    const stage = await start();
    script.atConnection = (client) => (client.data.user ??= { id: 7, name: 'Ada' });
    expect((await reconnectAs(stage, 'first', 'second')).hello.recovered).toBe(true);
    expect(stage.app.log.of('warn')).toEqual([]);
  });
});
