import { RemoteSocket } from '../../lib/index.js';
import { Bus } from '../support/bus.js';
import { answer, got, startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';
import { coded } from '../support/error-code.js';

/** In milliseconds. `ClusterAdapter` keeps the timer of a request after the answers; a short one releases the process early. */
const TIMEOUT = 1_500;

/** Starts two applications on two ports, joined by an asynchronous adapter, with two clients each. */
async function startCluster() {
  const bus = new Bus();
  const nodes = [await startBareApp({ adapter: bus.adapter }), await startBareApp({ adapter: bus.adapter })];
  const [here, there] = nodes as [BareApp, BareApp];
  const [ada, bob] = (await here.join(2)) as [Pair, Pair];
  const [eve, dan] = (await there.join(2)) as [Pair, Pair];
  const all = [ada, bob, eve, dan];
  /** Returns the names of the events that each client received before a final event from each node. */
  const names = async (): Promise<string[][]> => {
    here.server.emit('end');
    there.server.emit('end');
    for (const { client } of all) {
      await client.next('end');
      await client.next('end');
    }
    const lists = await Promise.all(all.map(({ client }) => got(client)));
    return lists.map((list) => list.map(([event]) => event).filter((event) => event !== 'end'));
  };
  /** Waits until a message on the bus has taken effect. */
  const delivered = (what: string, condition: () => boolean): Promise<void> => until(what, condition);
  return { bus, here, there, ada, bob, eve, dan, names, delivered };
}

const ids = (found: { id: string }[]): Set<string> => new Set(found.map(({ id }) => id));
const idsOf = (...pairs: Pair[]): Set<string> => new Set(pairs.map(({ socket }) => socket.id));

describe('an asynchronous adapter of the contract on two nodes', () => {
  it('delivers an emit to all, to rooms, to all but a room, and to one socket id, once to each client', async () => {
    const { here, there, ada, bob, eve, dan, names } = await startCluster();
    await ada.socket.join(['red', 'blue']);
    await eve.socket.join(['red', 'blue']);
    here.server.emit('all', { from: 'here' });
    there.server.to('red').emit('red');
    here.server.to(['red', 'blue']).emit('union');
    here.server.except('red').emit('not red');
    here.server.to('red').except(eve.socket.id).emit('red but eve');
    here.server.to(dan.socket.id).emit('dan only');
    ada.socket.broadcast.emit('not ada');
    ada.socket.to('red').emit('red but ada');
    const [toAda, toBob, toEve, toDan] = await names();
    // Messages of two nodes may arrive in any order.
    expect(toAda!.sort()).toEqual(['all', 'red', 'red but eve', 'union']);
    expect(toBob!.sort()).toEqual(['all', 'not ada', 'not red']);
    expect(toEve!.sort()).toEqual(['all', 'not ada', 'red', 'red but ada', 'union']);
    expect(toDan!.sort()).toEqual(['all', 'dan only', 'not ada', 'not red']);
    expect(await got(dan.client)).toContainEqual(['all', { from: 'here' }]);
    expect(bob.socket.rooms).toEqual(new Set([bob.socket.id]));
  });

  it('keeps the order of the messages of one node', async () => {
    const { here, eve, ada, names } = await startCluster();
    await eve.socket.join('red');
    await ada.socket.join('red');
    const sent: string[] = [];
    for (let i = 0; i < 30; i++) {
      sent.push(`e${i}`);
      if (i % 2 === 0) here.server.emit(`e${i}`);
      else here.server.to('red').emit(`e${i}`);
    }
    const [toAda, , toEve] = await names();
    expect(toAda).toEqual(sent);
    expect(toEve).toEqual(sent);
  });

  it('keeps a local emit on its node', async () => {
    const { bus, here, ada, bob, names } = await startCluster();
    here.server.local.emit('local');
    ada.socket.local.emit('local of ada');
    expect(ids(await here.server.local.fetchSockets())).toEqual(idsOf(ada, bob));
    const counted = here.server.local.timeout(TIMEOUT).emitWithAck('q');
    await Promise.all([answer(ada.client, 'q', 1), answer(bob.client, 'q', 2)]);
    expect(new Set(await counted)).toEqual(new Set([1, 2]));
    expect(bus.published).toBe(0);
    expect(await names()).toEqual([['local', 'q'], ['local', 'local of ada', 'q'], [], []]);
  });

  it('gathers the acknowledgements of all nodes, of none, and those before a timeout', async () => {
    const { here, ada, bob, eve, dan } = await startCluster();
    const all = here.server.timeout(TIMEOUT).emitWithAck('q', 'all');
    await Promise.all([ada, bob, eve, dan].map(({ client }, index) => answer(client, 'q', index)));
    expect(new Set(await all)).toEqual(new Set([0, 1, 2, 3]));

    await eve.socket.join('red');
    const remote = here.server.to('red').timeout(TIMEOUT).emitWithAck('q', 'red');
    await answer(eve.client, 'q', 'eve');
    expect(await remote).toEqual(['eve']);
    expect(await here.server.to('nowhere').timeout(TIMEOUT).emitWithAck('q')).toEqual([]);

    await bob.socket.join('red');
    const partial = here.server.to('red').timeout(TIMEOUT).emitWithAck('q', 'partial');
    await answer(eve.client, 'q', 'eve again');
    await expect(partial).rejects.toMatchObject({ responses: ['eve again'] });
  });

  it('finds sockets of both nodes in fetchSockets, with id, rooms, data and handshake', async () => {
    const { here, ada, bob, eve, dan } = await startCluster();
    eve.socket.data = { name: 'Eve' };
    await eve.socket.join('red');
    await ada.socket.join('red');
    expect(ids(await here.server.fetchSockets())).toEqual(idsOf(ada, bob, eve, dan));
    expect(ids(await here.server.in('red').fetchSockets())).toEqual(idsOf(ada, eve));
    expect(ids(await here.server.except('red').fetchSockets())).toEqual(idsOf(bob, dan));
    const [found, ...others] = await here.server.in(eve.socket.id).fetchSockets();
    expect(others).toEqual([]);
    expect(found).toBeInstanceOf(RemoteSocket);
    expect(found!.rooms).toEqual(new Set([eve.socket.id, 'red']));
    expect(found!.data).toEqual({ name: 'Eve' });
    expect(found!.handshake).toEqual(JSON.parse(JSON.stringify(eve.socket.handshake)));
  });

  it('emits to, moves between rooms, and disconnects a socket of the other node', async () => {
    const { here, eve, ada, names, delivered } = await startCluster();
    const [remote] = await here.server.in(eve.socket.id).fetchSockets();
    remote!.emit('hello', 1, 2);
    remote!.join(['a', 'b']);
    remote!.leave('a');
    await delivered('leaving a', () => eve.socket.rooms.has('b') && !eve.socket.rooms.has('a'));
    expect((await names()).map((list) => list.length)).toEqual([0, 0, 1, 0]);
    expect((await got(eve.client))[0]).toEqual(['hello', [1, 2]]);
    remote!.emit('bye', 'eve');
    remote!.disconnect(true);
    expect((await eve.client.ended()).code).toBe(1000);
    expect(eve.client.frames.at(-1)).toEqual({ event: 'bye', data: 'eve' });
    expect(ids(await here.server.in([eve.socket.id, ada.socket.id]).fetchSockets())).toEqual(idsOf(ada));
  });

  it('resolves a request to one socket with one value, from either node', async () => {
    const { here, eve, ada } = await startCluster();
    for (const { client, socket } of [ada, eve]) {
      const [found] = await here.server.in(socket.id).fetchSockets();
      const promised = found!.timeout(TIMEOUT).emitWithAck('q', 'a', 'b');
      expect((await answer(client, 'q', { one: 1 })).data).toEqual(['a', 'b']);
      expect(await promised).toEqual({ one: 1 });
      await expect(found!.timeout(50).emitWithAck('q')).rejects.toThrow(
        coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'),
      );
    }
  });

  it('applies socketsJoin and socketsLeave on both nodes, for all, by room and by id', async () => {
    const { here, ada, bob, eve, dan, delivered } = await startCluster();
    here.server.socketsJoin(['all', 'red']);
    here.server.in(dan.socket.id).socketsJoin('dan');
    here.server.in('dan').socketsLeave('red');
    await delivered('dan leaving red', () => dan.socket.rooms.has('dan') && !dan.socket.rooms.has('red'));
    for (const { socket } of [ada, bob, eve])
      expect(socket.rooms).toEqual(new Set([socket.id, 'all', 'red']));
    expect(dan.socket.rooms).toEqual(new Set([dan.socket.id, 'all', 'dan']));
    here.server.socketsLeave('all');
    await delivered('all leaving', () =>
      [ada, bob, eve, dan].every(({ socket }) => !socket.rooms.has('all')),
    );
    expect(eve.socket.rooms).toEqual(new Set([eve.socket.id, 'red']));
  });

  it('applies disconnectSockets on both nodes and delivers an emit sent just before', async () => {
    const { here, there, ada, bob, eve, dan } = await startCluster();
    await ada.socket.join('red');
    await eve.socket.join('red');
    there.server.to('red').emit('bye', 'red');
    there.server.in('red').disconnectSockets(true);
    for (const { client } of [ada, eve]) {
      expect((await client.ended()).code).toBe(1000);
      expect(client.frames.at(-1)).toEqual({ event: 'bye', data: 'red' });
    }
    expect(ids(await here.server.fetchSockets())).toEqual(idsOf(bob, dan));
    here.server.disconnectSockets();
    for (const { client } of [bob, dan]) await client.ended();
    await until('handleDisconnect', () => there.gateway.disconnected.length === 2);
    expect(there.gateway.disconnected.map(([, reason]) => reason)).toEqual(
      Array(2).fill('server namespace disconnect'),
    );
  });

  it('delivers serverSideEmit to the other node only and gathers its answers', async () => {
    const { here, there, names } = await startCluster();
    const received: unknown[][] = [];
    here.server.on('news', (...args) => received.push(['here', ...args]));
    there.server.on('news', (...args) => received.push(['there', ...args]));
    expect(here.server.serverSideEmit('news', 1, { two: 2 })).toBe(true);
    await until('the news', () => received.length > 0);
    there.server.on('sum', (a: number, b: number, callback: (sum: number) => void) => {
      callback(a + b);
      callback(0);
    });
    here.server.on('sum', () => received.push(['the sender received its own event']));
    expect(await here.server.serverSideEmitWithAck('sum', 1, 2)).toEqual([3]);
    const called = new Promise((resolve) => {
      here.server.serverSideEmit('sum', 3, 4, (...args: unknown[]) => resolve(args));
    });
    expect(await called).toEqual([null, [7]]);
    expect(received).toEqual([['there', 1, { two: 2 }]]);
    for (const name of ['connect', 'connection', 'new_namespace']) {
      expect(() => here.server.serverSideEmit(name)).toThrow(`"${name}" is a reserved event name`);
    }
    // Clients do not receive server-side events.
    expect(await names()).toEqual([[], [], [], []]);
  });

  it('does not wait for a node that has left the cluster', async () => {
    const { bus, here, there, ada, bob } = await startCluster();
    await there.app.nest.close();
    expect(bus.of('/ws')).toHaveLength(1);
    expect(ids(await here.server.fetchSockets())).toEqual(idsOf(ada, bob));
    expect(await here.server.serverSideEmitWithAck('no other node')).toEqual([]);
    const asked = here.server.timeout(TIMEOUT).emitWithAck('q');
    await Promise.all([answer(ada.client, 'q', 1), answer(bob.client, 'q', 2)]);
    expect(new Set(await asked)).toEqual(new Set([1, 2]));
  });
});
