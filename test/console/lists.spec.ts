import type { ConnectionView, RoomView } from '../../lib/explorer/admin/views.js';
import type { ConnectionsRequest } from '../../lib/explorer/admin/wire.js';
import type { TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { connectInProcess } from '../support/in-process.js';
import { Admin, connectMember, startConsole } from './console-fixture.js';

const MANY = 2_000;

const limits = { maxConnections: false, maxConnectionsPerAddress: false } as const;

/** Connects many clients without a network. */
async function connectMany(
  app: TestApp,
  count: number,
  query: (index: number) => string,
): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (let index = 0; index < count; index++) {
    const url = app.url(`/ws?${query(index)}`);
    clients.push(new TestClient(url, {}, (...args) => connectInProcess(app, ...args)));
  }
  await Promise.all(clients.map((client) => client.opened()));
  return clients;
}

/** Asks for all pages. */
async function allConnections(admin: Admin, request: ConnectionsRequest = {}): Promise<ConnectionView[][]> {
  const pages: ConnectionView[][] = [];
  let cursor: string | undefined;
  do {
    const page = await admin.ask('connections', { ...request, ...(cursor !== undefined && { cursor }) });
    pages.push([...page.rows]);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

async function allRooms(admin: Admin, prefix: string): Promise<RoomView[][]> {
  const pages: RoomView[][] = [];
  let cursor: string | undefined;
  do {
    const page = await admin.ask('rooms', {
      namespace: '/ws',
      prefix,
      limit: 100,
      ...(cursor && { cursor }),
    });
    pages.push([...page.rows]);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

const idsOf = (rows: readonly ConnectionView[]): string[] => rows.map(({ id }) => id);

describe('lists of the console', () => {
  it('page through thousands of connections, each once', async () => {
    const app = await startConsole({}, { adapter: { limits } });
    const admin = await Admin.connect(app);
    await connectMany(app, MANY, (index) => `rooms=all,r${index % 500}&user=u${index % 50}`);
    const first = await admin.ask('connections', {});
    expect(first).toMatchObject({ total: MANY, nodes: { answered: 1, silent: [], unknown: 0 } });
    expect(first.rows).toHaveLength(50);
    expect(JSON.stringify(first).length).toBeLessThan(32_000);

    const pages = await allConnections(admin, { limit: 100 });
    expect(pages.map(({ length }) => length)).toEqual(Array<number>(MANY / 100).fill(100));
    const ids = idsOf(pages.flat());
    expect(new Set(ids).size).toBe(MANY);
    expect(ids).toEqual([...ids].sort());

    const rooms = await allRooms(admin, 'r');
    expect(rooms.map(({ length }) => length)).toEqual([100, 100, 100, 100, 100]);
    expect(rooms.flat().every(({ size }) => size === MANY / 500)).toBe(true);
    const { rows, cursor } = await admin.ask('rooms', { namespace: '/ws', order: 'size', limit: 3 });
    expect(cursor).toBeUndefined();
    expect(rows).toEqual([
      { name: 'all', size: MANY },
      { name: '$user:u0', size: MANY / 50 },
      { name: '$user:u1', size: MANY / 50 },
    ]);

    const ofUser = await allConnections(admin, { filter: { user: 'u7' }, limit: 20 });
    expect(ofUser.map(({ length }) => length)).toEqual([20, 20]);
    expect(ofUser.flat().every(({ user }) => user === 'u7')).toBe(true);
    const inRoom = await admin.ask('connections', { filter: { room: 'r3' }, limit: 100 });
    expect(inRoom.rows).toHaveLength(MANY / 500);
    expect(inRoom).not.toHaveProperty('total');
    const both = await allConnections(admin, { filter: { room: 'r3', user: 'u4' } });
    expect(both).toEqual([[]]);
  });

  it('stay complete while connections come and go', async () => {
    const app = await startConsole({}, { adapter: { limits } });
    const admin = await Admin.connect(app);
    const clients = await connectMany(app, 300, () => '');
    const stay = new Set(app.adapter._servers().flatMap(({ sockets }) => [...sockets.keys()]));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await admin.ask('connections', { limit: 20, ...(cursor && { cursor }) });
      seen.push(...idsOf(page.rows));
      cursor = page.cursor;
      // the connection that the cursor names is gone
      const gone = app.adapter._servers()[0]!.sockets.get(cursor ?? '');
      gone?.disconnect();
      await connectMany(app, 5, () => '');
    } while (cursor !== undefined);
    expect(seen).toHaveLength(new Set(seen).size);
    expect(seen.filter((id) => stay.has(id))).toHaveLength(stay.size);
    expect(clients).toHaveLength(300);
  });

  it('filter by everything that a row has', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const bob = await connectMember(app, { user: 'bob', rooms: 'red,blue' });
    const eve = await connectMember(app, { user: 'eve' });
    const table = await app.connect('/tables/t-7', { protocols: ['envelope.v1'] });
    const tableId = ((await table.next('$session')).data as { id: string }).id;
    const { node } = await admin.ask('hello');
    const found = async (filter: ConnectionsRequest['filter']): Promise<string[]> =>
      idsOf((await admin.ask('connections', { filter: filter! })).rows).sort();
    const all = [bob.id, eve.id, tableId].sort();
    expect(await found({})).toEqual(all);
    expect(await found({ namespace: '/ws' })).toEqual([bob.id, eve.id].sort());
    expect(await found({ namespace: '/tables/t-7' })).toEqual([tableId]);
    expect(await found({ namespace: '/tables/<t-\\d+>' })).toEqual([tableId]);
    expect(await found({ user: 'bob' })).toEqual([bob.id]);
    expect(await found({ user: 'nobody' })).toEqual([]);
    expect(await found({ room: 'red' })).toEqual([bob.id]);
    expect(await found({ room: 'red', user: 'eve' })).toEqual([]);
    expect(await found({ address: '127.0' })).toEqual(all);
    expect(await found({ address: '10.' })).toEqual([]);
    expect(await found({ kind: 'json' })).toEqual(all);
    expect(await found({ kind: 'msgpack' })).toEqual([]);
    expect(await found({ id: eve.id.slice(0, 8) })).toEqual([eve.id]);
    expect(await found({ node })).toEqual(all);
    expect(await admin.refusal('connections', { filter: { node: 'x' } })).toMatchObject({
      code: 'not_found',
    });
    const [row] = (await admin.ask('connections', { filter: { user: 'bob' } })).rows;
    expect(row).toEqual({
      node,
      id: bob.id,
      namespace: '/ws',
      route: '/ws',
      user: 'bob',
      address: '127.0.0.1',
      kind: 'json',
      transport: 'websocket',
      connectedAt: expect.any(Number) as number,
      rooms: 2,
      buffered: 0,
      recovered: false,
    });
    expect(Math.abs(row!.connectedAt - Date.now())).toBeLessThan(10_000);
  });

  it('have details of one connection, without its credentials', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const secret = Buffer.from(JSON.stringify({ token: 'secret' })).toString('base64url');
    const client = await app.connect('/ws?rooms=red,blue&token=secret', {
      protocols: ['envelope.v1', `envelope.auth.${secret}`],
      headers: { 'user-agent': 'test', cookie: 'session=secret' },
    });
    const { id } = (await client.next('$session')).data as { id: string };
    await client.settled();
    const { node } = await admin.ask('hello');
    const details = await admin.ask('details', { node, id });
    expect(details).toMatchObject({
      id,
      node,
      nodeName: expect.stringContaining(String(process.pid)) as string,
      roomNames: ['blue', 'red'],
      userAgent: 'test',
      protocol: 'envelope.v1',
      inFlight: 0,
    });
    expect(JSON.stringify(details)).not.toMatch(/secret|c2VjcmV0/);
    expect(await admin.refusal('details', { node, id: 'unknown' })).toMatchObject({ code: 'not_found' });
    expect(await admin.refusal('details', { node: 'x', id })).toMatchObject({ code: 'not_found' });
  });

  it('show slow readers first', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const members = [await connectMember(app), await connectMember(app), await connectMember(app)];
    const slow = members[1]!;
    slow.client.ws.pause();
    const socket = app.adapter._servers()[0]!.sockets.get(slow.id)!;
    // more than the buffers of both kernels take
    while (socket.bufferedAmount < 1_000_000) {
      socket.emit('much', 'x'.repeat(500_000));
      await new Promise(setImmediate);
    }
    const { rows, cursor } = await admin.ask('connections', { order: 'buffered', limit: 2 });
    expect(cursor).toBeUndefined();
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ id: slow.id });
    expect(rows[0]!.buffered).toBeGreaterThan(500_000);
    const { namespaces } = await admin.ask('overview');
    expect(namespaces.find(({ route }) => route === '/ws')).toMatchObject({ connections: 3, slow: 1 });
  });
});
