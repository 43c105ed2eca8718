import { user, type EnvelopeSocket } from '../../lib/index.js';
import { RecoveringClient } from '../recovery/recovery-client.js';
import { TestClient } from '../support/client.js';
import { countResources } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';
import { reconnectAs, expectNewSession, script, start, type Stage, type Write } from './identity-fixture.js';

/** A guard that identifies the user and sets this data. */
const grants =
  (data: object): Write =>
  (client) => {
    client.user = { id: 'ada' };
    Object.assign(client.data, data);
  };

/** Connects, disconnects, and reconnects with the second token. */
async function reconnectWith(
  first: Write,
  second: Write,
): Promise<[Stage, EnvelopeSocket, RecoveringClient]> {
  script.tokens = { first, second };
  const stage = await start();
  const client = await reconnectAs(stage, 'first', 'second');
  expect(client.hello.recovered).toBe(true);
  return [stage, stage.socketOf(client), client];
}

describe('data that guards set', () => {
  expectNoUnhandledErrors();

  it.each<[string, object, object, object]>([
    ['less', { role: 'admin' }, { role: 'user' }, { role: 'user' }],
    ['more', { role: 'user' }, { role: 'admin', audit: true }, { role: 'admin', audit: true }],
    ['nothing', { role: 'admin', rights: ['all'] }, {}, {}],
    ['something for the first time', {}, { role: 'user' }, { role: 'user' }],
    ['undefined', { role: 'admin' }, { role: undefined }, { role: undefined }],
  ])('replaces what guards set before: %s', async (_, first, second, now) => {
    const [, socket] = await reconnectWith(grants(first), grants(second));
    expect(socket.data).toEqual({ ...now, secret: 'first' });
  });

  it('replaces what handlers changed', async () => {
    script.atConnection = (client) => {
      if (!client.recovered) client.data.role = 'owner';
    };
    const [, socket] = await reconnectWith(grants({ role: 'user' }), grants({ role: 'user' }));
    expect(socket.data.role).toBe('user');
  });

  it('does not change the data of the disconnected client', async () => {
    const seen: unknown[] = [];
    script.atConnection = (client) =>
      void client.on('disconnect', () => setImmediate(() => seen.push({ ...client.data })));
    await reconnectWith(grants({ role: 'admin' }), grants({}));
    expect(seen).toEqual([{ role: 'admin', secret: 'first' }]);
  });

  it('replaces it as well when a guard assigns a new data object', async () => {
    const [, socket] = await reconnectWith(
      (client) => Object.assign(client, { user: 'ada', data: { role: 'admin' } }),
      (client) => Object.assign(client, { user: 'ada', data: { role: 'user' } }),
    );
    expect(socket.data).toEqual({ role: 'user', secret: 'first' });
  });

  async function reauthenticate(
    first: Write,
    second: Write,
  ): Promise<[Stage, RecoveringClient, EnvelopeSocket]> {
    script.tokens = { first, second, third: grants({}) };
    const stage = await start();
    const client = await new RecoveringClient({ token: 'first' }).connect(stage.app);
    await client.client.ask('set', { secret: 'first' });
    expect(await client.client.ask('$auth', { token: 'second' })).toMatchObject({ event: '$auth' });
    return [stage, client, stage.socketOf(client)];
  }

  it.each<[string, Write, object]>([
    ['less', grants({ role: 'user' }), { role: 'user' }],
    ['the same', grants({ role: 'admin' }), { role: 'admin' }],
    ['nothing', grants({}), {}],
    [
      'a value that exists already',
      (client) => grants({ role: (client.data.role ??= 'guest') })(client),
      { role: 'admin' },
    ],
    ['a value that the guard only reads', (client) => [client.data.role, grants({})(client)], {}],
    [
      'a nested value that the guard changes',
      (client) => {
        grants({})(client);
        client.data.rights.level = 2;
      },
      { rights: { level: 2 } },
    ],
    [
      'another object',
      (client) => Object.assign(client, { user: { id: 'ada' }, data: { role: 'user', secret: 'first' } }),
      { role: 'user' },
    ],
  ])('replaces earlier data on $auth, and later in a recovered session: %s', async (_, second, now) => {
    const [stage, client, socket] = await reauthenticate(
      grants({ role: 'admin', rights: { level: 1 } }),
      second,
    );
    expect(socket.data).toEqual({ ...now, secret: 'first' });
    await client.cut();
    await stage.lost(client);
    await client.connect(stage.app, { token: 'third' });
    expect(client.hello.recovered).toBe(true);
    const recoveredData = stage.socketOf(client).data as object;
    expect(recoveredData).not.toHaveProperty('role');
    expect(recoveredData).not.toHaveProperty('rights');
  });

  it('does not include data of a $auth whose connection broke before its guard settled', async () => {
    const gate = deferred();
    script.tokens = {
      first: grants({ role: 'user' }),
      second: grants({ role: 'user' }),
      late: (client) => {
        grants({ role: 'admin', audit: true })(client);
        return gate.promise;
      },
    };
    const stage = await start();
    const client = await new RecoveringClient({ token: 'first' }).connect(stage.app);
    const socket = stage.socketOf(client);
    await client.settled();
    client.client.send({ event: '$auth', data: { token: 'late' } });
    await until('the guard', () => socket.data.audit === true);
    await client.cut();
    await stage.lost(client);
    await client.connect(stage.app, { token: 'second' });
    expect(client.hello.recovered).toBe(true);
    expect(stage.socketOf(client).data).toEqual({ role: 'user' });
    gate.resolve();
  });
});

