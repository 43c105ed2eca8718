import { inspect } from 'node:util';
import { Adapter, type BroadcastOptions } from 'socket.io-adapter';
import { RemoteSocket } from '../../lib/index.js';
import { answer, got, startBareApp, type Pair } from '../support/bare-gateway.js';

const ids = (found: { id: string }[]): Set<string> => new Set(found.map(({ id }) => id));
const idsOf = (...pairs: (Pair | undefined)[]): Set<string> => new Set(pairs.map((pair) => pair!.socket.id));

/** A remote socket as returned by adapters that keep sockets on other nodes. */
const REMOTE = {
  id: '42',
  handshake: { headers: { 'user-agent': 'test' }, query: {}, auth: { token: 'x' } },
  rooms: ['42', 'room1'],
  data: { username: 'john' },
};

/** An adapter with one remote socket. It implements only what the contract requires. */
class RemoteAdapter extends Adapter {
  readonly calls: unknown[][] = [];

  private record(what: string, options: BroadcastOptions, ...rest: unknown[]): void {
    this.calls.push([what, [...options.rooms], ...rest]);
  }
  override fetchSockets(): Promise<unknown[]> {
    return Promise.resolve([REMOTE]);
  }
  override broadcast(packet: { data: unknown[] }, options: BroadcastOptions): void {
    this.record('broadcast', options, packet.data);
  }
  override addSockets(options: BroadcastOptions, rooms: string[]): void {
    this.record('addSockets', options, rooms);
  }
  override delSockets(options: BroadcastOptions, rooms: string[]): void {
    this.record('delSockets', options, rooms);
  }
  override disconnectSockets(options: BroadcastOptions, close: boolean): void {
    this.record('disconnectSockets', options, close);
  }
  override broadcastWithAck(
    packet: { data: unknown[] },
    options: BroadcastOptions,
    counted: (clients: number) => void,
    ack: (answer: unknown) => void,
  ): void {
    this.record('broadcastWithAck', options, packet.data);
    counted(1);
    ack('from remote');
  }
}

