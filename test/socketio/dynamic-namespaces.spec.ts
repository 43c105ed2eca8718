import { Adapter } from 'socket.io-adapter';
import type { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { until } from '../support/wait.js';
import { connectPair, received, startServers, tryUpgrade } from './fixture.js';

/** Returns an adapter class and the names of the namespaces whose adapters were closed. */
function recordingAdapter(): { adapter: new (nsp: unknown) => Adapter; closed: string[] } {
  const closed: string[] = [];
  class RecordingAdapter extends Adapter {
    override close(): void {
      closed.push((this.nsp as EnvelopeServer).name);
    }
  }
  return { adapter: RecordingAdapter, closed };
}

const ROOM = /^\/room-\d+$/;

describe('dynamic namespaces', () => {
  it('emits "new_namespace" for each child of a RegExp namespace before a client is in it', async () => {
    const { app, servers } = await startServers([{ path: '/ws', namespace: ROOM }]);
    const parent = servers[0]!;
    const created: [EnvelopeServer, string, number][] = [];
    parent.on('new_namespace', (child) => created.push([child, child.name, child.sockets.size]));
    const one = await connectPair(app, parent, '/ws/room-1');
    const two = await connectPair(app, parent, '/ws/room-2');
    await connectPair(app, parent, '/ws/room-1');
    expect(created).toEqual([
      [one.socket.nsp, '/ws/room-1', 0],
      [two.socket.nsp, '/ws/room-2', 0],
    ]);
  });

  it('emits "new_namespace" when a new path gets its server', async () => {
    const { servers } = await startServers([{}]);
    const created: EnvelopeServer[] = [];
    servers[0]!.on('new_namespace', (made) => created.push(made));
    const made = servers[0]!.of('/made');
    servers[0]!.of('/made');
    expect(created).toEqual([made]);
  });

  it('creates one namespace for each name that matches of(RegExp)', async () => {
    const { app, servers } = await startServers([{}]);
    const parent = servers[0]!.of(ROOM);
    const connected: EnvelopeSocket[] = [];
    parent.on('connection', (socket) => connected.push(socket));
    const [one, two] = [await connectPair(app, parent, '/room-1'), await connectPair(app, parent, '/room-2')];
    expect(connected).toEqual([one.socket, two.socket]);
    expect([one.socket.nsp.name, two.socket.nsp.name]).toEqual(['/room-1', '/room-2']);
    expect(servers[0]!.of('/room-1')).toBe(one.socket.nsp);
    expect(servers[0]!.of('/room-2')).toBe(two.socket.nsp);
    expect(servers[0]!.of(ROOM)).toBe(parent);

    one.socket.nsp.emit('to one');
    expect(await received(one.client, 'to one')).toHaveLength(1);
    expect(await received(two.client, 'to one')).toEqual([]);
  });

  it('broadcasts from the parent to all its children and their rooms, and to no other namespace', async () => {
    const { app, servers } = await startServers([{ namespace: ROOM }, { namespace: 'other' }]);
    const [parent, other] = servers as [EnvelopeServer, EnvelopeServer];
    const [one, two] = [await connectPair(app, parent, '/room-1'), await connectPair(app, parent, '/room-2')];
    const three = await connectPair(app, parent, '/room-2');
    const outside = await connectPair(app, other);
    await one.socket.join('red');
    await two.socket.join('red');
    await outside.socket.join('red');
    parent.emit('to all', 1, 'x');
    parent.to('red').emit('to red');
    parent.except('red').emit('not red');
    parent.to('red').except(one.socket.id).emit('red but one');
    const got = async (event: string): Promise<number[]> => {
      const clients = [one.client, two.client, three.client, outside.client];
      return (await Promise.all(clients.map((client) => received(client, event)))).map(
        ({ length }) => length,
      );
    };
    expect(await got('to all')).toEqual([1, 1, 1, 0]);
    expect(await got('to red')).toEqual([1, 1, 0, 0]);
    expect(await got('not red')).toEqual([0, 0, 1, 0]);
    expect(await got('red but one')).toEqual([0, 1, 0, 0]);
    expect((await one.client.next('to all')).data).toEqual([1, 'x']);
    expect(await parent.fetchSockets()).toEqual([one.socket, two.socket, three.socket]);
    parent.in('red').socketsJoin('blue');
    expect(two.socket.rooms.has('blue')).toBe(true);
    expect(three.socket.rooms.has('blue')).toBe(false);
  });

  it('applies the middlewares and listeners of the parent to each child', async () => {
    const { app, servers } = await startServers([{ namespace: ROOM }]);
    const parent = servers[0]!;
    const asked: string[] = [];
    parent.use((socket, next) => {
      asked.push(socket.nsp.name);
      next();
    });
    parent.on('new_namespace', (child) =>
      child.use((socket, next) => {
        asked.push(`own ${socket.nsp.name}`);
        next();
      }),
    );
    await connectPair(app, parent, '/room-1');
    await connectPair(app, parent, '/room-2');
    expect(asked).toEqual(['/room-1', 'own /room-1', '/room-2', 'own /room-2']);
  });

  it('refuses a name that matches no rule and creates no namespace', async () => {
    const { app, servers } = await startServers([{ path: '/ws', namespace: ROOM }]);
    const created: unknown[] = [];
    servers[0]!.on('new_namespace', (child) => created.push(child));
    for (const path of ['/ws/room-x', '/ws/room-1/more', '/room-1', '/ws', '/ws/', '/wsroom-1', '/']) {
      const { status, body } = await tryUpgrade(app, path);
      expect([path, status]).toEqual([path, 404]);
      expect(JSON.parse(body)).toMatchObject({ statusCode: 404, error: 'Not Found' });
    }
    expect(created).toEqual([]);
  });

  it('gives clients that connect at the same time to a new namespace the same child', async () => {
    const { app, servers } = await startServers([{ namespace: ROOM }]);
    const [created, sockets]: [unknown[], EnvelopeSocket[]] = [[], []];
    servers[0]!.on('new_namespace', (child) => created.push(child));
    servers[0]!.on('connection', (socket) => sockets.push(socket));
    const clients = await Promise.all(Array.from({ length: 5 }, () => app.connect('/room-9')));
    await Promise.all(clients.map((client) => client.settled()));
    expect(created).toHaveLength(1);
    expect(sockets.map(({ nsp }) => nsp)).toEqual(Array(5).fill(created[0]));
    (created[0] as EnvelopeServer).emit('hello');
    for (const client of clients) await client.next('hello');
  });

  // Socket.IO keeps children unless cleanupEmptyChildNamespaces is on. Clients choose the names, so here empty children are
  // always removed.
  it('removes a child and closes its adapter after its last client, and creates it again on demand', async () => {
    const { adapter, closed } = recordingAdapter();
    const { app, servers } = await startServers([{ namespace: ROOM, adapter }]);
    const parent = servers[0]!;
    const created: unknown[] = [];
    parent.on('new_namespace', (child) => created.push(child));
    const [ada, bob] = [await connectPair(app, parent, '/room-1'), await connectPair(app, parent, '/room-1')];
    const cleo = await connectPair(app, parent, '/room-2');
    ada.client.close();
    await ada.client.ended();
    await until(
      'one client has disconnected',
      () => created.length === 2 && (created[0] as EnvelopeServer).sockets.size === 1,
    );
    expect(parent.of('/room-1')).toBe(bob.socket.nsp);
    expect(closed).toEqual([]);

    bob.client.ws.terminate();
    await until('the adapter is closed', () => closed.length > 0);
    expect(closed).toEqual(['/room-1']);

    const again = await connectPair(app, parent, '/room-1');
    expect(again.socket.nsp).not.toBe(bob.socket.nsp);
    expect(created).toEqual([ada.socket.nsp, cleo.socket.nsp, again.socket.nsp]);
    parent.emit('to all');
    await again.client.next('to all');
    await cleo.client.next('to all');
  });

  it('removes a child after a middleware refused its only client', async () => {
    const { adapter, closed } = recordingAdapter();
    const { app, servers } = await startServers([{ namespace: ROOM, adapter }]);
    servers[0]!.use((socket, next) =>
      next(socket.handshake.query['key'] === '1' ? undefined : new Error('no key')),
    );
    const refused = await app.connect('/room-1');
    expect(await refused.ended()).toEqual({ code: 1008, reason: 'no key' });
    await until('the adapter is closed', () => closed.length > 0);
    expect(closed).toEqual(['/room-1']);

    // The child stays while another client is in it.
    const { client } = await connectPair(app, servers[0]!, '/room-1?key=1');
    await (await app.connect('/room-1')).ended();
    await client.settled();
    expect(closed).toEqual(['/room-1']);
  });

  it('never removes a static namespace', async () => {
    const { adapter, closed } = recordingAdapter();
    const { app, servers } = await startServers([{ namespace: 'chat', adapter }]);
    const chat = servers[0]!;
    const { client } = await connectPair(app, chat);
    client.close();
    await until('the client has disconnected', () => chat.sockets.size === 0);
    expect(chat.of('/chat')).toBe(chat);
    const again = await connectPair(app, chat);
    expect(again.socket.nsp).toBe(chat);
    expect(closed).toEqual([]);
  });

  it('attaches a child that was created by name to the parent that matches', async () => {
    const { app, servers } = await startServers([{ path: '/ws', namespace: ROOM }, {}]);
    const [parent, main] = servers as [EnvelopeServer, EnvelopeServer];
    const [created, connected]: [unknown[], unknown[]] = [[], []];
    parent.on('new_namespace', (child) => created.push(child));
    const child = main.of('/ws/room-7', (socket) => connected.push(socket));
    expect(created).toEqual([child]);
    expect(child.sockets.size).toBe(0);

    // The "connection" listeners of the parent and of the child both run.
    const { client, socket } = await connectPair(app, parent, '/ws/room-7');
    expect(socket.nsp).toBe(child);
    expect(connected).toEqual([socket]);
    parent.emit('from the parent');
    await client.next('from the parent');
    child.emit('from the child');
    await client.next('from the child');
    expect(created).toEqual([child]);
  });
});
