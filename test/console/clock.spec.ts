import { jest } from '@jest/globals';
import { channel } from 'node:diagnostics_channel';
import type { ConnectionsRequest } from '../../lib/explorer/admin/wire.js';
import { Bus } from '../support/bus.js';
import { stopClock } from '../support/clock.js';
import { until } from '../support/wait.js';
import { Admin, connectMember, startConsole } from './console-fixture.js';

/** The channels of messages: published only while somebody subscribes. */
const CHANNELS = ['message', 'emit', 'broadcast', 'message.refuse', 'drop', 'limit'];
const watched = (): string[] => CHANNELS.filter((name) => channel(`nestjs-envelope.${name}`).hasSubscribers);

describe('the time for which a console watches or waits', () => {
  beforeEach(() => {
    stopClock();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('costs no message anything before an admin comes, and ten seconds after the last overview', async () => {
    const app = await startConsole();
    await connectMember(app);
    expect(watched()).toEqual([]);
    const admin = await Admin.connect(app);
    await admin.ask('connections', {});
    expect(watched()).toEqual([]);
    await admin.ask('overview');
    expect(watched()).toEqual(CHANNELS);
    jest.advanceTimersByTime(9_000);
    await admin.ask('overview');
    jest.advanceTimersByTime(9_000);
    expect(watched()).toEqual(CHANNELS);
    jest.advanceTimersByTime(1_000);
    expect(watched()).toEqual([]);
  });

  it('costs no message anything ten seconds after the last question for the rates of connections', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    await admin.ask('connections', { order: 'rate' });
    expect(watched()).toEqual(['message']);
    jest.advanceTimersByTime(9_000);
    await admin.ask('connections', { order: 'rate' });
    jest.advanceTimersByTime(9_000);
    expect(watched()).toEqual(['message']);
    jest.advanceTimersByTime(1_000);
    expect(watched()).toEqual([]);
  });

  it('is that over which rates are measured', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const { client } = await connectMember(app);
    const rates = async () =>
      (await admin.ask('overview')).namespaces.find(({ route }) => route === '/ws')!.rates;
    expect(await rates()).toBeUndefined();
    for (let index = 0; index < 20; index++) client.send({ event: 'say', data: 'x' });
    await client.settled();
    expect(await rates()).toBeUndefined();
    jest.advanceTimersByTime(2_000);
    // the messages and two pings; each message is answered with an event to the client and a broadcast
    const measured = {
      received: 11,
      receivedBytes: expect.any(Number) as number,
      emitted: 10,
      broadcasts: 10,
    };
    expect(await rates()).toEqual(measured);
    jest.advanceTimersByTime(500);
    expect(await rates()).toEqual(measured);
    jest.advanceTimersByTime(500);
    expect(await rates()).toEqual({ received: 0, receivedBytes: 0, emitted: 0, broadcasts: 0 });
  });

  it('is that over which the messages of a connection are counted, of those that send most first', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const [quiet, busy, silent] = [
      await connectMember(app),
      await connectMember(app),
      await connectMember(app, { user: 'bob' }),
    ];
    const ratesOf = async (request: ConnectionsRequest): Promise<unknown[]> =>
      (await admin.ask('connections', request)).rows.map(({ id, rate }) => [id, rate]);
    const first = await admin.ask('connections', { order: 'rate' });
    expect(first.rows).toHaveLength(3);
    // nothing was counted yet
    for (const row of first.rows) expect(row).not.toHaveProperty('rate');
    for (let index = 0; index < 30; index++) await busy.client.ask('rooms');
    for (let index = 0; index < 5; index++) await quiet.client.ask('rooms');
    jest.advanceTimersByTime(2_000);
    const measured = [
      [busy.id, 15],
      [quiet.id, 2.5],
      [silent.id, 0],
    ];
    expect(await ratesOf({ order: 'rate' })).toEqual(measured);
    jest.advanceTimersByTime(1_000);
    expect(await ratesOf({ order: 'rate', limit: 2 })).toEqual(measured.slice(0, 2));
    expect(await ratesOf({ order: 'rate', filter: { user: 'bob' } })).toEqual(measured.slice(2));
    // other orders do not show what happens to be counted
    for (const row of (await admin.ask('connections', {})).rows) expect(row).not.toHaveProperty('rate');
    jest.advanceTimersByTime(1_000);
    for (const row of (await admin.ask('connections', { order: 'rate' })).rows) expect(row.rate).toBe(0);
  });

  it('decides which address is refused most in a second, although another one was more often before', async () => {
    const app = await startConsole();
    const publish = (address: string, count: number): void => {
      for (let index = 0; index < count; index++)
        channel('nestjs-envelope.upgrade.refuse').publish({ status: 401, why: 'guard', address });
    };
    const refused = async (): Promise<unknown[]> => {
      // the connection of an earlier question has missed pings, while the clock ran
      const admin = await Admin.connect(app);
      const { rows } = await admin.ask('refusals', { order: 'rate' });
      return rows.map(({ address, rate }) => [address, rate]);
    };
    // 40 in a second, for a minute
    for (let second = 0; second < 60; second++) {
      publish('203.0.113.1', 40);
      jest.advanceTimersByTime(1_000);
    }
    const [[address, rate]] = (await refused()) as [[string, number]];
    expect(address).toBe('203.0.113.1');
    expect(Math.abs(rate - 40)).toBeLessThan(4);
    jest.advanceTimersByTime(30_000);
    publish('203.0.113.2', 50);
    expect(await refused()).toEqual([
      ['203.0.113.2', 5],
      ['203.0.113.1', expect.any(Number)],
    ]);
    jest.advanceTimersByTime(120_000);
    expect(await refused()).toEqual([
      ['203.0.113.1', 0],
      ['203.0.113.2', 0],
    ]);
  });

  it('is a second for the answers of other nodes, and waits once for a node that does not answer', async () => {
    const bus = new Bus();
    const options = { adapter: { adapter: bus.adapter } };
    const [here] = [await startConsole({}, options), await startConsole({}, options)];
    const admin = await Admin.connect(here);
    const answering = async () => (await admin.ask('connections', {})).nodes;
    const both = { answered: 2, silent: [], unknown: 0 };
    await until('the second node', async () => (await answering()).answered === 2);

    bus.loses = (text) => text.includes('console:tell');
    const { published } = bus;
    let isAnswered = false;
    const asked = answering().finally(() => (isAnswered = true));
    await until('the question and the lost answer', () => bus.published === published + 2);
    jest.advanceTimersByTime(999);
    await admin.client.settled();
    expect(isAnswered).toBe(false);
    jest.advanceTimersByTime(1);
    const alone = { answered: 1, silent: [expect.any(String)], unknown: 0 };
    expect(await asked).toEqual(alone);
    // the clock stands still
    expect(await answering()).toEqual(alone);

    bus.loses = () => false;
    await until('the answer of the second node', async () => (await answering()).answered === 2);
    expect(await answering()).toEqual(both);
  });

  it('ends with the application', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    await admin.ask('overview');
    expect(watched()).toEqual(CHANNELS);
    await app.close();
    expect(watched()).toEqual([]);
  });

  it('is five seconds for frames, of at most 20 connections', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const { node } = await admin.ask('hello');
    const { id } = await connectMember(app);
    const socket = app.adapter._servers()[0]!.sockets.get(id)!;
    const isRecorded = (): boolean =>
      Object.hasOwn(socket._lifecycle, 'onMessage') || Object.hasOwn(socket._connection, 'write');
    expect(isRecorded()).toBe(false);
    await admin.ask('frames', { node, id });
    expect(isRecorded()).toBe(true);
    const others: string[] = [];
    for (let index = 0; index < 20; index++) others.push((await connectMember(app)).id);
    for (const other of others.slice(0, 19)) await admin.ask('frames', { node, id: other });
    expect(await admin.refusal('frames', { node, id: others[19] })).toMatchObject({ code: 'busy' });
    jest.advanceTimersByTime(4_000);
    await admin.ask('frames', { node, id });
    jest.advanceTimersByTime(4_000);
    expect(isRecorded()).toBe(true);
    jest.advanceTimersByTime(1_000);
    expect(isRecorded()).toBe(false);
    await admin.ask('frames', { node, id: others[19]! });
  });
});