describe('utility methods of Socket.IO', () => {
  it('returns all sockets or those of a room from fetchSockets, with id, rooms, data and handshake', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob] = await join(2, '?color=red');
    await ada!.socket.join('a');
    ada!.socket.data.name = 'Ada';
    expect(ids(await server.fetchSockets())).toEqual(idsOf(ada, bob));
    expect(ids(await server.sockets.fetchSockets())).toEqual(idsOf(ada, bob));
    expect(ids(await server.except('a').fetchSockets())).toEqual(idsOf(bob));
    expect(ids(await ada!.socket.broadcast.fetchSockets())).toEqual(idsOf(bob));
    expect(await server.in('nowhere').fetchSockets()).toEqual([]);
    const [found, ...others] = await server.in('a').fetchSockets();
    expect(others).toEqual([]);
    expect(found!.id).toBe(ada!.socket.id);
    expect(found!.rooms).toEqual(new Set([ada!.socket.id, 'a']));
    expect(found!.data).toEqual({ name: 'Ada' });
    expect(found!.handshake).toMatchObject({ url: '/ws?color=red', query: { color: 'red' }, auth: {} });
  });

  it('supports fetchSockets with an adapter that implements only the contract', async () => {
    const { server } = await startBareApp({ adapter: RemoteAdapter });
    const adapter = server.adapter as RemoteAdapter;
    const [socket] = await server.fetchSockets();
    expect(socket).toBeInstanceOf(RemoteSocket);
    expect(socket!.id).toBe('42');
    expect(socket!.rooms).toEqual(new Set(['42', 'room1']));
    expect(socket!.data).toEqual({ username: 'john' });
    expect(socket!.handshake).toEqual(REMOTE.handshake);

    socket!.emit('hello', 1, 2);
    socket!.join(['a', 'b']);
    socket!.leave('a');
    socket!.disconnect(true);
    expect(await socket!.timeout(5_000).emitWithAck('q')).toBe('from remote');
    expect(adapter.calls).toEqual([
      ['broadcast', ['42'], ['hello', 1, 2]],
      ['addSockets', ['42'], ['a', 'b']],
      ['delSockets', ['42'], ['a']],
      ['disconnectSockets', ['42'], true],
      ['broadcastWithAck', ['42'], ['q']],
    ]);
  });

  it('shows only the id of a remote socket in JSON and in the console', async () => {
    const { server } = await startBareApp({ adapter: RemoteAdapter });
    const sockets = await server.fetchSockets();
    expect(JSON.parse(JSON.stringify(sockets))).toEqual([{ id: '42' }]);
    expect(inspect(sockets[0])).toBe("RemoteSocket { id: '42' }");
  });

  it('passes the same callback arguments for local and for remote sockets', async () => {
    const remote = (await (await startBareApp({ adapter: RemoteAdapter })).server.fetchSockets())[0]!;
    const { server, join } = await startBareApp();
    const [ada] = await join(1);
    const local = (await server.fetchSockets())[0]!;
    const ask = (socket: typeof local, timeout?: number) =>
      new Promise((resolve) => {
        const callback = (...args: unknown[]): void => resolve(args);
        if (timeout === undefined) socket.emit('q', callback);
        else socket.timeout(timeout).emit('q', callback);
      });
    expect(await ask(remote)).toEqual(['from remote']);
    expect(await ask(remote, 5_000)).toEqual([null, 'from remote']);
    const plain = ask(local);
    await answer(ada!.client, 'q', 'from local');
    expect(await plain).toEqual(['from local']);
    const timed = ask(local, 5_000);
    await answer(ada!.client, 'q', 'from local');
    expect(await timed).toEqual([null, 'from local']);
  });

  it('joins all sockets, those of a room, or one id to one or more rooms in socketsJoin', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob, eve] = await join(3);
    server.socketsJoin('all');
    server.in(ada!.socket.id).socketsJoin(['a', 'b']);
    server.in('a').socketsJoin('c');
    server.except('a').socketsJoin('not a');
    bob!.socket.broadcast.socketsJoin('not bob');
    expect(ada!.socket.rooms).toEqual(new Set([ada!.socket.id, 'all', 'a', 'b', 'c', 'not bob']));
    expect(bob!.socket.rooms).toEqual(new Set([bob!.socket.id, 'all', 'not a']));
    expect(eve!.socket.rooms).toEqual(new Set([eve!.socket.id, 'all', 'not a', 'not bob']));
  });

  it('removes all sockets, those of a room, or one id from one or more rooms in socketsLeave', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob, eve] = await join(3);
    server.socketsJoin(['a', 'b', 'c']);
    server.socketsLeave('a');
    expect(server.adapter.rooms.has('a')).toBe(false);
    server.in(ada!.socket.id).socketsLeave(['b', 'c']);
    server.in('b').socketsLeave('b');
    expect(ada!.socket.rooms).toEqual(new Set([ada!.socket.id]));
    for (const pair of [bob, eve]) expect(pair!.socket.rooms).toEqual(new Set([pair!.socket.id, 'c']));
  });

  it('disconnects a room, then all clients, in disconnectSockets and delivers an emit sent just before', async () => {
    const { server, gateway, join } = await startBareApp();
    const [ada, bob, eve] = await join(3);
    await ada!.socket.join('red');
    server.in('red').emit('bye', 'red');
    server.in('red').disconnectSockets(true);
    server.emit('those who are left');
    expect(await ada!.client.ended()).toEqual({ code: 1000, reason: '' });
    expect(ada!.client.frames.slice(1)).toEqual([{ event: 'bye', data: 'red' }]);
    expect(ids(await server.fetchSockets())).toEqual(idsOf(bob, eve));
    server.emit('bye', 'all');
    server.disconnectSockets();
    for (const { client } of [bob!, eve!]) {
      await client.ended();
      expect(client.frames.slice(1)).toEqual([
        { event: 'those who are left' },
        { event: 'bye', data: 'all' },
      ]);
    }
    expect(await server.fetchSockets()).toEqual([]);
    expect(gateway.disconnected.map(([, reason]) => reason)).toEqual(
      Array(3).fill('server namespace disconnect'),
    );
  });

  it('supports emit, join, leave and disconnect on a fetched socket', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob] = await join(2);
    const [fetched] = await server.in(ada!.socket.id).fetchSockets();
    fetched!.emit('hello', { a: 1 });
    fetched!.join(['red', 'blue']);
    fetched!.leave('blue');
    expect(await got(ada!.client)).toEqual([['hello', { a: 1 }]]);
    expect(await got(bob!.client)).toEqual([]);
    expect(ada!.socket.rooms).toEqual(new Set([ada!.socket.id, 'red']));
    const promised = fetched!.timeout(5_000).emitWithAck('q');
    await answer(ada!.client, 'q', 1);
    expect(await promised).toBe(1);
    fetched!.disconnect(true);
    expect((await ada!.client.ended()).code).toBe(1000);
    expect(ids(await server.fetchSockets())).toEqual(idsOf(bob));
  });

  it('keeps a local emit and a local fetchSockets on this node', async () => {
    const asked: unknown[] = [];
    class RecordingAdapter extends Adapter {
      override broadcast(packet: unknown, options: BroadcastOptions): void {
        asked.push(options.flags?.local);
        super.broadcast(packet, options);
      }
      override fetchSockets(options: BroadcastOptions): Promise<unknown[]> {
        asked.push(options.flags?.local);
        return super.fetchSockets(options);
      }
    }
    const { server, join } = await startBareApp({ adapter: RecordingAdapter });
    const [ada, bob] = await join(2);
    server.local.emit('a');
    ada!.socket.local.emit('b');
    server.to(bob!.socket.id).local.emit('c');
    expect(ids(await server.local.fetchSockets())).toEqual(idsOf(ada, bob));
    server.emit('d');
    expect(asked).toEqual([true, true, true, true, undefined]);
    expect((await got(bob!.client)).map(([event]) => event)).toEqual(['a', 'b', 'c', 'd']);
    expect((await got(ada!.client)).map(([event]) => event)).toEqual(['a', 'd']);
  });
});
