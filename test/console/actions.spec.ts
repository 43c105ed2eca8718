import { hostname } from 'node:os';
import { observe, type EnvelopeDiagnostics } from '../../lib/index.js';
import { Admin, Admins, connectMember, startConsole } from './console-fixture.js';

type Audit = EnvelopeDiagnostics['audit'];

/** Records what is published on the channel `audit` in this test. */
function recordAudit(): Audit[] {
  const records: Audit[] = [];
  stops.push(observe('audit', (record) => void records.push(record)));
  return records;
}
const stops: (() => void)[] = [];

const HTML = '<img src=x onerror=alert(1)>';

describe('actions in the console', () => {
  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
  });

  it('disconnect a connection, and are logged with who did it', async () => {
    const records = recordAudit();
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const bob = await connectMember(app, { user: 'bob' });
    const { node } = await admin.ask('hello');
    const { text } = await admin.ask('disconnectClient', { node, id: bob.id, reason: 'too loud' });
    expect(text).toBe(`Disconnected ${bob.id}`);
    expect(await bob.client.ended()).toEqual({ code: 1000, reason: 'too loud' });
    expect(records).toEqual([
      {
        action: 'disconnect',
        by: 'ada',
        at: expect.any(Number) as number,
        path: '/ws',
        target: bob.id,
        details: { reason: 'too loud', address: '127.0.0.1', user: 'bob' },
      },
    ]);
    expect(app.log.of('log')).toContain(
      `Audit: disconnect ${bob.id} on /ws by ada (reason: "too loud", address: "127.0.0.1", user: "bob")`,
    );
    const { entries } = await admin.ask('audit');
    expect(entries).toMatchObject([{ by: 'ada', action: 'disconnect', target: bob.id, outcome: 'done' }]);
    expect(await admin.refusal('disconnectClient', { node, id: bob.id })).toMatchObject({
      code: 'not_found',
    });
    expect(records).toHaveLength(1);
  });

  it('disconnect all connections of a user', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const [phone, laptop] = [
      await connectMember(app, { user: 'bob' }),
      await connectMember(app, { user: 'bob' }),
    ];
    const eve = await connectMember(app, { user: 'eve' });
    await admin.ask('disconnectUser', { namespace: '/ws', user: 'bob' });
    await Promise.all([phone.client.ended(), laptop.client.ended()]);
    await eve.client.settled();
    expect(app.log.of('log').at(-1)).toBe('Audit: disconnectUser bob on /ws by ada (address: "127.0.0.1")');
    await admin.ask('disconnectUser', { user: 'eve' });
    await eve.client.ended();
    expect(app.log.of('log').at(-1)).toBe('Audit: disconnectUser eve by ada (address: "127.0.0.1")');
  });

  it('make a connection join and leave a room', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const { client, id } = await connectMember(app);
    const { node } = await admin.ask('hello');
    await admin.ask('join', { node, id, room: HTML });
    expect((await client.ask('rooms')).data).toEqual([HTML]);
    expect((await admin.ask('rooms', { namespace: '/ws' })).rows).toEqual([{ name: HTML, size: 1 }]);
    await admin.ask('leave', { node, id, room: HTML });
    expect((await client.ask('rooms')).data).toEqual([]);
    for (const room of ['$user:eve', 'x'.repeat(101), ''])
      expect(await admin.refusal('join', { node, id, room })).toMatchObject({ code: 'invalid' });
  });

  it('emit to all clients of a path, to a room, to a user and to one connection', async () => {
    const records = recordAudit();
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const bob = await connectMember(app, { user: 'bob', rooms: 'red' });
    const eve = await connectMember(app, { user: 'eve' });
    const emit = (
      to: { all: true } | { room: string } | { user: string } | { id: string },
    ): Promise<unknown> =>
      admin.ask('emit', { namespace: '/ws', to, event: 'notice', data: { secret: Object.keys(to)[0] } });
    await emit({ all: true });
    await emit({ room: 'red' });
    await emit({ user: 'eve' });
    await emit({ id: bob.id });
    const heard = async ({ client }: typeof bob): Promise<unknown[]> => {
      await client.settled();
      return client.frames.filter(({ event }) => event === 'notice').map(({ data }) => data as unknown);
    };
    expect(await heard(bob)).toEqual([{ secret: 'all' }, { secret: 'room' }, { secret: 'id' }]);
    expect(await heard(eve)).toEqual([{ secret: 'all' }, { secret: 'user' }]);
    expect(records.map(({ action, path, target, details }) => ({ action, path, target, details }))).toEqual(
      [undefined, 'red', 'eve', bob.id].map((target, index) => ({
        action: 'emit',
        path: '/ws',
        target,
        details: { event: 'notice', to: ['all', 'room', 'user', 'id'][index], address: '127.0.0.1' },
      })),
    );
    // payloads are in no log
    expect(app.log.lines.some(({ text }) => text.includes('secret'))).toBe(false);
    expect(JSON.stringify(await admin.ask('audit'))).not.toContain('secret');
    const wrong = { namespace: '/ws', to: { all: true }, event: 'notice' };
    for (const data of [
      { ...wrong, event: '$auth' },
      { ...wrong, event: 'disconnect' },
      { ...wrong, event: '' },
      { ...wrong, to: {} },
      { ...wrong, to: { all: true, room: 'red' } },
      { ...wrong, to: { all: false } },
      { ...wrong, to: 'red' },
      { ...wrong, data: 'x'.repeat(9_000) },
      { ...wrong, more: 1 },
      'notice',
    ])
      expect(await admin.refusal('emit', data)).toMatchObject({ code: 'invalid' });
    for (const namespace of ['/other', '/ws-docs/console/live', '__proto__'])
      expect(await admin.refusal('emit', { ...wrong, namespace })).toMatchObject({ code: 'not_found' });
  });

  it('are refused in read-only mode, and the attempts are logged', async () => {
    const records = recordAudit();
    const app = await startConsole({ readOnly: true });
    const admin = await Admin.connect(app);
    const { client, id } = await connectMember(app, { user: 'bob' });
    const { node, readOnly } = await admin.ask('hello');
    expect(readOnly).toBe(true);
    const attempts: [string, object][] = [
      ['disconnectClient', { node, id }],
      ['disconnectUser', { namespace: '/ws', user: 'bob' }],
      ['join', { node, id, room: 'red' }],
      ['leave', { node, id, room: 'red' }],
      ['emit', { namespace: '/ws', to: { all: true }, event: 'notice' }],
    ];
    for (const [event, data] of attempts)
      expect(await admin.refusal(event, data)).toMatchObject({ code: 'read_only' });
    expect((await client.ask('rooms')).data).toEqual([]);
    expect(client.frames.some(({ event }) => event === 'notice')).toBe(false);
    expect(records).toEqual([]);
    expect(app.log.of('warn')).toHaveLength(attempts.length);
    expect(app.log.of('warn')[0]).toBe(
      `/ws-docs/console/live: ada (127.0.0.1): disconnect ${id} was not done: ${hostname()}:${process.pid} is read-only: set admin.readOnly to false there`,
    );
    const { entries } = await admin.ask('audit');
    expect(entries.map(({ outcome }) => outcome)).toEqual(Array<string>(attempts.length).fill('refused'));
    // lists work
    expect((await admin.ask('connections', {})).rows).toHaveLength(1);
  });

  it('are refused to who is no admin any more', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const { client, id } = await connectMember(app);
    const { node } = await admin.ask('hello');
    app.nest.get(Admins).names.clear();
    expect(await admin.refusal('disconnectClient', { node, id })).toMatchObject({ code: 'forbidden' });
    await client.settled();
    expect(app.log.of('warn').at(-1)).toContain('ada (127.0.0.1): disconnect');
  });

  it('cannot forge lines of the log', async () => {
    const app = await startConsole();
    app.nest.get(Admins).names.add('ada\nAudit: nothing by root');
    const admin = await Admin.connect(app, 'ada\nAudit: nothing by root');
    await admin.ask('disconnectUser', { namespace: '/ws', user: 'x\n\u001b[2Jy' });
    expect(app.log.of('log').at(-1)).toBe(
      'Audit: disconnectUser x\\n\\x1b[2Jy on /ws by ada\\nAudit: nothing by root (address: "127.0.0.1")',
    );
  });
});
