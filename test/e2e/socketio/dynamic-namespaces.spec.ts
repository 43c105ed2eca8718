import { Adapter } from 'socket.io-adapter';
import type { EnvelopeServer, EnvelopeSocket } from '../../../lib/index.js';
import { until } from '../../support/wait.js';
import { meet, received, serve, tryUpgrade } from './support.js';

/** An adapter that tells which namespaces' adapters were closed. */
function tellingAdapter(): { adapter: new (nsp: unknown) => Adapter; closed: string[] } {
  const closed: string[] = [];
  class TellingAdapter extends Adapter {
    override close(): void {
      closed.push((this.nsp as EnvelopeServer).name);
    }
  }
  return { adapter: TellingAdapter, closed };
}

const ROOM = /^\/room-\d+$/;

describe('dynamic namespaces', () => {
  it('18. the server of a RegExp namespace fires "new_namespace" for each child, before anybody is in it', async () => {
    const { app, servers } = await serve([{ path: '/ws', namespace: ROOM }]);
    const parent = servers[0]!;
    const told: [EnvelopeServer, string, number][] = [];
    parent.on('new_namespace', (child) => told.push([child, child.name, child.sockets.size]));
    const one = await meet(app, parent, '/ws/room-1');
    const two = await meet(app, parent, '/ws/room-2');
    await meet(app, parent, '/ws/room-1');
    expect(told).toEqual([
      [one.socket.nsp, '/ws/room-1', 0],
      [two.socket.nsp, '/ws/room-2', 0],
    ]);
  });

  it('18. a server fires "new_namespace" when another path gets its server', async () => {
    const { servers } = await serve([{}]);
    const told: EnvelopeServer[] = [];
    servers[0]!.on('new_namespace', (made) => told.push(made));
    const made = servers[0]!.of('/made');
    servers[0]!.of('/made');
    expect(told).toEqual([made]);
  });

  it('19. of(RegExp) takes every matching name and gives each a namespace of its own', async () => {
    const { app, servers } = await serve([{}]);
    const parent = servers[0]!.of(ROOM);
    const heard: EnvelopeSocket[] = [];
    parent.on('connection', (socket) => heard.push(socket));
    const [one, two] = [await meet(app, parent, '/room-1'), await meet(app, parent, '/room-2')];
    expect(heard).toEqual([one.socket, two.socket]);
    expect([one.socket.nsp.name, two.socket.nsp.name]).toEqual(['/room-1', '/room-2']);
    expect(servers[0]!.of('/room-1')).toBe(one.socket.nsp);
    expect(servers[0]!.of('/room-2')).toBe(two.socket.nsp);
    expect(servers[0]!.of(ROOM)).toBe(parent);

    one.socket.nsp.emit('to one');
    expect(await received(one.client, 'to one')).toHaveLength(1);
    expect(await received(two.client, 'to one')).toEqual([]);
  });

  it('19. emitting on the parent reaches all children, rooms included, and nobody else', async () => {
    const { app, servers } = await serve([{ namespace: ROOM }, { namespace: 'other' }]);
    const [parent, other] = servers as [EnvelopeServer, EnvelopeServer];
    const [one, two] = [await meet(app, parent, '/room-1'), await meet(app, parent, '/room-2')];
    const three = await meet(app, parent, '/room-2');
    const apart = await meet(app, other);
    await one.socket.join('red');
    await two.socket.join('red');
    await apart.socket.join('red');
    parent.emit('to all', 1, 'x');
    parent.to('red').emit('to red');
    parent.except('red').emit('not red');
    parent.to('red').except(one.socket.id).emit('red but one');
    const got = async (event: string): Promise<number[]> => {
      const clients = [one.client, two.client, three.client, apart.client];
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

  it("19. the parent's middlewares and listeners count for each child", async () => {
    const { app, servers } = await serve([{ namespace: ROOM }]);
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
    await meet(app, parent, '/room-1');
    await meet(app, parent, '/room-2');
    expect(asked).toEqual(['/room-1', 'own /room-1', '/room-2', 'own /room-2']);
  });

  it('21. a name that matches no rule is refused and makes no namespace', async () => {
    const { app, servers } = await serve([{ path: '/ws', namespace: ROOM }]);
    const told: unknown[] = [];
    servers[0]!.on('new_namespace', (child) => told.push(child));
    for (const path of ['/ws/room-x', '/ws/room-1/more', '/room-1', '/ws', '/ws/', '/wsroom-1', '/']) {
      const { status, body } = await tryUpgrade(app, path);
      expect([path, status]).toEqual([path, 404]);
      expect(JSON.parse(body)).toMatchObject({ statusCode: 404, error: 'Not Found' });
    }
    expect(told).toEqual([]);
  });

  it('22. clients that race for a new dynamic namespace get the same child', async () => {
    const { app, servers } = await serve([{ namespace: ROOM }]);
    const [told, sockets]: [unknown[], EnvelopeSocket[]] = [[], []];
    servers[0]!.on('new_namespace', (child) => told.push(child));
    servers[0]!.on('connection', (socket) => sockets.push(socket));
    const clients = await Promise.all(Array.from({ length: 5 }, () => app.connect('/room-9')));
    await Promise.all(clients.map((client) => client.settled()));
    expect(told).toHaveLength(1);
    expect(sockets.map(({ nsp }) => nsp)).toEqual(Array(5).fill(told[0]));
    (told[0] as EnvelopeServer).emit('hello');
    for (const client of clients) await client.next('hello');
  });

  // Socket.IO keeps children unless cleanupEmptyChildNamespaces is on. Names are the clients' choice: here they always go.
  it('23. a child goes with its last client, its adapter closed, and can be joined again', async () => {
    const { adapter, closed } = tellingAdapter();
    const { app, servers } = await serve([{ namespace: ROOM, adapter }]);
    const parent = servers[0]!;
    const told: unknown[] = [];
    parent.on('new_namespace', (child) => told.push(child));
    const [ada, bob] = [await meet(app, parent, '/room-1'), await meet(app, parent, '/room-1')];
    const cleo = await meet(app, parent, '/room-2');
    ada.client.close();
    await ada.client.ended();
    await until('one has gone', () => told.length === 2 && (told[0] as EnvelopeServer).sockets.size === 1);
    expect(parent.of('/room-1')).toBe(bob.socket.nsp);
    expect(closed).toEqual([]);

    bob.client.ws.terminate();
    await until('the adapter is closed', () => closed.length > 0);
    expect(closed).toEqual(['/room-1']);

    const again = await meet(app, parent, '/room-1');
    expect(again.socket.nsp).not.toBe(bob.socket.nsp);
    expect(told).toEqual([ada.socket.nsp, cleo.socket.nsp, again.socket.nsp]);
    parent.emit('to all');
    await again.client.next('to all');
    await cleo.client.next('to all');
  });

  it('23. a child goes also when a middleware refused its only client', async () => {
    const { adapter, closed } = tellingAdapter();
    const { app, servers } = await serve([{ namespace: ROOM, adapter }]);
    servers[0]!.use((socket, next) =>
      next(socket.handshake.query['key'] === '1' ? undefined : new Error('no key')),
    );
    const refused = await app.connect('/room-1');
    expect(await refused.ended()).toEqual({ code: 1008, reason: 'no key' });
    await until('the adapter is closed', () => closed.length > 0);
    expect(closed).toEqual(['/room-1']);

    // not while somebody else is in it
    const { client } = await meet(app, servers[0]!, '/room-1?key=1');
    await (await app.connect('/room-1')).ended();
    await client.settled();
    expect(closed).toEqual(['/room-1']);
  });

  it('23. a static namespace is never removed', async () => {
    const { adapter, closed } = tellingAdapter();
    const { app, servers } = await serve([{ namespace: 'chat', adapter }]);
    const chat = servers[0]!;
    const { client } = await meet(app, chat);
    client.close();
    await until('the client has gone', () => chat.sockets.size === 0);
    expect(chat.of('/chat')).toBe(chat);
    const again = await meet(app, chat);
    expect(again.socket.nsp).toBe(chat);
    expect(closed).toEqual([]);
  });

  it('24. a child made by hand under a matching parent belongs to that parent', async () => {
    const { app, servers } = await serve([{ path: '/ws', namespace: ROOM }, {}]);
    const [parent, main] = servers as [EnvelopeServer, EnvelopeServer];
    const [told, heard]: [unknown[], unknown[]] = [[], []];
    parent.on('new_namespace', (child) => told.push(child));
    const child = main.of('/ws/room-7', (socket) => heard.push(socket));
    expect(told).toEqual([child]);
    expect(child.sockets.size).toBe(0);

    // the parent's "connection" listeners hear of it, and so do its own
    const { client, socket } = await meet(app, parent, '/ws/room-7');
    expect(socket.nsp).toBe(child);
    expect(heard).toEqual([socket]);
    parent.emit('from the parent');
    await client.next('from the parent');
    child.emit('from the child');
    await client.next('from the child');
    expect(told).toEqual([child]);
  });
});
