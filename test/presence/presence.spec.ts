import type { PresenceEvent } from '../../lib/index.js';
import { Bus } from '../support/bus.js';
import { joinOne, startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';
import { eventually } from '../cluster/faults/eventually.js';
import { coded } from '../support/error-code.js';

/** Nodes on one bus, each of which writes down what it hears of the room `red`. */
type Node = BareApp & { heard: string[] };

async function startNodes(count: number) {
  const bus = new Bus();
  const nodes: Node[] = [];
  while (nodes.length < count) nodes.push(await listening(bus));
  return { bus, nodes };
}

async function listening(bus: Bus): Promise<Node> {
  const node = await startBareApp({ adapter: bus.adapter });
  const heard: string[] = [];
  const note =
    (what: string) =>
    ({ room, key }: PresenceEvent): void =>
      void heard.push(`${what} ${room} ${key}`);
  node.server.presence.on('join', note('join')).on('leave', note('leave'));
  return Object.assign(node, { heard });
}

async function enter(node: BareApp, key: string, meta?: unknown): Promise<Pair> {
  const pair = await joinOne(node.app, node.server);
  node.server.presence.track(pair.socket, key, meta);
  await pair.socket.join('red');
  return pair;
}

const keys = async (node: BareApp, room = 'red'): Promise<string[]> =>
  (await node.server.presence.list(room)).map(({ key }) => key).sort();

/** All nodes have heard that much, and nothing else. */
async function allHear(nodes: readonly { heard: string[] }[], lines: string[]): Promise<void> {
  await until(lines.join(), () => nodes.every(({ heard }) => heard.length >= lines.length));
  for (const { heard } of nodes) expect([...heard].sort()).toEqual([...lines].sort());
}

describe('presence', () => {
  it('lists who is in a room, on all nodes, with the tabs of one user as one', async () => {
    const { nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    await enter(here, 'ada', { device: 'phone' });
    await enter(here, 'ada', { device: 'desk' });
    await enter(there, 'ada', { device: 'watch' });
    await enter(there, 'bob');
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

  it('tells every node once when the first tab comes and the last one goes', async () => {
    const { nodes } = await startNodes(3);
    const [a, b] = nodes as [Node, Node];
    const phone = await enter(a, 'ada');
    await allHear(nodes, ['join red ada']);
    const desk = await enter(b, 'ada');
    const tab = await enter(b, 'ada');
    await enter(b, 'bob');
    await allHear(nodes, ['join red ada', 'join red bob']);
    phone.client.close();
    await tab.socket.leave('red');
    await enter(a, 'carl');
    await allHear(nodes, ['join red ada', 'join red bob', 'join red carl']);
    desk.client.close();
    await allHear(nodes, ['join red ada', 'join red bob', 'join red carl', 'leave red ada']);
    expect(await keys(a)).toEqual(['bob', 'carl']);
  });

  it('tells who comes later what was before', async () => {
    const { bus, nodes } = await startNodes(1);
    const ada = await enter(nodes[0]!, 'ada');
    const late = await listening(bus);
    await allHear([late], ['join red ada']);
    ada.client.close();
    await allHear([late], ['join red ada', 'leave red ada']);
  });

  it('forgets those of a node that is gone, when the next one comes', async () => {
    const { bus, nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    await enter(there, 'ada');
    await enter(there, 'bob');
    await enter(here, 'bob');
    await allHear(nodes, ['join red ada', 'join red bob']);
    // without a word
    for (const member of bus.of('/ws')) if (member.nsp === (there.server as unknown)) bus.leave(member);
    expect(await keys(here)).toEqual(['bob']);
    await listening(bus);
    await until('ada has gone', () => here.heard.includes('leave red ada'));
    expect(here.heard).toHaveLength(3);
  });

  it('follows a client that says something else, and forgets one that is not to be seen', async () => {
    const { nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    const { socket } = await enter(here, 'ada', 'away');
    here.server.presence.track(socket, 'ada', 'here');
    expect(await there.server.presence.list('red')).toEqual([{ key: 'ada', metas: ['here'] }]);
    here.server.presence.track(socket, 'lovelace');
    expect(await keys(there)).toEqual(['lovelace']);
    here.server.presence.untrack(socket);
    expect(await keys(there)).toEqual([]);
    await allHear(nodes, ['join red ada', 'leave red ada', 'join red lovelace', 'leave red lovelace']);
  });

  it('tells every node of another meta, of each connection, and of nothing else', async () => {
    const { nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    const updates: unknown[][] = [[], []];
    nodes.forEach(({ server }, index) =>
      server.presence.on('update', (event) => updates[index]!.push(event)),
    );
    const { socket } = await enter(here, 'ada', { status: 'here' });
    await enter(there, 'ada', { status: 'phone' });
    await socket.join('blue');
    const { presence } = here.server;
    presence.track(socket, 'ada', { status: 'here' });
    presence.track(socket, 'ada', { status: 'away' });
    await until('the updates', () => updates.every((heard) => heard.length === 2));
    const update = (room: string): object => ({ room, key: 'ada', meta: { status: 'away' } });
    for (const heard of updates)
      expect(heard).toEqual(expect.arrayContaining([update('red'), update('blue')]));
    expect(new Set((await there.server.presence.list('red'))[0]!.metas)).toEqual(
      new Set([{ status: 'away' }, { status: 'phone' }]),
    );
    for (const { heard } of nodes)
      expect(heard.filter((line) => line.includes('red'))).toEqual(['join red ada']);
  });

  it('takes the user that the guards established, and says so where there is none', async () => {
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

  it('ends in time where a node does not answer, with those that are known of', async () => {
    const { bus, nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    await enter(here, 'ada');
    await enter(there, 'bob');
    bus.stall();
    await expect(here.server.presence.list('red')).rejects.toMatchObject({ responses: [{ key: 'ada' }] });
    bus.resume();
  }, 20_000);

  it('keeps nothing of a client that has gone already, and takes none that is not there yet', async () => {
    const here = await startBareApp();
    const { presence } = here.server;
    const [{ client, socket }] = (await here.join(1)) as [Pair];
    client.close();
    await until('its end', () => socket.disconnected);
    // as of a handler that awaited its database
    presence.track(socket, 'ada');
    const early: unknown[] = [];
    here.server.use((arriving, next) => {
      try {
        presence.track(arriving, 'bob');
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

  it('finds out within seconds what a broker has lost', async () => {
    const { bus, nodes } = await startNodes(2);
    const [here, there] = nodes as [Node, Node];
    bus.loses = (text) => text.includes('$presence:told');
    await enter(here, 'ada');
    await allHear([here], ['join red ada']);
    await eventually('it is known there, too', () => there.heard.length > 0);
    expect(there.heard).toEqual(['join red ada']);
  }, 30_000);

  it('needs no cluster', async () => {
    const here = await startBareApp();
    const heard: string[] = [];
    here.server.presence.on('leave', ({ key }) => heard.push(key));
    const ada = await enter(here, 'ada');
    expect(await keys(here)).toEqual(['ada']);
    ada.client.close();
    await until('ada has gone', () => heard.length > 0);
    expect(await keys(here)).toEqual([]);
  });
});
