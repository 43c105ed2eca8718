import { jest } from '@jest/globals';
import { observe } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { requestUpgrade, type UpgradeResponse } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import { Admin, Admins, credentials, startConsole } from './console-fixture.js';

const PATH = '/ws-docs/console/live';
const HOUR = 3_600_000;
const ADDRESS = '203.0.113.7';
const forwarded = (address: string): Record<string, string> => ({ 'X-Forwarded-For': address });
const as = (name: string): Record<string, string> => ({
  'Sec-WebSocket-Protocol': credentials(name).join(', '),
});

const ask = (app: TestApp, headers: Record<string, string>): Promise<UpgradeResponse> =>
  requestUpgrade(app.port, PATH, headers);

describe('the console and blocks', () => {
  const start = (): Promise<TestApp> => startConsole({}, { adapter: { trustProxy: 'loopback' } });

  it('refuses a blocked address with 429 and Retry-After before any guard, and says in the log how to end it', async () => {
    const app = await start();
    const checks = jest.spyOn(app.nest.get(Admins).names, 'has');
    app.adapter.operations.block({ address: ADDRESS }, { duration: HOUR, by: 'bob', reason: 'scan' });
    const { status, headers } = await ask(app, { ...as('ada'), ...forwarded(ADDRESS) });
    expect([status, Number(headers['retry-after']) > 3_500]).toEqual([429, true]);
    expect(checks).not.toHaveBeenCalled();
    expect(app.log.of('warn')).toEqual([
      expect.stringMatching(
        /^\/ws-docs\/console\/live refused the address "203\.0\.113\.7", which is blocked until .*Z by "bob", "scan"/,
      ),
    ]);
    expect((await ask(app, { ...as('ada'), ...forwarded('203.0.113.8') })).status).toBe(101);
    app.adapter.operations.unblock({ address: ADDRESS });
    expect((await ask(app, { ...as('ada'), ...forwarded(ADDRESS) })).status).toBe(101);
  });

  it('closes the connections of a blocked address and of a blocked user with 1008, on all nodes', async () => {
    const bus = new Bus();
    const node = (): Promise<TestApp> =>
      startConsole({}, { adapter: { trustProxy: 'loopback', adapter: bus.adapter } });
    const [here, there] = [await node(), await node()];
    for (const app of [here, there]) app.nest.get(Admins).names.add('eve');
    const ofAddress = await Admin.connect(there, 'ada', { headers: forwarded(ADDRESS) });
    const ofUser = await Admin.connect(there, 'eve', { headers: forwarded('203.0.113.8') });
    const other = await Admin.connect(there, 'ada', { headers: forwarded('203.0.113.9') });
    here.adapter.operations.block({ address: ADDRESS }, { duration: HOUR });
    expect(await ofAddress.client.ended()).toMatchObject({ code: 1008, reason: 'blocked for a time' });
    here.adapter.operations.block({ user: 'eve' }, { duration: HOUR });
    expect((await ofUser.client.ended()).code).toBe(1008);
    expect(await other.ask('hello')).toMatchObject({ user: 'ada' });
    expect((await ask(there, { ...as('eve'), ...forwarded('203.0.113.8') })).status).toBe(429);
    // who is no admin learns nothing of blocks
    expect((await ask(there, { ...as('nobody'), ...forwarded('203.0.113.8') })).status).toBe(403);
  });

  it('stays open to the machine itself, so that nobody is locked out for good', async () => {
    const app = await start();
    const local = await Admin.connect(app);
    for (const target of [{ address: '127.0.0.1' }, { user: 'ada' }] as const)
      app.adapter.operations.block(target, { duration: 100 * 365 * 24 * HOUR });
    expect(await local.ask('hello')).toMatchObject({ user: 'ada' });
    expect((await ask(app, as('ada'))).status).toBe(101);
    // but not to what a proxy on this machine forwards, nor to gateways
    expect((await ask(app, { ...as('ada'), ...forwarded('203.0.113.9') })).status).toBe(429);
    expect((await ask(app, { ...as('ada'), ...forwarded('127.0.0.1') })).status).toBe(429);
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(429);
    // the guards decide here, too
    expect((await ask(app, as('eve'))).status).toBe(403);
  });

  it('counts the clients of an unknown proxy as its address', async () => {
    const app = await startConsole();
    app.adapter.operations.block({ address: '127.0.0.1' }, { duration: HOUR });
    expect((await ask(app, { ...as('ada'), ...forwarded('203.0.113.9') })).status).toBe(429);
    expect((await ask(app, as('ada'))).status).toBe(101);
  });
});

describe('the console of a full server', () => {
  it('accepts admins although clients have used up every limit of the adapter', async () => {
    const limits = { maxConnections: 2, maxConnectionsPerAddress: 2, maxPendingUpgrades: 1 };
    const app = await startConsole({}, { adapter: { limits } });
    for (let index = 0; index < 2; index++) await app.connect('/ws');
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(503);
    const admin = await Admin.connect(app);
    expect((await admin.ask('overview')).nodes).toMatchObject([{ connections: 2, admins: 1 }]);
    // and takes no place of theirs
    app.adapter.operations.setLimits({ maxConnections: 3, maxConnectionsPerAddress: 3 });
    await app.connect('/ws');
  });

  it('has a limit of its own, which the log names', async () => {
    const app = await startConsole();
    const upgrades: Promise<Admin>[] = [];
    for (let index = 0; index < 50; index++) upgrades.push(Admin.connect(app));
    await Promise.all(upgrades);
    const limits: string[] = [];
    const stop = observe('limit', ({ limit }) => void limits.push(limit));
    expect((await ask(app, as('ada'))).status).toBe(429);
    stop();
    expect(limits).toEqual([]);
    expect(app.log.of('warn')).toEqual([
      expect.stringMatching(
        /^\/ws-docs\/console\/live has limits of its own: limits\.maxConnectionsPerAddress \(50\) is reached by 127\.0\.0\.1/,
      ),
    ]);
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(101);
  });

  it('works with limits at run time that would keep its answers back', async () => {
    const app = await startConsole();
    app.adapter.operations.setLimits({ maxBufferedBytes: 1, maxEventNameLength: 1, maxPayload: 1 });
    const admin = await Admin.connect(app);
    expect(await admin.ask('overview')).toMatchObject({ nodes: [{ isThis: true }] });
    await until('the count', async () => (await admin.ask('overview')).nodes[0]!.admins === 1);
  });

  it('accepts admins while the node drains', async () => {
    const app = await startConsole();
    const member = await app.connect('/ws');
    const drained = app.adapter.operations.drain({ by: 'bob' });
    expect((await member.ended()).code).toBe(1001);
    await drained;
    expect(await (await Admin.connect(app)).ask('hello')).toMatchObject({ user: 'ada' });
  });
});
