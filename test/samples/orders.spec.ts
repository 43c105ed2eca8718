import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AppModule } from '../../sample/06-orders/src/app.module.js';
import { DemoTraffic } from '../../sample/06-orders/src/orders/demo-traffic.service.js';
import type { EditResult, Order, OrderDetails, Orders } from '../../sample/06-orders/src/orders/order.js';
import { createContract, contractToTypes } from '../../lib/contract/index.js';
import { changedMembers } from '../../lib/react/changed-members.js';
import type { PresenceChange, PresenceMember } from '../../lib/react/types.js';
import { createTestClient, RequestError, type TestClient } from '../../lib/testing/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

const SAMPLE = join(process.cwd(), 'sample/06-orders');

describe('sample 06-orders', () => {
  const environment = { ...process.env };
  let app: TestApp;

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    Object.assign(process.env, { DEMO_INTERVAL: '0', ORDERS_FILE: '' }, variables);
    app = await startApp({ imports: [AppModule] });
  };
  const connect = (token: string): Promise<TestClient> =>
    createTestClient(app.nest, { path: '/orders', auth: { token } });
  const watch = async (token: string): Promise<TestClient> => {
    const client = await connect(token);
    await client.emitWithAck('orders.watch');
    return client;
  };
  const orderOf = async (client: TestClient, id: number): Promise<Order> =>
    ((await client.emitWithAck('order.open', { id })) as OrderDetails).order;
  const edit = (client: TestClient, { id, version }: Order, changes: object): Promise<EditResult> =>
    client.emitWithAck('order.edit', { id, version, changes }) as Promise<EditResult>;
  const eventsOf = (client: TestClient, name: string): unknown[] =>
    client.received.filter(({ event }) => event === name).map(({ data }) => data as unknown);

  afterEach(() => {
    expect(app.log.of('error')).toEqual([]);
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  });

  describe('edits', () => {
    it('reach everybody who looks at the table', async () => {
      await start();
      const [ada, bo] = [await watch('ada'), await watch('bo')];
      const before = await orderOf(ada, 1042);
      const result = await edit(ada, before, { quantity: 30, status: 'shipped' });
      const order = { ...before, quantity: 30, status: 'shipped', by: 'ada', version: expect.any(Number) };
      expect(result).toEqual({ outcome: 'saved', order });
      expect(result.order.version).toBeGreaterThan(before.version);
      await bo.settled();
      const change = { by: 'ada', version: result.order.version };
      const changes = [
        { ...change, field: 'status', from: 'packing', to: 'shipped' },
        { ...change, field: 'quantity', from: 24, to: 30 },
      ];
      expect(eventsOf(bo, 'order.changed')).toEqual([{ order: result.order, changes }]);
      expect(((await bo.emitWithAck('order.open', { id: 1042 })) as OrderDetails).history).toEqual(changes);
    });

    it('of different fields are merged', async () => {
      await start();
      const [ada, bo] = [await watch('ada'), await watch('bo')];
      const seen = await orderOf(ada, 1042);
      await edit(ada, seen, { quantity: 30 });
      expect(await edit(bo, seen, { note: 'ring twice' })).toMatchObject({
        outcome: 'saved',
        order: { quantity: 30, note: 'ring twice' },
      });
    });

    it('of the same field are a conflict, which saves nothing', async () => {
      await start();
      const [ada, bo] = [await watch('ada'), await watch('bo')];
      const seen = await orderOf(ada, 1042);
      const { order } = await edit(ada, seen, { quantity: 30 });
      expect(await edit(bo, seen, { quantity: 31, note: 'mine' })).toEqual({
        outcome: 'conflict',
        order,
        fields: ['quantity'],
      });
      expect(await orderOf(bo, 1042)).toEqual(order);
      expect(await edit(bo, order, { quantity: 31, note: 'mine' })).toMatchObject({ outcome: 'saved' });
    });

    it('can be repeated, whether they were saved or not', async () => {
      await start();
      const ada = await watch('ada');
      const seen = await orderOf(ada, 1042);
      const first = await edit(ada, seen, { quantity: 30 });
      expect(await edit(ada, seen, { quantity: 30 })).toEqual(first);
      await ada.settled();
      expect(eventsOf(ada, 'order.changed')).toHaveLength(1);
    });

    it.each([
      ['a quantity of nothing', { quantity: 0 }, 'changes.quantity: at least 1'],
      ['no date', { due: 'tomorrow' }, 'changes.due: a date'],
      ['an unknown status', { status: 'lost' }, expect.stringContaining('changes.status')],
    ])('are refused with %s', async (_, changes, message) => {
      await start();
      const ada = await watch('ada');
      const refused = edit(ada, await orderOf(ada, 1042), changes).catch((error: unknown) => error);
      expect(await refused).toBeInstanceOf(RequestError);
      expect(await refused).toMatchObject({ data: { statusCode: 400, message: [message] } });
    });

    it('are refused for an order that is not in the table, and ignore fields that nobody edits', async () => {
      await start();
      const ada = await watch('ada');
      await expect(edit(ada, { id: 7, version: 1 } as Order, { quantity: 2 })).rejects.toMatchObject({
        data: { statusCode: 404, message: 'Order 7 is no longer in the table' },
      });
      const seen = await orderOf(ada, 1042);
      expect(await edit(ada, seen, { customer: 'me', id: 7 })).toEqual({ outcome: 'saved', order: seen });
    });
  });

  it('shows who is on which order, with one activity for each tab', async () => {
    await start();
    const people = async (client: TestClient): Promise<unknown> =>
      client.emitWithAck('people.watch', { room: 'orders' });
    const [ada, bo] = [await watch('ada'), await watch('bo')];
    expect(await people(ada)).toEqual([
      { key: 'ada', metas: [{ order: null }] },
      { key: 'bo', metas: [{ order: null }] },
    ]);
    /** Waits until the events say this of Bo to Ada, as the hook `usePresence` reads them. */
    const seesBo = (...metas: { order: number | null }[]): Promise<void> =>
      until(`Bo with ${JSON.stringify(metas)}`, () => {
        const list = (eventsOf(ada, 'presence') as PresenceChange[]).reduce<readonly PresenceMember[]>(
          (members, event) => changedMembers(members, event, 'orders'),
          [],
        );
        const bos = list.find(({ key }) => key === 'bo')?.metas ?? [];
        return list.some(({ key }) => key === 'ada') && isDeepStrictEqual(bos, metas);
      });
    await seesBo({ order: null });
    await bo.emitWithAck('order.open', { id: 1042 });
    const tab = await watch('bo');
    await tab.emitWithAck('order.open', { id: 1043 });
    await seesBo({ order: 1042 }, { order: 1043 });
    // from one order to the next
    await bo.emitWithAck('order.open', { id: 1044 });
    await bo.emitWithAck('order.close', { id: 1042 });
    await seesBo({ order: 1044 }, { order: 1043 });
    await tab.close();
    await seesBo({ order: 1044 });
    await bo.close();
    await seesBo();
    expect(await people(ada)).toEqual([{ key: 'ada', metas: [{ order: null }] }]);
  });

  it('keeps demo traffic off the orders that people have open', async () => {
    await start();
    const ada = await watch('ada');
    const traffic = app.nest.get(DemoTraffic);
    for (let step = 0; step < 60; step++) await traffic.step();
    const { orders } = (await ada.emitWithAck('orders.watch')) as Orders;
    expect(orders.length).toBeGreaterThan(10);
    expect(orders.length).toBeLessThan(25);
    await ada.settled();
    const changed = eventsOf(ada, 'order.changed') as { order: Order }[];
    expect(new Set(changed.map(({ order }) => order.by))).toEqual(new Set(['shop', 'warehouse']));
    expect(changed.some(({ order }) => order.isArchived)).toBe(true);

    for (const { id } of orders) {
      const tab = await watch('bo');
      await tab.emitWithAck('order.open', { id });
    }
    const before = changed.length;
    await traffic.step();
    await ada.settled();
    // a new order, as none of these may change
    expect(eventsOf(ada, 'order.changed').slice(before)).toMatchObject([
      { changes: [], order: { status: 'new' } },
    ]);
  });

  it('keeps the orders in a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orders-'));
    try {
      const file = join(folder, 'orders.json');
      await start({ ORDERS_FILE: relative(SAMPLE, file) });
      const ada = await watch('ada');
      const { order } = await edit(ada, await orderOf(ada, 1042), { quantity: 99 });
      await until('the file', () => existsSync(file));
      expect(readFileSync(file, 'utf8')).toContain('"quantity":99');
      await app.close();
      await start({ ORDERS_FILE: relative(SAMPLE, file) });
      const again = await watch('ada');
      expect(await orderOf(again, 1042)).toEqual(order);
      expect((await edit(again, order, { quantity: 98 })).order.version).toBeGreaterThan(order.version);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses who is not one of its people', async () => {
    await start();
    expect(await requestUpgrade(app.port, '/orders')).toMatchObject({ status: 401 });
    const mallory = { 'Sec-WebSocket-Protocol': 'bearer, mallory' };
    expect(await requestUpgrade(app.port, '/orders', mallory)).toMatchObject({ status: 401 });
  });

  it('has the types of the page up to date: run `npm run types` in its folder', async () => {
    await start();
    const contract = await createContract(app.nest, { title: 'Orders', version: '1.0.0' });
    expect(readFileSync(join(SAMPLE, 'web/events.ts'), 'utf8')).toBe(await contractToTypes(contract));
  });
});
