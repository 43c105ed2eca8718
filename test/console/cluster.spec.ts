import { setTimeout as pause } from 'node:timers/promises';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import type { ConnectionView, Overview, RoomsPage } from '../../lib/explorer/admin/views.js';
import type { TestApp } from '../support/app.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { Child } from '../support/child.js';
import { TestClient } from '../support/client.js';
import { requestUpgrade } from '../support/upgrade.js';
import { Admin, connectMember, startSharedConsole } from './console-fixture.js';
import { waitLong } from './patience.js';

describeWithRedis('the console of three nodes on Redis', () => {
  const clients: Redis[] = [];
  const sockets: TestClient[] = [];
  const open: TestApp[] = [];
  // before the hook of the broker
  afterAll(async () => {
    patience?.mockRestore();
    await Promise.all(open.splice(0).map((app) => app.close()));
    await Promise.all(clients.map((client) => client.quit()));
  });
  const redis = new RedisServer();
  let one: TestApp;
  let two: TestApp;
  /** A node in another process, which can be stopped. */
  let three: Child;
  let port: number;
  let admin: Admin;
  let patience: ReturnType<typeof waitLong>;

  beforeAll(async () => {
    patience = waitLong();
    await redis.start();
    [one, two] = [await startNode(), await startNode()];
    open.push(one, two);
    three = await Child.start('console-chat-node', { settings: { url: redis.url }, isShared: true });
    port = await three.ask<number>('port');
    admin = await Admin.connect(one);
    await overviewWith(({ nodes }) => nodes.length === 3 && nodes.every(({ broker }) => broker.nodes === 3));
  });
  afterEach(async () => {
    for (const client of sockets.splice(0)) client.ws.terminate();
    await polled('all members to leave', async () => (await admin.ask('connections', {})).rows.length === 0);
  });
  function startNode(): Promise<TestApp> {
    const pair = [0, 1].map(() => new Redis(redis.url).on('error', () => undefined));
    clients.push(...pair);
    const options = { adapter: { adapter: createAdapter(pair[0], pair[1]) } };
    return startSharedConsole({ payloads: true }, options);
  }

  async function connect(app: TestApp, query: { user?: string; rooms?: string } = {}) {
    const member = await connectMember(app, query);
    sockets.push(member.client);
    return member;
  }

  /** Connects a client to the node in the other process. */
  async function connectThird(query: { user?: string; rooms?: string } = {}) {
    const search = new URLSearchParams(query).toString();
    const client = new TestClient(`ws://127.0.0.1:${port}/ws?${search}`, { protocols: ['envelope.v1'] });
    sockets.push(client);
    const { id } = (await client.next('$session')).data as { id: string };
    await client.settled();
    return { client, id };
  }

  async function overviewWith(holds: (overview: Overview) => boolean, of = admin): Promise<Overview> {
    let last: Overview | undefined;
    await polled('such an overview', async () => holds((last = await of.ask('overview'))));
    return last!;
  }

  const rowOf = async (id: string): Promise<ConnectionView> =>
    (await admin.ask('connections', { filter: { id } })).rows[0]!;

  it('shows the connections and rooms of all nodes, and acts on them', async () => {
    const member = { user: 'bob', rooms: 'red' };
    const members = [await connect(one, member), await connect(two, member), await connectThird(member)];
    const third = members[2]!;
    const page = await admin.ask('connections', {});
    expect(page).toMatchObject({ total: 3, nodes: { answered: 3, silent: [], unknown: 0 } });
    expect(new Set(page.rows.map(({ node }) => node)).size).toBe(3);
    expect(page.rows.map(({ id }) => id)).toEqual(members.map(({ id }) => id).sort());
    expect((await admin.ask('rooms', { namespace: '/ws', prefix: 'r' })).rows).toEqual([
      { name: 'red', size: 3 },
    ]);
    expect((await admin.ask('rooms', { namespace: '/ws', order: 'size', limit: 1 })).rows[0]!.size).toBe(3);

    const overview = await admin.ask('overview');
    expect(overview.nodes.map(({ broker, connections }) => ({ ...broker, since: 0, connections }))).toEqual(
      Array(3).fill({ state: 'connected', nodes: 3, since: 0, connections: 1 }),
    );
    expect(overview.nodes.filter(({ isThis }) => isThis)).toHaveLength(1);
    expect(overview.namespaces.find(({ route }) => route === '/ws')).toMatchObject({
      nodes: 3,
      connections: 3,
    });
    expect(overview.counts.opened - overview.counts.closed).toBe(3);

    const row = await rowOf(third.id);
    expect(await admin.ask('details', placeOf(row))).toMatchObject({ id: third.id, roomNames: ['red'] });
    await admin.ask('join', { ...placeOf(row), room: 'blue' });
    await admin.ask('frames', placeOf(row));
    expect((await third.client.ask('rooms')).data).toEqual(['red', 'blue']);
    const { frames } = await admin.ask('frames', placeOf(row));
    expect(frames.map(({ direction, event }) => `${direction} ${event}`)).toEqual(['in rooms', 'out rooms']);
    // each node decides whether payloads of its clients are shown
    expect(frames.every((frame) => !('payload' in frame))).toBe(true);

    await admin.ask('emit', { namespace: '/ws', to: { room: 'blue' }, event: 'notice', data: 1 });
    expect((await third.client.next('notice')).data).toBe(1);
    await admin.ask('disconnectClient', { ...placeOf(row), reason: 'bye' });
    expect(await third.client.ended()).toEqual({ code: 1000, reason: 'bye' });
    // the applications of one process share Nest's logger
    const lines = [one, two].flatMap(({ log }) => log.of('log'));
    expect(lines.join('\n')).toContain(`Audit: disconnect ${third.id} on /ws by ada`);
    await admin.ask('disconnectUser', { namespace: '/ws', user: 'bob' });
    await Promise.all([members[0]!.client.ended(), members[1]!.client.ended()]);
    // an admin of another node finds it in the trail
    const other = await Admin.connect(two);
    await overviewWith(({ nodes }) => nodes.length === 3, other);
    const { entries } = await other.ask('audit');
    expect(entries.map(({ action }) => action)).toEqual(
      // both applications of this process have the channel of the process
      expect.arrayContaining(['disconnectUser', 'disconnect', 'emit', 'join']) as string[],
    );
  });

  it('adds up what each node counts, and finds slow readers of another node', async () => {
    const countOf = (
      { counts }: Overview,
      list: 'closeCodes' | 'refusedUpgrades' | 'refusedMessages',
      name: string,
    ) => counts[list].find((count) => count.name === name)?.count ?? 0;
    await connect(one);
    const before = await overviewWith(({ namespaces }) => namespaces.length > 0);
    const gone = await connectThird();
    gone.client.close(4_321);
    await gone.client.ended();
    await requestUpgrade(port, '/ws', { Origin: 'https://evil.example' });
    const slow = await connectThird({ user: 'bob', rooms: 'red' });
    slow.client.send('no envelope');
    await slow.client.settled();
    const after = await overviewWith((overview) => countOf(overview, 'closeCodes', '4321') === 1);
    expect(after.counts.opened - before.counts.opened).toBe(2);
    expect(
      countOf(after, 'refusedUpgrades', '403 origin') - countOf(before, 'refusedUpgrades', '403 origin'),
    ).toBe(1);
    expect(
      countOf(after, 'refusedMessages', 'bad_frame') - countOf(before, 'refusedMessages', 'bad_frame'),
    ).toBe(1);

    slow.client.ws.pause();
    await polled('bytes that wait', async () => {
      slow.client.send({ event: 'say', data: 'x'.repeat(200_000) });
      const { rows } = await admin.ask('connections', { order: 'buffered', limit: 2 });
      return rows[0]!.id === slow.id && rows[0]!.buffered > 65_536;
    });
    expect(await overviewWith(({ namespaces }) => namespaces.some((one) => one.slow === 1))).toBeDefined();
    const { id, user } = (await admin.ask('connections', {})).rows.find((row) => row.id === slow.id)!;
    const { node, address } = await rowOf(id);
    for (const filter of [
      { user },
      { room: 'red' },
      { node },
      { address, user },
      { kind: 'json', user },
    ] as const) {
      const { rows } = await admin.ask('connections', { filter: filter as object });
      expect([filter, rows.map((row) => row.id)]).toEqual([filter, [slow.id]]);
    }
    expect((await admin.ask('connections', { filter: { namespace: '/ws', kind: 'msgpack' } })).rows).toEqual(
      [],
    );
  });

  it('pages through the connections of all nodes, each once', async () => {
    const apps: TestApp[] = [one, two];
    const members = await Promise.all(
      Array.from({ length: 45 }, (_, index) =>
        index % 3 < 2
          ? connect(apps[index % 3]!, { rooms: `r${index % 10}` })
          : connectThird({ rooms: `r${index % 10}` }),
      ),
    );
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await admin.ask('connections', { limit: 7, ...(cursor && { cursor }) });
      expect(page.rows.length).toBeLessThanOrEqual(7);
      seen.push(...page.rows.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(members.map(({ id }) => id).sort());
    const rooms: object[] = [];
    do {
      const page: RoomsPage = await admin.ask('rooms', {
        namespace: '/ws',
        limit: 3,
        ...(cursor && { cursor }),
      });
      rooms.push(...page.rows);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(rooms).toEqual(
      Array.from({ length: 10 }, (_, index) => ({ name: `r${index}`, size: index < 5 ? 5 : 4 })),
    );
  });

  it('shows a node that does not answer as such', async () => {
    const here = await connect(one);
    const there = await connectThird();
    const row = await rowOf(there.id);
    await admin.ask('overview');
    patience.mockRestore();
    three.signal('SIGSTOP');
    const silent = await overviewWith(({ nodes }) => nodes.some(({ state }) => state === 'silent'));
    expect(silent.nodes.find(({ id }) => id === row.node)).toMatchObject({ state: 'silent', connections: 1 });
    expect(silent.nodes.filter(({ state }) => state === 'live')).toHaveLength(2);
    const page = await admin.ask('connections', {});
    expect(page.rows.map(({ id }) => id)).toEqual([here.id]);
    expect(page.nodes).toEqual({ answered: 2, silent: [row.node], unknown: 0 });
    expect(await admin.refusal('details', placeOf(row))).toMatchObject({ code: 'silent' });
    expect(await admin.refusal('disconnectClient', placeOf(row))).toMatchObject({ code: 'silent' });
    expect((await admin.ask('audit')).entries[0]).toMatchObject({ outcome: 'failed', target: there.id });
    three.signal('SIGCONT');
    await overviewWith(({ nodes }) => nodes.every(({ state }) => state === 'live'));
    expect((await admin.ask('connections', {})).total).toBeGreaterThanOrEqual(1);
  });

  it('forgets a node that closes', async () => {
    open.pop();
    await two.close();
    const { nodes } = await overviewWith((overview) => overview.nodes.length === 2);
    expect(nodes.every(({ state }) => state === 'live')).toBe(true);
  });
});

/** Resolves when the condition holds. Asks no more often than a console may, and fails after half a minute. */
async function polled(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within 30 seconds`);
    await pause(50);
  }
}

/** Where a connection is. */
function placeOf({ node, id }: ConnectionView): { node: string; id: string } {
  return { node, id };
}