describe('the option recovery.restore', () => {
  expectNoUnhandledErrors();

  /** Reconnects to an application with this `recovery.restore`. */
  async function reconnectTo(
    restore: unknown,
  ): Promise<{ stage: Stage; client: RecoveringClient; calls: unknown[]; reconnected: RecoveringClient }> {
    script.tokens = { first: grants({ role: 'admin' }), second: grants({ role: 'user' }) };
    const calls: unknown[] = [];
    const stage = await start({
      recovery: {
        restore: (client, session) => {
          calls.push(structuredClone([client.user, client.data, session]));
          return typeof restore === 'function'
            ? Reflect.apply(restore, undefined, [client, session])
            : restore;
        },
      },
    });
    const client = await new RecoveringClient({ token: 'first' }).connect(stage.app);
    for (const room of ['red', 'blue', 'admins']) await client.client.ask('join', room);
    await client.client.ask('set', { score: 7 });
    await client.settled();
    await client.cut();
    await stage.lost(client);
    stage.server.to('admins').emit('for admins');
    stage.server.to('red').emit('for red');
    stage.server.to('red').to('admins').emit('for red and admins');
    stage.server.to('red').except('admins').emit('for red but admins');
    stage.server.to(user('ada')).emit('for ada');
    const reconnected = await client.connect(stage.app, { token: 'second' });
    await reconnected.settled();
    return { stage, client, calls, reconnected };
  }

  it('receives the current identity and the stored session', async () => {
    const { calls } = await reconnectTo(undefined);
    expect(calls).toEqual([
      [{ id: 'ada' }, { role: 'user' }, { rooms: ['red', 'blue', 'admins'], data: { score: 7 } }],
    ]);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['an empty object', {}],
    ['the whole session', (_: unknown, session: object) => session],
    ['a promise of the session', (_: unknown, session: object) => Promise.resolve(session)],
  ])('restores everything: %s', async (_, restore) => {
    const { stage, client, reconnected } = await reconnectTo(restore);
    expect(client.hello.recovered).toBe(true);
    const socket = stage.socketOf(reconnected);
    expect([...socket.rooms]).toEqual(expect.arrayContaining(['red', 'blue', 'admins']));
    expect(socket.data).toEqual({ role: 'user', score: 7 });
    expect(reconnected.events).toEqual(['for admins', 'for red', 'for red and admins', 'for ada']);
  });

  it('leaves out rooms, and events that went only to those rooms', async () => {
    const { stage, reconnected } = await reconnectTo((_: unknown, { rooms }: { rooms: string[] }) => ({
      rooms: rooms.filter((room) => room !== 'admins'),
      data: { score: 8, role: 'admin' },
    }));
    expect(reconnected.hello.recovered).toBe(true);
    const socket = stage.socketOf(reconnected);
    expect(socket.rooms.has('red')).toBe(true);
    expect(socket.rooms.has('admins')).toBe(false);
    expect(socket.data).toEqual({ role: 'user', score: 8 });
    expect(reconnected.events).toEqual(['for red', 'for red and admins', 'for ada']);
    stage.server.to('admins').emit('later');
    expect(await reconnected.settled()).not.toContain('later');
  });

  it('returns false to refuse the session', async () => {
    const { stage, reconnected } = await reconnectTo(false);
    await expectNewSession(stage, reconnected);
    expect(stage.app.log.of('error')).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
      'no database',
    ],
    ['rejects', () => Promise.reject(new Error('no database')), 'no database'],
    ['returns a string', 'all', 'recovery.restore returned all'],
    ['adds rooms', { rooms: ['red', 'green'] }, 'rooms that the session does not contain'],
    ['returns rooms that are not a list', { rooms: 'red' }, 'rooms that the session does not contain'],
  ])('restores nothing and logs an error when it %s', async (_, restore, text) => {
    const { stage, reconnected } = await reconnectTo(restore);
    await expectNewSession(stage, reconnected);
    expect(stage.app.log.of('error').join()).toContain(text);
  });

  it('returns the session to its store when the client disconnects meanwhile', async () => {
    script.tokens = { first: grants({}) };
    const gate = deferred();
    let calls = 0;
    const stage = await start({ recovery: { restore: () => (calls++ === 0 ? gate.promise : undefined) } });
    const client = await new RecoveringClient({ token: 'first' }).connect(stage.app);
    await client.client.ask('join', 'red');
    await client.settled();
    await client.cut();
    await stage.lost(client);
    const { session, offset, hello } = client;
    const auth = Buffer.from(JSON.stringify({ token: 'first', session, offset })).toString('base64url');
    const disconnecting = new TestClient(stage.app.url('/ws'), {
      protocols: ['envelope.v1', `envelope.auth.${auth}`],
    });
    await until('the hook', () => calls === 1);
    disconnecting.ws.terminate();
    await until('the end of the upgrade', () => countResources(stage.app)['upgrades'] === 0);
    gate.resolve();
    const again = Object.assign(new RecoveringClient({ token: 'first' }), { session, offset });
    await again.connect(stage.app);
    expect(again.hello).toMatchObject({ id: hello.id, recovered: true });
  });

  it('must be a function', async () => {
    await expect(start({ recovery: { restore: true as unknown as () => undefined } })).rejects.toThrow(
      'EnvelopeAdapter: recovery.restore is true',
    );
  });
});
