import type { MixedCases } from './cases.js';
import type { MixedCluster, NodeName } from './mixed-cluster.js';
import { until } from '../../support/wait.js';

/**
 * Resolves when a room has this many sockets. The classic Redis adapter changes the rooms of its own node by way of
 * Redis, too, and the sharded one subscribes to a room that gets its first member.
 */
async function count(cluster: MixedCluster, from: NodeName, room: string, sockets: number): Promise<void> {
  const target = cluster.node(from).server().in(room);
  await until(`${sockets} sockets in ${room}`, async () => (await target.fetchSockets()).length === sockets);
  await cluster.settled();
}

export const sockets: MixedCases = (cluster, from, to) => {
  it('fetches the sockets of both nodes, with rooms, data and handshake', async () => {
    const members = await cluster.joinBoth(['red']);
    await cluster.joinBoth(['blue']);
    const server = cluster.node(from).server();
    expect(await server.fetchSockets()).toHaveLength(4);
    const red = await server.in('red').fetchSockets();
    expect(red.map(({ id }) => id).sort()).toEqual(members.map(({ id }) => id).sort());
    for (const { id, rooms, data, handshake } of red) {
      expect(new Set(rooms)).toEqual(new Set([id, 'red']));
      expect(data).toEqual({ rooms: ['red'] });
      expect(handshake).toMatchObject({
        headers: { host: expect.stringMatching(/^127/) },
        address: expect.stringContaining('127.0.0.1'),
        auth: {},
        query: {},
        secure: false,
        issued: expect.any(Number),
        time: expect.any(String),
        url: expect.stringMatching(/^\//),
      });
    }
    expect(await server.in('red').local.fetchSockets()).toHaveLength(1);
    expect(await server.in('unknown').fetchSockets()).toEqual([]);
  });

  it('makes sockets of both nodes join and leave rooms', async () => {
    const members = await cluster.joinBoth(['red']);
    const others = await cluster.joinBoth();
    const all = [...members, ...others];
    const server = cluster.node(from).server();
    server.in('red').socketsJoin(['green', 'blue']);
    await count(cluster, from, 'green', 2);
    server.to('green').emit('green', 1);
    server.in('green').socketsLeave('blue');
    await count(cluster, from, 'blue', 0);
    server.to('blue').emit('blue', 2);
    server.in(others[0].id).socketsJoin('blue');
    server.in(others[1].id).socketsJoin('blue');
    await count(cluster, from, 'blue', 2);
    server.to('blue').emit('blue', 3);
    const [first, second, third, fourth] = await cluster.got(from, all);
    for (const events of [first, second]) expect(events).toEqual([['green', 1]]);
    for (const events of [third, fourth]) expect(events).toEqual([['blue', 3]]);
  });

  it('disconnects sockets of both nodes', async () => {
    const members = await cluster.joinBoth(['red']);
    const [theirs, ours] = await cluster.joinBoth();
    const server = cluster.node(from).server();
    server.to('red').emit('bye', 1);
    server.in('red').disconnectSockets();
    for (const member of members) {
      await member.ended();
      expect(member.events()).toEqual([['bye', 1]]);
    }
    server.in(theirs.id).disconnectSockets(true);
    server.in(ours.id).disconnectSockets(true);
    await Promise.all([theirs.ended(), ours.ended()]);
  });

  it('works with a socket of the other node as with its own', async () => {
    const [theirs, ours] = await cluster.joinBoth();
    const far = to === 'ours' ? ours : theirs;
    const server = cluster.node(from).server();
    const socket = (await server.fetchSockets()).find(({ id }) => id === far.id)!;
    far.answer('vote', (...args) => ['for', ...args]);
    socket.emit('greeting', 1, 'two');
    socket.join('red');
    await count(cluster, from, 'red', 1);
    server.to('red').emit('red', 2);
    socket.leave('red');
    server.to('red').emit('red', 3);
    expect(await cluster.got(from, [far])).toEqual([[far.view(['greeting', 1, 'two']), ['red', 2]]]);
    expect(await socket.timeout(60_000).emitWithAck('vote', 7)).toEqual(['for', 7]);
    socket.disconnect();
    await far.ended();
  });
};
