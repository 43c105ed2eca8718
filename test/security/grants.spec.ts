import { user, type EnvelopeSocket } from '../../lib/index.js';
import { Returning } from '../cluster/recovery-client.js';
import { TestClient } from '../support/client.js';
import { countResources } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';
import { comeBack, expectStranger, script, start, type Stage, type Write } from './identity-stage.js';

/** The guard says who it is, and this. */
const grants =
  (data: object): Write =>
  (client) => {
    client.user = { id: 'ada' };
    Object.assign(client.data, data);
  };

/** One connects, and comes back to what its guards say then. */
async function return_(first: Write, second: Write): Promise<[Stage, EnvelopeSocket, Returning]> {
  script.tokens = { first, second };
  const stage = await start();
  const client = await comeBack(stage, 'first', 'second');
  expect(client.hello.recovered).toBe(true);
  return [stage, stage.socketOf(client), client];
}

describe('what guards grant', () => {
  expectNoUnhandledErrors();

  it.each<[string, object, object, object]>([
    ['less', { role: 'admin' }, { role: 'user' }, { role: 'user' }],
    ['more', { role: 'user' }, { role: 'admin', audit: true }, { role: 'admin', audit: true }],
    ['nothing', { role: 'admin', rights: ['all'] }, {}, {}],
    ['something for the first time', {}, { role: 'user' }, { role: 'user' }],
    ['undefined', { role: 'admin' }, { role: undefined }, { role: undefined }],
  ])('wins over what they granted before: %s', async (_, first, second, now) => {
    const [, socket] = await return_(grants(first), grants(second));
    expect(socket.data).toEqual({ ...now, secret: 'first' });
  });

  it('wins over what handlers made of it', async () => {
    script.atConnection = (client) => {
      if (!client.recovered) client.data.role = 'owner';
    };
    const [, socket] = await return_(grants({ role: 'user' }), grants({ role: 'user' }));
    expect(socket.data.role).toBe('user');
  });

  it('leaves the data of the client that has gone as it was', async () => {
    const seen: unknown[] = [];
    script.atConnection = (client) =>
      void client.on('disconnect', () => setImmediate(() => seen.push({ ...client.data })));
    await return_(grants({ role: 'admin' }), grants({}));
    expect(seen).toEqual([{ role: 'admin', secret: 'first' }]);
  });

  it('is what a new data object holds that a guard puts in the place of the old one', async () => {
    const [, socket] = await return_(
      (client) => Object.assign(client, { user: 'ada', data: { role: 'admin' } }),
      (client) => Object.assign(client, { user: 'ada', data: { role: 'user' } }),
    );
    expect(socket.data).toEqual({ role: 'user', secret: 'first' });
  });

  async function renew(first: Write, second: Write): Promise<[Stage, Returning, EnvelopeSocket]> {
    script.tokens = { first, second, third: grants({}) };
    const stage = await start();
    const client = await new Returning({ token: 'first' }).connect(stage.app);
    await client.client.ask('set', { secret: 'first' });
    expect(await client.client.ask('$auth', { token: 'second' })).toMatchObject({ event: '$auth' });
    return [stage, client, stage.socketOf(client)];
  }

  it.each<[string, Write, object]>([
    ['less', grants({ role: 'user' }), { role: 'user' }],
    ['the same', grants({ role: 'admin' }), { role: 'admin' }],
    ['nothing', grants({}), {}],
    [
      'what was there',
      (client) => grants({ role: (client.data.role ??= 'guest') })(client),
      { role: 'admin' },
    ],
    ['what it only looks at', (client) => [client.data.role, grants({})(client)], {}],
    [
      'what it changes in its place',
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
  ])('wins in place, by $auth, and for who comes back then: %s', async (_, second, now) => {
    const [stage, client, socket] = await renew(grants({ role: 'admin', rights: { level: 1 } }), second);
    expect(socket.data).toEqual({ ...now, secret: 'first' });
    await client.cut();
    await stage.lost(client);
    await client.connect(stage.app, { token: 'third' });
    expect(client.hello.recovered).toBe(true);
    const kept = stage.socketOf(client).data as object;
    expect(kept).not.toHaveProperty('role');
    expect(kept).not.toHaveProperty('rights');
  });

  it('is not what guards had begun to grant for a $auth when the line broke', async () => {
    const door = deferred();
    script.tokens = {
      first: grants({ role: 'user' }),
      second: grants({ role: 'user' }),
      late: (client) => {
        grants({ role: 'admin', audit: true })(client);
        return door.promise;
      },
    };
    const stage = await start();
    const client = await new Returning({ token: 'first' }).connect(stage.app);
    const socket = stage.socketOf(client);
    await client.settled();
    client.client.send({ event: '$auth', data: { token: 'late' } });
    await until('the guard', () => socket.data.audit === true);
    await client.cut();
    await stage.lost(client);
    await client.connect(stage.app, { token: 'second' });
    expect(client.hello.recovered).toBe(true);
    expect(stage.socketOf(client).data).toEqual({ role: 'user' });
    door.resolve();
  });
});

describe('the option recovery.restore', () => {
  expectNoUnhandledErrors();

  /** Comes back to an application that restores so. */
  async function restored(
    restore: unknown,
  ): Promise<{ stage: Stage; client: Returning; calls: unknown[]; back: Returning }> {
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
    const client = await new Returning({ token: 'first' }).connect(stage.app);
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
    const back = await client.connect(stage.app, { token: 'second' });
    await back.settled();
    return { stage, client, calls, back };
  }

  it('sees who it is now, and what it had', async () => {
    const { calls } = await restored(undefined);
    expect(calls).toEqual([
      [{ id: 'ada' }, { role: 'user' }, { rooms: ['red', 'blue', 'admins'], data: { score: 7 } }],
    ]);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['an empty object', {}],
    ['all that there is', (_: unknown, session: object) => session],
    ['a promise of it', (_: unknown, session: object) => Promise.resolve(session)],
  ])('gives everything back: %s', async (_, restore) => {
    const { stage, client, back } = await restored(restore);
    expect(client.hello.recovered).toBe(true);
    const socket = stage.socketOf(back);
    expect([...socket.rooms]).toEqual(expect.arrayContaining(['red', 'blue', 'admins']));
    expect(socket.data).toEqual({ role: 'user', score: 7 });
    expect(back.events).toEqual(['for admins', 'for red', 'for red and admins', 'for ada']);
  });

  it('leaves rooms out, with what was said there to those who are there alone', async () => {
    const { stage, back } = await restored((_: unknown, { rooms }: { rooms: string[] }) => ({
      rooms: rooms.filter((room) => room !== 'admins'),
      data: { score: 8, role: 'admin' },
    }));
    expect(back.hello.recovered).toBe(true);
    const socket = stage.socketOf(back);
    expect(socket.rooms.has('red')).toBe(true);
    expect(socket.rooms.has('admins')).toBe(false);
    expect(socket.data).toEqual({ role: 'user', score: 8 });
    expect(back.events).toEqual(['for red', 'for red and admins', 'for ada']);
    stage.server.to('admins').emit('later');
    expect(await back.settled()).not.toContain('later');
  });

  it('refuses the session', async () => {
    const { stage, back } = await restored(false);
    await expectStranger(stage, back);
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
    ['returns a text', 'all', 'recovery.restore returned all'],
    ['adds rooms', { rooms: ['red', 'green'] }, 'rooms that the session does not have'],
    ['returns a room that is no list', { rooms: 'red' }, 'rooms that the session does not have'],
  ])('that %s gives nothing back, and the log says so', async (_, restore, text) => {
    const { stage, back } = await restored(restore);
    await expectStranger(stage, back);
    expect(stage.app.log.of('error').join()).toContain(text);
  });

  it('gives a session back to its store where the client leaves meanwhile', async () => {
    script.tokens = { first: grants({}) };
    const door = deferred();
    let calls = 0;
    const stage = await start({ recovery: { restore: () => (calls++ === 0 ? door.promise : undefined) } });
    const client = await new Returning({ token: 'first' }).connect(stage.app);
    await client.client.ask('join', 'red');
    await client.settled();
    await client.cut();
    await stage.lost(client);
    const { session, offset, hello } = client;
    const auth = Buffer.from(JSON.stringify({ token: 'first', session, offset })).toString('base64url');
    const impatient = new TestClient(stage.app.url('/ws'), {
      protocols: ['envelope.v1', `envelope.auth.${auth}`],
    });
    await until('the hook', () => calls === 1);
    impatient.ws.terminate();
    await until('the end of the upgrade', () => countResources(stage.app)['upgrades'] === 0);
    door.resolve();
    const again = Object.assign(new Returning({ token: 'first' }), { session, offset });
    await again.connect(stage.app);
    expect(again.hello).toMatchObject({ id: hello.id, recovered: true });
  });

  it('must be a function', async () => {
    await expect(start({ recovery: { restore: true as unknown as () => undefined } })).rejects.toThrow(
      'EnvelopeAdapter: recovery.restore is true',
    );
  });
});
