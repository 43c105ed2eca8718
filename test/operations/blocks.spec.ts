import { WebSocketGateway } from '@nestjs/websockets';
import { z } from 'zod';
import { Emits } from '../../lib/contract/index.js';
import { socketIO } from '../../lib/socketio/index.js';
import { IoClient } from '../socketio-clients/io-client.js';
import { startApp, type TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import { as, GuardedGateway, OpenGateway, recordAudit, RoomsGateway, stopRecording } from './fixture.js';

const providers = [OpenGateway, GuardedGateway];
const HOUR = 3_600_000;
const auth = (id: unknown): Record<string, string> => ({
  'Sec-WebSocket-Protocol': as(id).protocols.join(', '),
});
const forwarded = (address: string): { headers: Record<string, string> } => ({
  headers: { 'X-Forwarded-For': address },
});

describe('EnvelopeOperations.block', () => {
  afterEach(stopRecording);

  it('closes the connections of an address with 1008, and refuses further ones with 429 and Retry-After', async () => {
    const records = recordAudit();
    const app = await startApp({ providers }, { adapter: { trustProxy: 'loopback' } });
    const { operations } = app.adapter;
    const eve = await app.connect('/open', forwarded('203.0.113.7'));
    const ada = await app.connect('/open', forwarded('203.0.113.8'));
    for (const client of [eve, ada]) await client.settled();
    operations.block({ address: '203.0.113.7' }, { duration: HOUR, by: 'ada', reason: 'scan' });
    expect(await eve.ended()).toMatchObject({ code: 1008, reason: 'blocked for a time' });
    const { headers } = forwarded('203.0.113.7');
    const refused = await requestUpgrade(app.port, '/open', headers);
    expect([refused.status, JSON.parse(refused.body)]).toEqual([
      429,
      { statusCode: 429, message: 'Blocked for a time', error: 'Too Many Requests' },
    ]);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3_500);
    expect(operations.blocks).toEqual([
      { address: '203.0.113.7', until: expect.any(Number), by: 'ada', reason: 'scan' },
    ]);
    operations.unblock({ address: '203.0.113.7' }, { by: 'bob' });
    expect((await requestUpgrade(app.port, '/open', headers)).status).toBe(101);
    expect((await ada.ask('echo', 1)).data).toBe(1);
    expect(operations.blocks).toEqual([]);
    expect(records.map(({ action, by, target, details }) => [action, by, target, details])).toEqual([
      ['block', 'ada', '203.0.113.7', { kind: 'address', duration: HOUR, reason: 'scan' }],
      ['unblock', 'bob', '203.0.113.7', { kind: 'address' }],
    ]);
  });

  it('ends after its time', async () => {
    const app = await startApp({ providers });
    const { operations } = app.adapter;
    operations.block({ address: '127.0.0.1' }, { duration: HOUR });
    expect((await requestUpgrade(app.port, '/open')).status).toBe(429);
    operations.block({ address: '127.0.0.1' }, { duration: 100 });
    await until('the end of the block', async () => (await requestUpgrade(app.port, '/open')).status === 101);
    expect(operations.blocks).toEqual([]);
  });

  it('counts the /64 network of an IPv6 address', async () => {
    const app = await startApp({ providers }, { adapter: { trustProxy: 'loopback' } });
    app.adapter.operations.block({ address: '2001:db8::1' }, { duration: HOUR });
    const ask = async (address: string): Promise<number> =>
      (await requestUpgrade(app.port, '/open', forwarded(address).headers)).status;
    expect(await ask('2001:db8::2')).toBe(429);
    expect(await ask('2001:db8:0:1::2')).toBe(101);
    // each is named as the list names it
    for (const { address } of app.adapter.operations.blocks)
      app.adapter.operations.unblock({ address: address! });
    expect(await ask('2001:db8::2')).toBe(101);
    for (const address of ['203.0.113.0/64', '2001:db8::/48', '/64', ''])
      expect(() => app.adapter.operations.unblock({ address })).toThrow('an IP address');
  });

  it('closes the connections of a user, and refuses it after its guards with 429', async () => {
    const app = await startApp({ providers });
    const [eve, ada] = [await app.connect('/ws', as(42)), await app.connect('/ws', as(43))];
    const late = await app.connect('/open?late=42');
    for (const client of [eve, ada, late]) await client.settled();
    app.adapter.operations.block({ user: 42 }, { duration: HOUR });
    for (const client of [eve, late]) expect((await client.ended()).code).toBe(1008);
    const { status, headers } = await requestUpgrade(app.port, '/ws', auth('42'));
    expect([status, Number(headers['retry-after']) > 3_500]).toEqual([429, true]);
    expect((await ada.ask('echo', 1)).data).toBe(1);
    // without a guard, the user is known when the connection is open
    const again = await app.connect('/open?late=42');
    expect((await again.ended()).code).toBe(1008);
    expect((await requestUpgrade(app.port, '/ws', auth(43))).status).toBe(101);
  });

  it("covers Socket.IO's clients, on each of their namespaces", async () => {
    const app = await startApp({ providers }, { adapter: { transports: [socketIO()] } });
    const url = `http://127.0.0.1:${app.port}`;
    const client = new IoClient(`${url}/open`);
    await client.connected();
    app.adapter.operations.block({ address: '127.0.0.1' }, { duration: HOUR });
    expect(await client.ended()).toMatch(/disconnect|transport close/);
    const again = client.join('/ws');
    expect(await again.refused().catch((error: unknown) => error)).toBeInstanceOf(Error);
    client.destroy();
    const other = new IoClient(`${url}/open`);
    await other.refused();
    other.destroy();
  });

  it('reaches all nodes, and those that join later', async () => {
    const bus = new Bus();
    const start = (): Promise<TestApp> => startApp({ providers }, { adapter: { adapter: bus.adapter } });
    const [here, there] = [await start(), await start()];
    const eve = await there.connect('/ws', as(42));
    await eve.settled();
    here.adapter.operations.block({ user: 42 }, { duration: HOUR, by: 'ada', reason: 'spam' });
    expect((await eve.ended()).code).toBe(1008);
    expect(there.adapter.operations.blocks).toEqual(here.adapter.operations.blocks);
    const late = await start();
    await until('the block on a new node', () => late.adapter.operations.blocks.length === 1);
    expect((await requestUpgrade(late.port, '/ws', auth(42))).status).toBe(429);
    late.adapter.operations.unblock({ user: '42' });
    await until('the end of the block', () => here.adapter.operations.blocks.length === 0);
    expect((await requestUpgrade(there.port, '/ws', auth(42))).status).toBe(101);
  });

  it('is decided by the last operator, also if a node missed it', async () => {
    const bus = new Bus();
    const start = (): Promise<TestApp> => startApp({ providers }, { adapter: { adapter: bus.adapter } });
    const [here, there] = [await start(), await start()];
    const block = (): void => here.adapter.operations.block({ user: 1 }, { duration: HOUR });
    block();
    await until('the block', () => there.adapter.operations.blocks.length === 1);
    bus.loses = (text) => text.includes('$blocks');
    here.adapter.operations.unblock({ user: 1 });
    bus.loses = () => false;
    expect(there.adapter.operations.blocks).toHaveLength(1);
    // the node that starts makes both tell each other
    const late = await start();
    await until('the end of the block', () => there.adapter.operations.blocks.length === 0);
    expect([here, late].map((app) => app.adapter.operations.blocks)).toEqual([[], []]);
  });

  it('ignores what is no list of blocks', async () => {
    const bus = new Bus();
    const start = (): Promise<TestApp> => startApp({ providers }, { adapter: { adapter: bus.adapter } });
    const [here, there] = [await start(), await start()];
    const { adapter } = here.adapter._servers()[0]!;
    const entry = { kind: 'user', name: 'x', at: 1, until: Date.now() + HOUR, isLifted: false };
    const wrong = [null, 7, [7, null], [{ ...entry, kind: 'path' }], [{ ...entry, name: 'x'.repeat(1_001) }]];
    for (const value of [...wrong, [{ ...entry, until: null }], [{ ...entry, isLifted: 1 }]])
      adapter.serverSideEmit(['$blocks', value]);
    adapter.serverSideEmit(['$blocks', [entry]]);
    await until('the valid one', () => there.adapter.operations.blocks.length === 1);
    expect(there.adapter.operations.blocks[0]).toMatchObject({ user: 'x' });
  });

  it('keeps ten thousand, and drops those that end first', async () => {
    const app = await startApp({ providers });
    const { operations } = app.adapter;
    for (let id = 0; id <= 10_000; id++) operations.block({ user: id }, { duration: HOUR + id });
    const names = operations.blocks.map((block) => block.user);
    expect([names.length, names.includes('0'), names.includes('1')]).toEqual([10_000, false, true]);
  });

  it.each<[unknown, unknown, RegExp]>([
    [{}, { duration: 1 }, /target is {}: it takes { address/],
    [{ address: 'x' }, { duration: 1 }, /address is "x": it takes an IP address/],
    [{ user: null }, { duration: 1 }, /user\(null\): takes the name of a user/],
    [{ user: 1, address: '10.0.0.1' }, { duration: 1 }, /target is/],
    [{ user: 1 }, {}, /duration is undefined: it takes milliseconds/],
    [{ user: 1 }, { duration: Infinity }, /duration is Infinity/],
    [{ user: 1 }, { duration: 1e300 }, /duration is 1e\+300/],
    [{ user: 1 }, { duration: 1, why: 'x' }, /unknown option "why"/],
  ])('refuses %j with %j', async (target, options, error) => {
    const app = await startApp({ providers });
    expect(() => app.adapter.operations.block(target as never, options as never)).toThrow(error);
    expect(app.adapter.operations.blocks).toEqual([]);
  });
});

describe('EnvelopeOperations', () => {
  afterEach(stopRecording);

  it('disconnects a user on all paths, and announces to everybody', async () => {
    const records = recordAudit();
    const app = await startApp({ providers: [...providers, RoomsGateway] });
    const clients = [
      await app.connect('/ws', as(42)),
      await app.connect('/open?late=42'),
      await app.connect('/rooms/room-7?late=42'),
    ];
    const ada = await app.connect('/ws', as(43));
    for (const client of [...clients, ada]) await client.settled();
    app.adapter.operations.announce({ text: 'Back at 4' }, { by: 'ada' });
    for (const client of [...clients, ada])
      expect((await client.next('maintenance')).data).toEqual({ text: 'Back at 4' });
    app.adapter.operations.disconnectUser(42, { by: 'ada' });
    for (const client of clients) expect((await client.ended()).code).toBe(1000);
    expect((await ada.ask('echo', 1)).data).toBe(1);
    expect(records.map(({ action, target, details }) => [action, target, details])).toEqual([
      ['announce', undefined, { event: 'maintenance' }],
      ['disconnectUser', '42', {}],
    ]);
  });

  it('announces where the payload is valid, records that, and throws what was wrong elsewhere', async () => {
    @Emits('maintenance', z.object({ text: z.string() }))
    @WebSocketGateway({ path: '/strict' })
    class StrictGateway {}
    const records = recordAudit();
    const app = await startApp(
      { providers: [StrictGateway, ...providers] },
      { adapter: { validateEmits: true } },
    );
    const { operations } = app.adapter;
    const [strict, open] = [await app.connect('/strict'), await app.connect('/open')];
    for (const client of [strict, open]) await client.settled();
    expect(() => operations.announce({ minutes: 5 }, { by: 'ada' })).toThrow(/maintenance/);
    expect((await open.next('maintenance')).data).toEqual({ minutes: 5 });
    expect(() => operations.announce({ minutes: 5 }, { by: 'ada', event: '$auth' })).toThrow(/\$auth/);
    const details = { event: 'maintenance', failedPaths: ['/strict'] };
    expect(records.map(({ action, by, details }) => [action, by, details])).toEqual([
      ['announce', 'ada', details],
    ]);
  });
});
