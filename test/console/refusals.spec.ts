import { channel } from 'node:diagnostics_channel';
import type { RefusalsPage, RefusalView } from '../../lib/explorer/admin/views.js';
import type { RefusalsRequest } from '../../lib/explorer/admin/wire.js';
import type { TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import { Admin, startConsole } from './console-fixture.js';

const FOREIGN = { Origin: 'https://evil.example' };

/** Requests an upgrade that is refused, for a client with this address. */
function refuse(app: TestApp, address: string, path = '/ws'): Promise<unknown> {
  return requestUpgrade(app.port, path, { ...FOREIGN, 'X-Forwarded-For': address });
}

const view = ({ rows }: RefusalsPage): [string, number][] =>
  rows.map(({ address, count }) => [address, count]);

async function pagesOf(admin: Admin, request: RefusalsRequest): Promise<[string, number][][]> {
  const pages: [string, number][][] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const page: RefusalsPage = await admin.ask('refusals', { ...request, ...(cursor !== '' && { cursor }) });
    pages.push(view(page));
    ({ cursor } = page);
  }
  return pages;
}

/** Publishes refusals as an attack would cause them, without its network. */
function publish(addresses: readonly (string | undefined)[], status = 401): void {
  for (const address of addresses)
    channel('nestjs-envelope.upgrade.refuse').publish({ status, why: 'guard', address, isShared: false });
}

describe('refused addresses in the console', () => {
  const trustProxy = 'loopback';

  it('are counted with their last refusal, and the operator can block one', async () => {
    const app = await startConsole({}, { adapter: { trustProxy } });
    const before = Date.now();
    for (const address of ['203.0.113.7', '2001:db8::1', '203.0.113.7', '203.0.113.9'])
      await refuse(app, address);
    await refuse(app, '203.0.113.7', '/nowhere');
    const admin = await Admin.connect(app);
    const page = await admin.ask('refusals', { order: 'count' });
    expect(page).toEqual({ rows: expect.anything(), nodes: { answered: 1, silent: [], unknown: 0 } });
    expect(view(page)).toEqual([
      ['203.0.113.7', 3],
      ['2001:db8:0:0::/64', 1],
      ['203.0.113.9', 1],
    ]);
    const [row] = page.rows;
    expect(row).toMatchObject({ reason: '404 path', isShared: false });
    expect(row!.since).toBeGreaterThanOrEqual(before);
    expect(row!.last).toBeGreaterThan(row!.since);
    expect(row!.last).toBeLessThanOrEqual(Date.now());
    for (const { address } of page.rows)
      await admin.ask('block', { kind: 'address', name: address, duration: 60_000 });
    await refuse(app, '2001:db8::2');
    const after = await admin.ask('refusals', { prefix: '2001' });
    expect(after.rows).toMatchObject([{ address: '2001:db8:0:0::/64', count: 2, reason: '429 blocked' }]);
  });

  it('are listed in pages by address, and begin with a text, which is no pattern', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const addresses = Array.from({ length: 30 }, (_, index) => `203.0.113.${index + 10}`);
    publish([...addresses, undefined, '203.0.113.12']);
    const pages = await pagesOf(admin, { limit: 8 });
    expect(pages.map(({ length }) => length)).toEqual([8, 8, 8, 7]);
    expect(pages.flat()).toEqual([
      ['', 1],
      ...addresses.map((address) => [address, address.endsWith('.12') ? 2 : 1]),
    ]);
    const some = await pagesOf(admin, { prefix: '203.0.113.1', limit: 6 });
    expect(some.map(({ length }) => length)).toEqual([6, 4]);
    expect(view(await admin.ask('refusals', { prefix: '.*' }))).toEqual([]);
    const [first] = (await admin.ask('refusals', { order: 'count', limit: 1 })).rows;
    expect(first).toMatchObject({ address: '203.0.113.12', count: 2, reason: '401 guard' });
    for (const wrong of [
      { limit: 101 },
      { order: 'random' },
      { prefix: { $ne: '' } },
      { cursor: 'x'.repeat(70) },
      { cursor: 7 },
      { all: 1 },
    ])
      expect(await admin.refusal('refusals', wrong)).toMatchObject({ code: 'invalid' });
    expect(app.log.of('error')).toEqual([]);
  });

  it('do not grow with the addresses of an attack, which does not hide the one that sends most', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    publish(['203.0.113.200']);
    for (let round = 0; round < 50; round++) {
      publish(Array.from({ length: 900 }, (_, index) => `2001:db8:${round.toString(16)}:${index}::/64`));
      publish(['203.0.113.7']);
    }
    const all = (await pagesOf(admin, { limit: 100 })).flat();
    expect(all).toHaveLength(1_000);
    const known = new Map(all);
    expect(known.get('203.0.113.7')).toBe(50);
    expect(known.has('203.0.113.200')).toBe(false);
    const [first] = (await admin.ask('refusals', { order: 'rate' })).rows;
    expect(first).toMatchObject({ address: '203.0.113.7', count: 50 });
  });

  it('are those of all nodes: sums, the earliest and the latest refusal', async () => {
    const { adapter } = new Bus();
    const here = await startConsole({}, { adapter: { adapter } });
    const admin = await Admin.connect(here);
    publish(['203.0.113.1', '203.0.113.1', '203.0.113.1']);
    const alone = await admin.ask('refusals', {});
    // the nodes of one process share the channel: the other one counts from here on
    const there = await startConsole({}, { adapter: { adapter } });
    await until('both nodes', async () => (await admin.ask('overview')).nodes.length === 2);
    publish(['203.0.113.2', '203.0.113.2']);
    publish(['203.0.113.1'], 403);
    const rows: readonly RefusalView[] = (await admin.ask('refusals', {})).rows;
    expect(rows.map(({ address, count, reason }) => [address, count, reason])).toEqual([
      ['203.0.113.1', 5, '403 guard'],
      ['203.0.113.2', 4, '401 guard'],
    ]);
    expect(rows[0]!.since).toBe(alone.rows[0]!.since);
    publish(['203.0.113.2']);
    // the first of this node is not the first of all
    for (const order of ['count', 'rate'] as const)
      expect(await admin.ask('refusals', { order, limit: 1 })).toMatchObject({
        rows: [{ address: '203.0.113.2', count: 6 }],
        nodes: { answered: 2 },
      });
    await there.close();
    await until(
      'the end of the other node',
      async () => (await admin.ask('refusals', {})).nodes.answered === 1,
    );
    expect(view(await admin.ask('refusals', { order: 'count' }))).toEqual([
      ['203.0.113.1', 4],
      ['203.0.113.2', 3],
    ]);
  });

  it('that are those of a proxy say so', async () => {
    const app = await startConsole();
    await refuse(app, '203.0.113.7');
    const admin = await Admin.connect(app);
    const { rows } = await admin.ask('refusals', {});
    expect(rows).toMatchObject([{ address: '127.0.0.1', isShared: true, count: 1 }]);
  });

  it('are counted no longer after the node has closed', async () => {
    const counted = (): number => (channel('nestjs-envelope.upgrade.refuse').hasSubscribers ? 1 : 0);
    const before = counted();
    const app = await startConsole();
    expect(counted()).toBe(1);
    await app.close();
    expect(counted()).toBe(before);
  });
});
