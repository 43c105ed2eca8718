import { hostname } from 'node:os';
import type { BlocksPage, BlockView } from '../../lib/explorer/admin/views.js';
import type { BlockRequest } from '../../lib/explorer/admin/wire.js';
import type { TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import { Admin, Admins, connectMember, startConsole } from './console-fixture.js';

const HOUR = 3_600_000;
const HTML = '<img src=x onerror=alert(1)>';

/** Two nodes, and an admin of the first. */
async function startTwo() {
  const bus = new Bus();
  const adapter = { adapter: bus.adapter };
  const [here, there] = [await startConsole({}, { adapter }), await startConsole({}, { adapter })];
  const admin = await Admin.connect(here);
  await until('both nodes', async () => (await admin.ask('overview')).nodes.length === 2);
  const idOf = async (own: boolean): Promise<string> =>
    (await admin.ask('overview')).nodes.find(({ isThis }) => isThis === own)!.id;
  return { bus, here, there, admin, ids: { here: await idOf(true), there: await idOf(false) } };
}

/** The audit in the log. The applications of one process have one logger. */
const auditOf = (...apps: TestApp[]): string[] =>
  apps.flatMap(({ log }) => log.of('log')).filter((text) => text.startsWith('Audit: '));

const blocksOf = ({ adapter }: TestApp): number => adapter.operations.blocks.length;

describe('blocks in the console', () => {
  it('are listed in pages, by kind and by the beginning of their names', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    expect(await admin.ask('blocks', {})).toEqual({
      rows: [],
      nodes: { answered: 1, silent: [], unknown: 0 },
    });
    const { operations } = app.adapter;
    for (let last = 10; last < 40; last++)
      operations.block({ address: `203.0.113.${last}` }, { duration: HOUR });
    operations.block({ address: '2001:db8::1' }, { duration: HOUR });
    operations.block({ user: HTML }, { duration: HOUR, by: HTML, reason: 'x'.repeat(300) });
    operations.block({ user: 'address 9' }, { duration: HOUR });
    const { node } = await admin.ask('hello');
    const names: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: BlocksPage = await admin.ask('blocks', { limit: 8, ...(cursor !== '' && { cursor }) });
      names.push(...page.rows.map(({ kind, name }) => `${kind} ${name}`));
      ({ cursor } = page);
    }
    expect(names).toEqual([
      'address 2001:db8:0:0::/64',
      ...Array.from({ length: 30 }, (_, index) => `address 203.0.113.${index + 10}`),
      `user ${HTML}`,
      'user address 9',
    ]);
    const named = async (request: object): Promise<string[]> =>
      (await admin.ask('blocks', request)).rows.map(({ name }) => name);
    expect(await named({ kind: 'user' })).toEqual([HTML, 'address 9']);
    expect(await named({ prefix: '203.0.113.1', limit: 2 })).toEqual(['203.0.113.10', '203.0.113.11']);
    expect(await named({ prefix: '.*' })).toEqual([]);
    expect((await admin.ask('blocks', { prefix: '<' })).rows).toEqual([
      {
        kind: 'user',
        name: HTML,
        until: expect.any(Number) as number,
        by: HTML,
        reason: 'x'.repeat(256),
        node,
        nodes: 1,
        missing: [],
      },
    ]);
    for (const wrong of [
      { limit: 101 },
      { kind: 'room' },
      { prefix: 7 },
      { cursor: 'x'.repeat(2_000) },
      { all: 1 },
    ])
      expect(await admin.refusal('blocks', wrong)).toMatchObject({ code: 'invalid' });
  });

  it('are those of all nodes, and say which node does not know one', async () => {
    const { bus, here, there, admin, ids } = await startTwo();
    here.adapter.operations.block({ user: 'everywhere' }, { duration: HOUR });
    await until('the block on the other node', () => blocksOf(there) === 1);
    bus.loses = (text) => text.includes('$blocks');
    here.adapter.operations.block({ user: 'here' }, { duration: HOUR });
    there.adapter.operations.block({ user: 'there' }, { duration: HOUR });
    // the other node missed that the block ends earlier
    here.adapter.operations.block({ user: 'everywhere' }, { duration: 60_000 });
    const { rows, nodes } = await admin.ask('blocks', {});
    expect(nodes).toMatchObject({ answered: 2, silent: [] });
    const view = ({ name, node, nodes: count, missing }: BlockView): unknown[] => [
      name,
      node,
      count,
      missing,
    ];
    expect(rows.map(view)).toEqual([
      ['everywhere', ids.here, 2, []],
      ['here', ids.here, 1, [ids.there]],
      ['there', ids.there, 1, [ids.here]],
    ]);
    expect(rows[0]!.until - Date.now()).toBeGreaterThan(HOUR / 2);
    const [, , row] = rows;
    expect(await admin.refusal('unblock', { kind: 'user', name: 'there' })).toMatchObject({
      code: 'not_found',
    });
    await admin.ask('unblock', { kind: 'user', name: 'there', node: row!.node });
    expect((await admin.ask('blocks', { prefix: 'there' })).rows).toEqual([]);
  });

  it('are lifted on all nodes, and that is logged with who did it, once', async () => {
    const { here, there, admin } = await startTwo();
    for (const target of [{ address: '2001:db8::1' }, { user: 'bob' }])
      there.adapter.operations.block(target, { duration: HOUR, by: 'eve' });
    await until('the blocks here', () => blocksOf(here) === 2);
    const { rows } = await admin.ask('blocks', {});
    for (const { kind, name, node } of rows) {
      const { text } = await admin.ask('unblock', { kind, name, node });
      expect(text).toBe(`Lifted the block of the ${kind} ${name}`);
      expect(auditOf(here, there).at(-1)).toBe(
        `Audit: unblock ${name} by ada (kind: "${kind}", address: "127.0.0.1")`,
      );
    }
    await until('the end of the blocks', () => blocksOf(here) + blocksOf(there) === 0);
    expect(await admin.refusal('unblock', { kind: 'user', name: 'bob' })).toMatchObject({
      code: 'not_found',
      message: 'The node does not know this block: it has ended',
    });
    expect(auditOf(here, there)).toHaveLength(4);
    const { entries } = await admin.ask('audit');
    // nodes of one process share the channel of the audit
    const ofHere = entries.filter(({ by }) => by === 'ada');
    expect(new Set(ofHere.map(({ action, outcome }) => `${action} ${outcome}`))).toEqual(
      new Set(['unblock done', 'unblock failed']),
    );
  });

  it('are made on all nodes: connections are closed, and the log says who did it and why', async () => {
    const { here, there, admin } = await startTwo();
    const bob = await connectMember(there, { user: 'bob' });
    const { text } = await admin.ask('block', { kind: 'user', name: 'bob', duration: HOUR, reason: 'spam' });
    expect(text).toBe('Blocked the user bob');
    expect(await bob.client.ended()).toMatchObject({ code: 1008 });
    expect(auditOf(here, there).at(-1)).toBe(
      'Audit: block bob by ada (kind: "user", duration: 3600000, reason: "spam", address: "127.0.0.1")',
    );
    for (const { adapter } of [here, there])
      expect(adapter.operations.blocks).toMatchObject([{ user: 'bob', by: 'ada', reason: 'spam' }]);
    expect((await requestUpgrade(there.port, '/ws?user=bob')).status).toBe(429);
    await admin.ask('block', { kind: 'address', name: '2001:DB8::7', duration: HOUR });
    const { rows } = await admin.ask('blocks', { kind: 'address' });
    expect(rows).toMatchObject([{ name: '2001:db8:0:0::/64', by: 'ada', nodes: 2 }]);
    const wrong: BlockRequest = { kind: 'address', name: '203.0.113.7', duration: HOUR };
    for (const data of [
      { ...wrong, name: '203.0.113' },
      { ...wrong, name: '203.0.113.0/24' },
      { ...wrong, kind: 'room' },
      { ...wrong, duration: 10 },
      { ...wrong, duration: HOUR * 24 * 400 },
      { ...wrong, duration: undefined },
      { ...wrong, reason: 'x'.repeat(300) },
      { ...wrong, more: 1 },
    ])
      expect(await admin.refusal('block', data)).toMatchObject({ code: 'invalid' });
    for (const own of [
      { kind: 'address', name: '::ffff:127.0.0.1' },
      { kind: 'user', name: 'ada' },
    ])
      expect(await admin.refusal('block', { ...own, duration: HOUR })).toMatchObject({
        code: 'invalid',
        message: 'name: the block would close your own console',
      });
  });

  it('are not changed in read-only mode, nor by who is no admin any more', async () => {
    const app = await startConsole({ readOnly: true });
    const admin = await Admin.connect(app);
    app.adapter.operations.block({ user: 'bob' }, { duration: HOUR });
    const attempts: [string, object][] = [
      ['unblock', { kind: 'user', name: 'bob' }],
      ['block', { kind: 'user', name: 'eve', duration: HOUR }],
    ];
    for (const [event, data] of attempts)
      expect(await admin.refusal(event, data)).toMatchObject({ code: 'read_only' });
    expect(app.log.of('warn')[0]).toBe(
      `/ws-docs/console/live: ada (127.0.0.1): unblock bob was not done: ${hostname()}:${process.pid} is read-only: set admin.readOnly to false there`,
    );
    app.nest.get(Admins).names.clear();
    expect(await admin.refusal(...attempts[0]!)).toMatchObject({ code: 'forbidden' });
    expect(await admin.refusal('blocks', {})).toMatchObject({ code: 'forbidden' });
    expect(app.adapter.operations.blocks).toMatchObject([{ user: 'bob' }]);
  });
});
