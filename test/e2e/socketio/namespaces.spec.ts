import type { EnvelopeServer, EnvelopeSocket } from '../../../lib/index.js';
import type { TestClient } from '../../support/client.js';
import { RESERVED } from '../../support/names.js';
import { until } from '../../support/wait.js';
import { meet, meetOne, received, serve, tryUpgrade } from './support.js';

/** Which of these clients got the event, by position. */
async function whoGot(event: string, clients: TestClient[]): Promise<boolean[]> {
  const got = await Promise.all(clients.map((client) => received(client, event)));
  return got.map((frames) => frames.length > 0);
}

describe('namespaces', () => {
  it('1. the default namespace is always there, and server.sockets is it', async () => {
    const { app, servers } = await serve([{}, { namespace: 'chat' }]);
    const [server, chat] = servers as [EnvelopeServer, EnvelopeServer];
    expect(server.name).toBe('/');
    expect(server.sockets.name).toBe('/');
    expect(server.sockets.sockets).toBe(server.sockets);
    expect(server.sockets.adapter).toBe(server.adapter);
    expect(chat.of('/')).toBe(server);

    const { client, socket } = await meet(app, server);
    expect(server.sockets.get(socket.id)).toBe(socket);
    expect(await server.sockets.fetchSockets()).toEqual([socket]);
    server.sockets.emit('by emit');
    server.sockets.to(socket.id).emit('by to');
    server.sockets.in(socket.id).emit('by in');
    server.sockets.except('nobody').emit('by except');
    for (const event of ['by emit', 'by to', 'by in', 'by except']) await client.next(event);
  });

  it('1. it is there also where no gateway asked for it, and then lets nobody in', async () => {
    const { app, servers } = await serve([{ namespace: 'chat' }]);
    expect(servers[0]!.of('/').name).toBe('/');
    expect(servers[0]!.of('/').sockets.size).toBe(0);
    expect((await tryUpgrade(app, '/')).status).toBe(404);
  });

  it('2. calls on the server act on the default namespace only', async () => {
    const { app, servers } = await serve([{}, { namespace: 'chat' }]);
    const [server, chat] = servers as [EnvelopeServer, EnvelopeServer];
    const asked: string[] = [];
    server.use((socket, next) => {
      asked.push(socket.nsp.name);
      next();
    });
    const here = await meet(app, server);
    const there = await meet(app, chat);
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
      expect(await whoGot(event, [here.client, there.client])).toEqual([true, false]);
    }
    server.disconnectSockets();
    expect((await here.client.ended()).code).toBe(1000);
    await there.client.settled();
  });

  it('3. to, in, except, volatile, local and timeout are fresh operators and change nothing', async () => {
    const { app, servers } = await serve([{}]);
    const server = servers[0]!;
    const [red, blue] = [await meet(app, server), await meet(app, server)];
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
    expect(await whoGot('to red', clients)).toEqual([true, false]);
    others[0]!.emit('to both');
    expect(await whoGot('to both', clients)).toEqual([true, true]);
    others[2]!.emit('to nobody');
    expect(await whoGot('to nobody', clients)).toEqual([false, false]);
    server.emit('to all');
    expect(await whoGot('to all', clients)).toEqual([true, true]);

    const direct = red.socket.timeout(1);
    expect(direct.volatile).not.toBe(direct);
    red.socket.to('blue').emit('from red');
    red.socket.broadcast.emit('from red to others');
    expect(await whoGot('from red', clients)).toEqual([false, true]);
    expect(await whoGot('from red to others', clients)).toEqual([false, true]);
    // no timeout stuck to the socket: without one a request waits for its answer
    const answer = red.socket.emitWithAck('question');
    const { id } = await red.client.next('question');
    red.client.send({ ack: id!, data: 'answer' });
    expect(await answer).toBe('answer');
  });

  it('4. "connection", or "connect", fires once per socket, with the socket', async () => {
    const { app, servers } = await serve([{}]);
    const server = servers[0]!;
    const heard: [string, EnvelopeSocket][] = [];
    const dropped = (socket: EnvelopeSocket): void => void heard.push(['dropped', socket]);
    server.on('connection', (socket) => heard.push(['connection', socket]));
    server.on('connect', (socket) => heard.push(['connect', socket]));
    server.once('connection', (socket: EnvelopeSocket) => heard.push(['once', socket]));
    server.on('connection', dropped).off('connection', dropped);
    const [ada, bob] = [await meet(app, server), await meet(app, server)];
    const of = (word: string) => heard.filter(([name]) => name === word).map(([, socket]) => socket);
    expect(of('connection')).toEqual([ada.socket, bob.socket]);
    expect(of('connect')).toEqual([ada.socket, bob.socket]);
    expect(of('once')).toEqual([ada.socket]);
    expect(of('dropped')).toEqual([]);
    expect(ada.socket.connected).toBe(true);
  });

  it('5. "" and "/" name one namespace, and so do "chat" and "/chat"', async () => {
    const { servers } = await serve([{}, { namespace: 'chat' }]);
    const [server, chat] = servers as [EnvelopeServer, EnvelopeServer];
    expect(server.of('')).toBe(server);
    expect(server.of('/')).toBe(server);
    expect(server.of('chat')).toBe(chat);
    expect(server.of('/chat')).toBe(chat);
    expect(server.of('/chat/')).toBe(chat);
    expect(chat.of('later')).toBe(server.of('/later'));
  });

  it('6. several clients in several namespaces each have a socket object and an id of their own', async () => {
    const { app, servers } = await serve([{}, { namespace: 'a' }, { namespace: 'b' }]);
    const pairs = [];
    for (const server of [...servers, ...servers]) pairs.push(await meet(app, server));
    expect(new Set(pairs.map(({ socket }) => socket)).size).toBe(6);
    expect(new Set(pairs.map(({ socket }) => socket.id)).size).toBe(6);
    expect(pairs.map(({ socket }) => socket.nsp)).toEqual([...servers, ...servers]);
    expect(servers.map((server) => server.sockets.size)).toEqual([2, 2, 2]);
  });

  it('7. of(name, fn) is of(name) that listens for connections', async () => {
    const { app, servers } = await serve([{}]);
    const heard: EnvelopeSocket[] = [];
    const later = servers[0]!.of('/later', (socket) => heard.push(socket));
    expect(later).toBe(servers[0]!.of('/later'));
    const { socket } = await meet(app, later);
    expect(heard).toEqual([socket]);
    expect(socket.nsp).toBe(later);
  });

  it('8. when a line drops, its socket gets "disconnect" with a reason', async () => {
    const { app, servers } = await serve([{}, { namespace: 'chat' }]);
    const reasons = async (end: (client: TestClient) => void): Promise<string[]> => {
      const heard: string[] = [];
      for (const server of servers) {
        const { client, socket } = await meet(app, server);
        socket.on('disconnect', (reason: string) => heard.push(reason));
        end(client);
      }
      await until('both sockets leave', () => heard.length === 2);
      expect(servers.map((server) => server.sockets.size)).toEqual([0, 0]);
      return heard;
    };
    const twice = (word: string): string[] => [word, word];
    expect(await reasons((client) => client.ws.terminate())).toEqual(twice('transport close'));
    expect(await reasons((client) => client.close())).toEqual(twice('client namespace disconnect'));
    expect(await reasons((client) => client.close(4001, 'bye'))).toEqual(twice('transport close'));
  });

  it('9. "disconnecting" still sees the rooms, then they are left, then comes "disconnect"', async () => {
    const { client, socket, server } = await meetOne();
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

  it('9. both come once, also when a listener disconnects again', async () => {
    const { app, server, client, socket } = await meetOne();
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

  it('10. a namespace that does not exist is refused with an error, and nothing is created', async () => {
    const { app, servers } = await serve([{ namespace: 'chat' }]);
    const endpoints = (): unknown[] => [...(Reflect.get(app.adapter, 'endpoints') as Iterable<unknown>)];
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

  it('12. all sockets of a namespace, of a room, of a union of rooms can be listed', async () => {
    const { app, servers } = await serve([{ namespace: 'chat' }, {}]);
    const [chat, main] = servers as [EnvelopeServer, EnvelopeServer];
    const sockets: EnvelopeSocket[] = [];
    for (let i = 0; i < 3; i++) sockets.push((await meet(app, chat)).socket);
    await meet(app, main);
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

  it('13. emitting to a namespace reaches its sockets only', async () => {
    const { app, servers } = await serve([{}, { namespace: 'a' }, { namespace: 'b' }]);
    const clients: TestClient[] = [];
    for (const server of servers) clients.push((await meet(app, server)).client);
    servers[1]!.emit('to a', 1);
    servers[0]!.of('/b').emit('to b', 2);
    expect(await whoGot('to a', clients)).toEqual([false, true, false]);
    expect(await whoGot('to b', clients)).toEqual([false, false, true]);
  });

  it.each([{}, { namespace: 'chat' }])(
    '14. except(id) leaves out that socket, also in a named namespace (%j)',
    async (options) => {
      const { app, servers } = await serve([options]);
      const server = servers[0]!;
      const [ada, bob, cleo] = [await meet(app, server), await meet(app, server), await meet(app, server)];
      const clients = [ada.client, bob.client, cleo.client];
      server.except(ada.socket.id).emit('one', 1);
      server.except([ada.socket.id, bob.socket.id]).emit('two', 2);
      ada.socket.except(cleo.socket.id).emit('own', 3);
      expect(await whoGot('one', clients)).toEqual([false, true, true]);
      expect(await whoGot('two', clients)).toEqual([false, false, true]);
      expect(await whoGot('own', clients)).toEqual([false, true, false]);
    },
  );

  it('15. except(room) leaves out all who are in that room', async () => {
    const { app, servers } = await serve([{ namespace: 'chat' }]);
    const server = servers[0]!;
    const [ada, bob, cleo] = [await meet(app, server), await meet(app, server), await meet(app, server)];
    const clients = [ada.client, bob.client, cleo.client];
    await ada.socket.join(['red', 'blue']);
    await bob.socket.join('red');
    server.except('red').emit('not red');
    server.to('red').except('blue').emit('red but not blue');
    expect(await whoGot('not red', clients)).toEqual([false, false, true]);
    expect(await whoGot('red but not blue', clients)).toEqual([false, true, false]);
  });

  it.each(RESERVED)(
    '16. emitting the reserved name "%s" throws on a socket, a namespace and an operator',
    async (name) => {
      const { client, server, socket } = await meetOne();
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
