import type { PresenceEvent } from '../../lib/index.js';
import { Bus } from '../support/bus.js';
import { joinOne, startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';
import { coded } from '../support/error-code.js';

/** A node on the bus that records the presence events of the room `red`. */
type Node = BareApp & { recorded: string[] };

async function startNodes(count: number) {
  const bus = new Bus();
  const nodes: Node[] = [];
  while (nodes.length < count) nodes.push(await startNode(bus));
  return { bus, nodes };
}

async function startNode(bus: Bus): Promise<Node> {
  const node = await startBareApp({ adapter: bus.adapter });
  const recorded: string[] = [];
  const record =
    (change: string) =>
    ({ room, key }: PresenceEvent): void =>
      void recorded.push(`${change} ${room} ${key}`);
  node.server.presence.on('join', record('join')).on('leave', record('leave'));
  return Object.assign(node, { recorded });
}

async function joinRed(node: BareApp, key: string, meta?: unknown): Promise<Pair> {
  const pair = await joinOne(node.app, node.server);
  node.server.presence.track(pair.socket, key, meta);
  await pair.socket.join('red');
  return pair;
}

const keys = async (node: BareApp, room = 'red'): Promise<string[]> =>
  (await node.server.presence.list(room)).map(({ key }) => key).sort();

/** Expects that all nodes have recorded exactly these events. */
async function expectRecorded(nodes: readonly { recorded: string[] }[], events: string[]): Promise<void> {
  await until(events.join(), () => nodes.every(({ recorded }) => recorded.length >= events.length));
  for (const { recorded } of nodes) expect([...recorded].sort()).toEqual([...events].sort());
}

describe('presence', () => {
  it('lists the members of a room on all nodes, with all connections of a user as one member', async () => {
    const { nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    await joinRed(here, 'ada', { device: 'phone' });
    await joinRed(here, 'ada', { device: 'desk' });
    await joinRed(there, 'ada', { device: 'watch' });
    await joinRed(there, 'bob');
    await here.join(1);
    for (const node of nodes) {
      const members = await node.server.presence.list('red');
      expect(members).toHaveLength(2);
      const ada = members.find(({ key }) => key === 'ada')!;
      expect(new Set(ada.metas)).toEqual(
        new Set([{ device: 'phone' }, { device: 'desk' }, { device: 'watch' }]),
      );
      expect(await keys(node, 'blue')).toEqual([]);
    }
  });

  it('emits a join for the first connection of a user and a leave for the last one, on every node', async () => {
    const { nodes } = await startNodes(3);
    const [a, b] = nodes as [Node, Node];
    const phone = await joinRed(a, 'ada');
    await expectRecorded(nodes, ['join red ada']);
    const desk = await joinRed(b, 'ada');
    const tab = await joinRed(b, 'ada');
    await joinRed(b, 'bob');
    await expectRecorded(nodes, ['join red ada', 'join red bob']);
    phone.client.close();
    await tab.socket.leave('red');
    await joinRed(a, 'carl');
    await expectRecorded(nodes, ['join red ada', 'join red bob', 'join red carl']);
    desk.client.close();
    await expectRecorded(nodes, ['join red ada', 'join red bob', 'join red carl', 'leave red ada']);
    expect(await keys(a)).toEqual(['bob', 'carl']);
  });

  it('reports existing members to a node that starts later', async () => {
    const { bus, nodes } = await startNodes(1);
    const ada = await joinRed(nodes[0]!, 'ada');
    const later = await startNode(bus);
    await expectRecorded([later], ['join red ada']);
    ada.client.close();
    await expectRecorded([later], ['join red ada', 'leave red ada']);
  });

  it('removes the members of a lost node when the next node starts', async () => {
    const { bus, nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    await joinRed(there, 'ada');
    await joinRed(there, 'bob');
    await joinRed(here, 'bob');
    await expectRecorded(nodes, ['join red ada', 'join red bob']);
    // The node disappears without notice.
    for (const member of bus.of('/ws')) if (member.nsp === (there.server as unknown)) bus.leave(member);
    expect(await keys(here)).toEqual(['bob']);
    await startNode(bus);
    await until('the leave of Ada', () => here.recorded.includes('leave red ada'));
    expect(here.recorded).toHaveLength(3);
  });

  it('follows a client that changes its key, and removes an untracked one', async () => {
    const { nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    const { socket } = await joinRed(here, 'ada', 'away');
    here.server.presence.track(socket, 'ada', 'here');
    expect(await there.server.presence.list('red')).toEqual([{ key: 'ada', metas: ['here'] }]);
    here.server.presence.track(socket, 'lovelace');
    expect(await keys(there)).toEqual(['lovelace']);
    here.server.presence.untrack(socket);
    expect(await keys(there)).toEqual([]);
    await expectRecorded(nodes, ['join red ada', 'leave red ada', 'join red lovelace', 'leave red lovelace']);
  });

  it('emits an update for a new meta of any connection on every node, and for nothing else', async () => {
    const { nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    const updates: unknown[][] = [[], []];
    nodes.forEach(({ server }, index) =>
      server.presence.on('update', (event) => updates[index]!.push(event)),
    );
    const { socket } = await joinRed(here, 'ada', { status: 'here' });
    await joinRed(there, 'ada', { status: 'phone' });
    await socket.join('blue');
    const { presence } = here.server;
    presence.track(socket, 'ada', { status: 'here' });
    presence.track(socket, 'ada', { status: 'away' });
    await until('the updates', () => updates.every((recorded) => recorded.length === 2));
    const update = (room: string): object => ({ room, key: 'ada', meta: { status: 'away' } });
    for (const recorded of updates)
      expect(recorded).toEqual(expect.arrayContaining([update('red'), update('blue')]));
    expect(new Set((await there.server.presence.list('red'))[0]!.metas)).toEqual(
      new Set([{ status: 'away' }, { status: 'phone' }]),
    );
    for (const { recorded } of nodes)
      expect(recorded.filter((line) => line.includes('red'))).toEqual(['join red ada']);
  });

  it('uses the user that the guards set, and throws without one', async () => {
    const { nodes } = await startNodes(1);
    const [here] = nodes as [Node];
    const [{ socket }] = (await here.join(1)) as [Pair];
    expect(() => here.server.presence.track(socket)).toThrow(
      coded('ERR_ENVELOPE_NO_USER', 'the client has no user'),
    );
    socket.user = { sub: 42 };
    here.server.presence.track(socket);
    await socket.join('red');
    expect(await keys(here)).toEqual(['42']);
  });

  it('rejects in time with the known members when a node does not answer', async () => {
    const { bus, nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    await joinRed(here, 'ada');
    await joinRed(there, 'bob');
    // like the option of this name of Socket.IO's adapters
    Object.assign(here.server.adapter, { requestsTimeout: 300 });
    bus.stall();
    await expect(here.server.presence.list('red')).rejects.toMatchObject({ responses: [{ key: 'ada' }] });
    bus.resume();
  });

  it('ignores a disconnected client, and refuses one that is not connected yet', async () => {
    const here = await startBareApp();
    const { presence } = here.server;
    const [{ client, socket }] = (await here.join(1)) as [Pair];
    client.close();
    await until('the disconnect', () => socket.disconnected);
    // Like a handler that awaited its database.
    presence.track(socket, 'ada');
    const early: unknown[] = [];
    here.server.use((connecting, next) => {
      try {
        presence.track(connecting, 'bob');
      } catch (error) {
        early.push(error);
      }
      next(new Error('refused'));
    });
    const bob = await here.app.connect('/ws');
    await bob.ended();
    expect(early).toEqual([coded('ERR_ENVELOPE_NOT_CONNECTED', 'not connected yet')]);
    expect((Reflect.get(presence, 'tracked') as Map<string, unknown>).size).toBe(0);
  });

  it('repairs messages that the broker lost within seconds', async () => {
    const { bus, nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    bus.loses = (text) => text.includes('$presence:told');
    await joinRed(here, 'ada');
    await expectRecorded([here], ['join red ada']);
    await until('the join on the other node', () => there.recorded.length > 0);
    expect(there.recorded).toEqual(['join red ada']);
  });

  it('works without a cluster', async () => {
    const here = await startBareApp();
    const recorded: string[] = [];
    here.server.presence.on('leave', ({ key }) => recorded.push(key));
    const ada = await joinRed(here, 'ada');
    expect(await keys(here)).toEqual(['ada']);
    ada.client.close();
    await until('the leave of Ada', () => recorded.length > 0);
    expect(await keys(here)).toEqual([]);
  });
});
