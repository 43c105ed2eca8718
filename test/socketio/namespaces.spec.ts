import type { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import type { TestClient } from '../support/client.js';
import { RESERVED } from '../support/names.js';
import type { AdapterInternals } from '../support/resource-count.js';
import { until } from '../support/wait.js';
import { connectPair, startPair, received, startServers, tryUpgrade } from './fixture.js';

/** Returns for each client, by position, whether it received the event. */
async function wasReceived(event: string, clients: TestClient[]): Promise<boolean[]> {
  const got = await Promise.all(clients.map((client) => received(client, event)));
  return got.map((frames) => frames.length > 0);
}

describe('namespaces', () => {
  it('exposes the default namespace as server.sockets', async () => {
    const { app, servers } = await startServers([{}, { namespace: 'chat' }]);
    const [server, chat] = servers as [EnvelopeServer, EnvelopeServer];
    expect(server.name).toBe('/');
    expect(server.sockets.name).toBe('/');
    expect(server.sockets.sockets).toBe(server.sockets);
    expect(server.sockets.adapter).toBe(server.adapter);
    expect(chat.of('/')).toBe(server);

    const { client, socket } = await connectPair(app, server);
    expect(server.sockets.get(socket.id)).toBe(socket);
    expect(await server.sockets.fetchSockets()).toEqual([socket]);
    server.sockets.emit('by emit');
    server.sockets.to(socket.id).emit('by to');
    server.sockets.in(socket.id).emit('by in');
    server.sockets.except('unknown').emit('by except');
    for (const event of ['by emit', 'by to', 'by in', 'by except']) await client.next(event);
  });

  it('provides the default namespace without a gateway, and refuses its clients', async () => {
    const { app, servers } = await startServers([{ namespace: 'chat' }]);
    expect(servers[0]!.of('/').name).toBe('/');
    expect(servers[0]!.of('/').sockets.size).toBe(0);
    expect((await tryUpgrade(app, '/')).status).toBe(404);
  });

  it('applies calls on the server to the default namespace only', async () => {
    const { app, servers } = await startServers([{}, { namespace: 'chat' }]);
    const [server, chat] = servers as [EnvelopeServer, EnvelopeServer];
    const asked: string[] = [];
    server.use((socket, next) => {
      asked.push(socket.nsp.name);
      next();
    });
    const here = await connectPair(app, server);
    const there = await connectPair(app, chat);
    expect(asked).toEqual(['/']);

    server.socketsJoin(['red', 'blue']);
    server.socketsLeave('blue');
    expect([...here.socket.rooms]).toEqual([here.socket.id, 'red']);
    expect([...there.socket.rooms]).toEqual([there.socket.id]);
    await there.socket.join('red');
    expect(await server.fetchSockets()).toEqual([here.socket]);

    server.emit('emit');
    server.to('red').emit('to');
    server.in('red').emit('in');
    server.except('blue').emit('except');
    for (const event of ['emit', 'to', 'in', 'except']) {
      expect(await wasReceived(event, [here.client, there.client])).toEqual([true, false]);
    }
    server.disconnectSockets();
    expect((await here.client.ended()).code).toBe(1000);
    await there.client.settled();
  });

  it('returns a new operator from to, in, except, volatile, local and timeout and leaves the server unchanged', async () => {
    const { app, servers } = await startServers([{}]);
    const server = servers[0]!;
    const [red, blue] = [await connectPair(app, server), await connectPair(app, server)];
    await red.socket.join('red');
    await blue.socket.join('blue');
    const clients = [red.client, blue.client];

    const toRed = server.to('red');
    const others = [
      toRed.to('blue'),
      toRed.in('blue'),
      toRed.except('red'),
      toRed.volatile,
      toRed.local,
      toRed.timeout(1),
      toRed.compress(false),
    ];
    expect(new Set([toRed, ...others, server.to('red')]).size).toBe(9);
    toRed.emit('to red');
    expect(await wasReceived('to red', clients)).toEqual([true, false]);
    others[0]!.emit('to both');
    expect(await wasReceived('to both', clients)).toEqual([true, true]);
    others[2]!.emit('to no client');
    expect(await wasReceived('to no client', clients)).toEqual([false, false]);
    server.emit('to all');
    expect(await wasReceived('to all', clients)).toEqual([true, true]);

    const direct = red.socket.timeout(1);
    expect(direct.volatile).not.toBe(direct);
    red.socket.to('blue').emit('from red');
    red.socket.broadcast.emit('from red to others');
    expect(await wasReceived('from red', clients)).toEqual([false, true]);
    expect(await wasReceived('from red to others', clients)).toEqual([false, true]);
    // The socket did not keep the timeout: a request without one waits for its answer.
    const answer = red.socket.emitWithAck('question');
    const { id } = await red.client.next('question');
    red.client.send({ ack: id!, data: 'answer' });
    expect(await answer).toBe('answer');
  });

  it('emits "connection" and "connect" once for each socket, with the socket', async () => {
    const { app, servers } = await startServers([{}]);
    const server = servers[0]!;
    const calls: [string, EnvelopeSocket][] = [];
    const dropped = (socket: EnvelopeSocket): void => void calls.push(['dropped', socket]);
    server.on('connection', (socket) => calls.push(['connection', socket]));
    server.on('connect', (socket) => calls.push(['connect', socket]));
    server.once('connection', (socket: EnvelopeSocket) => calls.push(['once', socket]));
    server.on('connection', dropped).off('connection', dropped);
    const [ada, bob] = [await connectPair(app, server), await connectPair(app, server)];
    const of = (word: string) => calls.filter(([name]) => name === word).map(([, socket]) => socket);
    expect(of('connection')).toEqual([ada.socket, bob.socket]);
    expect(of('connect')).toEqual([ada.socket, bob.socket]);
    expect(of('once')).toEqual([ada.socket]);
    expect(of('dropped')).toEqual([]);
    expect(ada.socket.connected).toBe(true);
  });

  it('treats "" and "/", and "chat" and "/chat", as the same namespace', async () => {
    const { servers } = await startServers([{}, { namespace: 'chat' }]);
    const [server, chat] = servers as [EnvelopeServer, EnvelopeServer];
    expect(server.of('')).toBe(server);
    expect(server.of('/')).toBe(server);
    expect(server.of('chat')).toBe(chat);
    expect(server.of('/chat')).toBe(chat);
    expect(server.of('/chat/')).toBe(chat);
    expect(chat.of('later')).toBe(server.of('/later'));
  });

  it('gives each of several clients in several namespaces a separate socket and id', async () => {
    const { app, servers } = await startServers([{}, { namespace: 'a' }, { namespace: 'b' }]);
    const pairs = [];
    for (const server of [...servers, ...servers]) pairs.push(await connectPair(app, server));
    expect(new Set(pairs.map(({ socket }) => socket)).size).toBe(6);
    expect(new Set(pairs.map(({ socket }) => socket.id)).size).toBe(6);
    expect(pairs.map(({ socket }) => socket.nsp)).toEqual([...servers, ...servers]);
    expect(servers.map((server) => server.sockets.size)).toEqual([2, 2, 2]);
  });

  it('registers a connection listener in of(name, fn)', async () => {
    const { app, servers } = await startServers([{}]);
    const calls: EnvelopeSocket[] = [];
    const later = servers[0]!.of('/later', (socket) => calls.push(socket));
    expect(later).toBe(servers[0]!.of('/later'));
    const { socket } = await connectPair(app, later);
    expect(calls).toEqual([socket]);
    expect(socket.nsp).toBe(later);
  });

  it('emits "disconnect" with a reason when the connection drops', async () => {
    const { app, servers } = await startServers([{}, { namespace: 'chat' }]);
    const reasons = async (end: (client: TestClient) => void): Promise<string[]> => {
      const calls: string[] = [];
      for (const server of servers) {
        const { client, socket } = await connectPair(app, server);
        socket.on('disconnect', (reason: string) => calls.push(reason));
        end(client);
      }
      await until('both sockets leave', () => calls.length === 2);
      expect(servers.map((server) => server.sockets.size)).toEqual([0, 0]);
      return calls;
    };
    const twice = (word: string): string[] => [word, word];
    expect(await reasons((client) => client.ws.terminate())).toEqual(twice('transport close'));
    expect(await reasons((client) => client.close())).toEqual(twice('client namespace disconnect'));
    expect(await reasons((client) => client.close(4001, 'bye'))).toEqual(twice('transport close'));
  });

  it('shows the rooms in "disconnecting", then leaves them, then emits "disconnect"', async () => {
    const { client, socket, server } = await startPair();
    await socket.join(['red', 'blue']);
    const steps: [string, string, string[]][] = [];
    const note = (step: string) => (reason: string) => steps.push([step, reason, [...socket.rooms]]);
    socket.on('disconnecting', note('disconnecting'));
    server.adapter.on('leave-room', (room) => steps.push(['leave-room', room, []]));
    socket.on('disconnect', note('disconnect'));
    socket.disconnect();
    await client.ended();
    const reason = 'server namespace disconnect';
    expect(steps).toEqual([
      ['disconnecting', reason, [socket.id, 'red', 'blue']],
      ['leave-room', socket.id, []],
      ['leave-room', 'red', []],
      ['leave-room', 'blue', []],
      ['disconnect', reason, []],
    ]);
    expect(socket.connected).toBe(false);
  });

  it('emits both events once, even if a listener disconnects again', async () => {
    const { app, server, client, socket } = await startPair();
    const steps: string[] = [];
    socket.on('disconnecting', (reason: string) => {
      steps.push(`disconnecting: ${reason}`);
      socket.disconnect(true);
    });
    socket.on('disconnect', (reason: string) => {
      steps.push(`disconnect: ${reason}`);
      socket.terminate();
    });
    client.close();
    await client.ended();
    await until('the socket leaves', () => server.sockets.size === 0);
    expect(steps).toEqual([
      'disconnecting: client namespace disconnect',
      'disconnect: client namespace disconnect',
    ]);
    expect(app.log.of('error')).toEqual([]);
  });

  it('refuses a namespace that does not exist and creates nothing', async () => {
    const { app, servers } = await startServers([{ namespace: 'chat' }]);
    const { mounted } = app.adapter as unknown as AdapterInternals;
    const endpoints = (): unknown[] => [...mounted.endpoints];
    const before = endpoints();
    for (const path of ['/none', '/chat/none', '/Chat', '/cha', '/chatter', '/__proto__']) {
      const { status, body } = await tryUpgrade(app, path);
      expect([path, status]).toEqual([path, 404]);
      expect(JSON.parse(body)).toEqual({
        statusCode: 404,
        error: 'Not Found',
        message: 'No gateway is mounted on this path',
      });
    }
    expect(endpoints()).toEqual(before);
    expect(servers[0]!.sockets.size).toBe(0);
  });

  it('lists all sockets of a namespace, of a room, and of several rooms', async () => {
    const { app, servers } = await startServers([{ namespace: 'chat' }, {}]);
    const [chat, main] = servers as [EnvelopeServer, EnvelopeServer];
    const sockets: EnvelopeSocket[] = [];
    for (let i = 0; i < 3; i++) sockets.push((await connectPair(app, chat)).socket);
    await connectPair(app, main);
    const [a, b, c] = sockets as [EnvelopeSocket, EnvelopeSocket, EnvelopeSocket];
    await a.join('red');
    await b.join(['red', 'blue']);
    expect([...chat.sockets.values()]).toEqual([a, b, c]);
    expect([...chat.clients]).toEqual([a, b, c]);
    expect(chat.engine.clientsCount).toBe(3);
    expect(await chat.fetchSockets()).toEqual([a, b, c]);
    expect(await chat.in('red').fetchSockets()).toEqual([a, b]);
    expect(await chat.in('blue').fetchSockets()).toEqual([b]);
    expect(await chat.in('blue').in('red').fetchSockets()).toHaveLength(2);
    expect(await chat.to(['blue', c.id]).fetchSockets()).toEqual([b, c]);
    expect(await chat.in('none').fetchSockets()).toEqual([]);
    expect(await chat.adapter.sockets(new Set(['red', 'blue']))).toEqual(new Set([a.id, b.id]));
    c.disconnect();
    expect(await chat.fetchSockets()).toEqual([a, b]);
  });

  it('reaches only the sockets of the namespace that emits', async () => {
    const { app, servers } = await startServers([{}, { namespace: 'a' }, { namespace: 'b' }]);
    const clients: TestClient[] = [];
    for (const server of servers) clients.push((await connectPair(app, server)).client);
    servers[1]!.emit('to a', 1);
    servers[0]!.of('/b').emit('to b', 2);
    expect(await wasReceived('to a', clients)).toEqual([false, true, false]);
    expect(await wasReceived('to b', clients)).toEqual([false, false, true]);
  });

  it.each([{}, { namespace: 'chat' }])(
    'excludes one socket in except(id), also in a named namespace (%j)',
    async (options) => {
      const { app, servers } = await startServers([options]);
      const server = servers[0]!;
      const [ada, bob, cleo] = [
        await connectPair(app, server),
        await connectPair(app, server),
        await connectPair(app, server),
      ];
      const clients = [ada.client, bob.client, cleo.client];
      server.except(ada.socket.id).emit('one', 1);
      server.except([ada.socket.id, bob.socket.id]).emit('two', 2);
      ada.socket.except(cleo.socket.id).emit('own', 3);
      expect(await wasReceived('one', clients)).toEqual([false, true, true]);
      expect(await wasReceived('two', clients)).toEqual([false, false, true]);
      expect(await wasReceived('own', clients)).toEqual([false, true, false]);
    },
  );

  it('excludes all sockets of a room in except(room)', async () => {
    const { app, servers } = await startServers([{ namespace: 'chat' }]);
    const server = servers[0]!;
    const [ada, bob, cleo] = [
      await connectPair(app, server),
      await connectPair(app, server),
      await connectPair(app, server),
    ];
    const clients = [ada.client, bob.client, cleo.client];
    await ada.socket.join(['red', 'blue']);
    await bob.socket.join('red');
    server.except('red').emit('not red');
    server.to('red').except('blue').emit('red but not blue');
    expect(await wasReceived('not red', clients)).toEqual([false, false, true]);
    expect(await wasReceived('red but not blue', clients)).toEqual([false, true, false]);
  });

  it.each(RESERVED)(
    'throws for the reserved name "%s" on a socket, a namespace and an operator',
    async (name) => {
      const { client, server, socket } = await startPair();
      const reserved = new Error(`"${name}" is a reserved event name`);
      const targets = [
        socket,
        socket.volatile,
        socket.timeout(1),
        socket.broadcast,
        socket.to('red'),
        server,
        server.sockets,
        server.to('red'),
        server.local,
        server.except('red').timeout(1),
      ];
      for (const target of targets) expect(() => void target.emit(name, 1)).toThrow(reserved);
      await expect(socket.emitWithAck(name)).rejects.toThrow(reserved);
      await expect(server.emitWithAck(name)).rejects.toThrow(reserved);
      expect(await received(client, name)).toEqual([]);
    },
  );
});
