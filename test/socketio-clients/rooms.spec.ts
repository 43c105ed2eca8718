import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import type { Namespace, Socket } from 'socket.io';
import { until } from '../support/wait.js';
import { describeServers, Settling, startSharedIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type Any, type IoClient } from './io-client.js';

type Ack = (...values: unknown[]) => void;
/** Emits from a client, or from the server; `a` is in room 1, `b` in rooms 1 and 2, `c` in room 2, `d` in none. */
type Emit = (server: Namespace, sockets: Record<string, Socket>) => unknown;

const TARGETS: [name: string, emit: Emit, receivers: string][] = [
  ['server.emit', (server) => server.emit('x', 1), 'abcd'],
  ['server.to', (server) => server.to('1').emit('x', 1), 'ab'],
  ['server.in', (server) => server.in('2').emit('x', 1), 'bc'],
  ['server.to, twice', (server) => server.to('1').to('2').emit('x', 1), 'abc'],
  ['server.to with a list', (server) => server.to(['1', '2', 'nobody']).emit('x', 1), 'abc'],
  ['server.except', (server) => server.except('1').emit('x', 1), 'cd'],
  ['server.to.except', (server) => server.to('2').except('1').emit('x', 1), 'c'],
  ['server.except with a list', (server) => server.except(['1', '2']).emit('x', 1), 'd'],
  ['server.to an empty room', (server) => server.to('nobody').emit('x', 1), ''],
  ['server.to an id', (server, { c }) => server.to(c!.id).emit('x', 1), 'c'],
  ['server.local', (server) => server.local.to('1').emit('x', 1), 'ab'],
  ['server.compress', (server) => server.compress(false).to('1').emit('x', 1), 'ab'],
  ['server.send', (server) => server.send('x', 1), 'abcd'],
  ['client.emit', (_server, { a }) => a!.emit('x', 1), 'a'],
  ['client.send', (_server, { a }) => a!.send('x', 1), 'a'],
  ['client.compress', (_server, { a }) => a!.compress(false).emit('x', 1), 'a'],
  ['client.broadcast', (_server, { a }) => a!.broadcast.emit('x', 1), 'bcd'],
  ['client.to', (_server, { a }) => a!.to('1').emit('x', 1), 'b'],
  ['client.in', (_server, { a }) => a!.in('2').emit('x', 1), 'bc'],
  ['client.to its own id', (_server, { a }) => a!.to(a!.id).emit('x', 1), ''],
  ['client.except', (_server, { a }) => a!.except('2').emit('x', 1), 'd'],
  ['client.to.except', (_server, { a }) => a!.to('2').except('1').emit('x', 1), 'c'],
  ['client.broadcast.to', (_server, { b }) => b!.broadcast.to(['1', '2']).emit('x', 1), 'ac'],
  ['client.nsp.to', (_server, { a }) => a!.nsp.to('1').emit('x', 1), 'ab'],
];

@WebSocketGateway({ namespace: '/rooms' })
class RoomsGateway extends Settling implements OnGatewayConnection {
  @WebSocketServer() server!: Namespace;
  readonly sockets: Record<string, Socket> = {};

  async handleConnection(client: Socket): Promise<void> {
    const { name, rooms = [] } = client.handshake.auth as { name: string; rooms?: string[] };
    this.sockets[name] = client;
    client.data.name = name;
    if (rooms.length > 0) await client.join(rooms);
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: Socket, @MessageBody() rooms: string | string[]): Promise<string[]> {
    await client.join(rooms);
    return [...client.rooms].map((room) => (room === client.id ? 'own' : room)).sort();
  }
  @SubscribeMessage('leave')
  async leave(@ConnectedSocket() client: Socket, @MessageBody() room: string): Promise<string[]> {
    await client.leave(room);
    return [...client.rooms].map((name) => (name === client.id ? 'own' : name)).sort();
  }
}

describeServers('rooms', (server) => {
  let app: IoApp;
  let gateway: RoomsGateway;
  let clients: Record<string, IoClient>;
  /** The clients by name: each over another transport than the one before it. */
  async function connect(members: Record<string, string[]>): Promise<void> {
    const entries = await Promise.all(
      Object.entries(members).map(async ([name, rooms], index): Promise<[string, IoClient]> => {
        const transport = TRANSPORTS[index % TRANSPORTS.length]!;
        return [name, await app.connect('/rooms', { transport, auth: { name, rooms } })];
      }),
    );
    clients = Object.fromEntries(entries);
    // rooms are joined in handleConnection, for which IoAdapter does not wait
    await Promise.all(Object.values(clients).map((client) => client.settled()));
  }
  beforeAll(async () => {
    app = await startSharedIoApp(server, { providers: [RoomsGateway] });
    gateway = app.nest.get(RoomsGateway);
  });
  afterAll(() => app.close());
  afterEach(async () => {
    for (const client of Object.values(clients)) client.destroy();
    await until('all clients are gone', () => gateway.server.sockets.size === 0);
  });

  /** The names of the clients that got an event, in order. */
  async function receivers(event: string): Promise<string> {
    await Promise.all(Object.values(clients).map((client) => client.settled()));
    const names = Object.entries(clients).flatMap(([name, client]) => client.of(event).map(() => name));
    return names.join('');
  }

  it.each(TARGETS)('reaches the receivers of %s, once', async (_name, emit, expected) => {
    await connect({ a: ['1'], b: ['1', '2'], c: ['2'], d: [] });
    emit(gateway.server, gateway.sockets);
    const event = _name.endsWith('send') ? 'message' : 'x';
    expect(await receivers(event)).toBe(expected);
    const args = event === 'message' ? ['x', 1] : [1];
    for (const name of expected) expect(clients[name]!.of(event)).toEqual([args]);
  });

  it('sends several arguments as arguments', async () => {
    await connect({ a: [], b: [], c: [] });
    gateway.server.emit('several', 1, [2], { three: 3 }, null);
    for (const client of Object.values(clients))
      expect(await client.next('several')).toEqual([1, [2], { three: 3 }, null]);
  });

  it('sends volatile events to clients that take them', async () => {
    await connect({ a: ['1'] });
    const isWritable = (): boolean => gateway.sockets.a!.conn.transport.writable;
    const emits = [
      (): unknown => gateway.server.volatile.emit('v', 1),
      (): unknown => gateway.server.to('1').volatile.emit('v', 2),
      (): unknown => gateway.sockets.a!.volatile.emit('v', 3),
    ];
    for (const [index, emit] of emits.entries()) {
      await until('an idle transport', isWritable);
      emit();
      expect(await clients.a!.next('v')).toEqual([index + 1]);
    }
  });

  it('drops volatile events while a polling client takes nothing', async () => {
    await connect({ a: [] });
    const poller = await app.connect('/rooms', { transport: 'polling', auth: { name: 'poller' } });
    await poller.settled();
    const { volatile } = gateway.sockets.poller!;
    await until('a waiting poll', () => gateway.sockets.poller!.conn.transport.writable);
    volatile.emit('first');
    // ours gathers what is sent in one tick
    await new Promise<void>((resolve) => process.nextTick(resolve));
    // the first one ends the poll: until the next one nothing can be sent
    gateway.sockets.poller!.volatile.emit('second');
    gateway.sockets.poller!.emit('third');
    await poller.next('third');
    await poller.settled();
    expect(poller.events.map(([event]) => event)).toEqual(['first', 'third']);
    poller.destroy();
  });

  it('joins and leaves rooms', async () => {
    await connect({ a: [] });
    expect(await clients.a!.ask('join', 'x')).toEqual([['own', 'x']]);
    expect(await clients.a!.ask('join', ['y', 'z', 'x'])).toEqual([['own', 'x', 'y', 'z']]);
    expect(await clients.a!.ask('leave', 'y')).toEqual([['own', 'x', 'z']]);
    gateway.server.to('y').emit('no longer');
    gateway.server.to('z').emit('still');
    await clients.a!.settled();
    expect(clients.a!.events).toEqual([['still']]);
  });

  it('asks all clients of a room, and collects their answers', async () => {
    await connect({ a: ['1'], b: ['1'], c: ['1'], d: [] });
    for (const [name, { socket }] of Object.entries(clients))
      socket.on('question', (...args: Any[]) => (args.pop() as Ack)(name, ...(args as unknown[])));
    const answers: string[] = await gateway.server.to('1').timeout(4_000).emitWithAck('question', 1, 2);
    expect(answers.sort()).toEqual(['a', 'b', 'c']);
    const byCallback = await new Promise<Any[]>((resolve) => {
      gateway.sockets
        .a!.to('1')
        .timeout(4_000)
        .emit('question', (...given: unknown[]) => resolve(given));
    });
    expect([byCallback[0], [...(byCallback[1] as string[])].sort()]).toEqual([null, ['b', 'c']]);
    expect(await gateway.server.to('nobody').timeout(4_000).emitWithAck('question')).toEqual([]);
  });

  it('gives the answers that came before the timeout', async () => {
    await connect({ a: ['1'], b: ['1'] });
    clients.a!.socket.on('question', (ack: Ack) => ack('from a'));
    const [error, answers] = await new Promise<Any[]>((resolve) => {
      gateway.server
        .to('1')
        // one client answers within it, also on a busy machine
        .timeout(3_000)
        .emit('question', (...given: unknown[]) => resolve(given));
    });
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe('operation has timed out');
    expect(answers).toEqual(['from a']);
  });

  it('fetches sockets, and moves them', async () => {
    await connect({ a: ['1'], b: ['1', '2'], c: [] });
    const inRoom = await gateway.server.in('1').fetchSockets();
    expect(inRoom.map(({ data }) => data.name as string).sort()).toEqual(['a', 'b']);
    expect(inRoom.map(({ id }) => id).sort()).toEqual([clients.a!.socket.id!, clients.b!.socket.id!].sort());
    for (const socket of inRoom) {
      expect(socket.handshake.auth.name).toBe(socket.data.name);
      expect(socket.rooms.has('1')).toBe(true);
      socket.emit('found', socket.data.name, 2);
      socket.join('3');
      socket.leave('1');
    }
    expect(await clients.a!.next('found')).toEqual(['a', 2]);
    expect(await clients.b!.next('found')).toEqual(['b', 2]);
    gateway.server.to('3').emit('three');
    gateway.server.to('1').emit('one');
    expect(await receivers('three')).toBe('ab');
    expect(await receivers('one')).toBe('');
    expect(await gateway.server.fetchSockets()).toHaveLength(3);
  });

  it('lets the server move and disconnect members of rooms', async () => {
    await connect({ a: ['1'], b: ['1', '2'], c: ['2'], d: [] });
    gateway.server.in('1').socketsJoin('3');
    gateway.server.in('2').socketsLeave('3');
    gateway.server.to('3').emit('moved');
    expect(await receivers('moved')).toBe('a');
    gateway.server.socketsJoin(['4', '5']);
    gateway.server.to('5').emit('all');
    expect(await receivers('all')).toBe('abcd');
    gateway.server.in('2').disconnectSockets();
    expect(await Promise.all([clients.b!.ended(), clients.c!.ended()])).toEqual([
      'io server disconnect',
      'io server disconnect',
    ]);
    expect(clients.a!.socket.connected && clients.d!.socket.connected).toBe(true);
    const [remote] = await gateway.server.in('1').fetchSockets();
    remote!.disconnect(true);
    expect(await clients.a!.ended()).toBe('io server disconnect');
  });

  it('leaves all rooms at the end', async () => {
    await connect({ a: ['1'], b: ['1'] });
    clients.a!.leave();
    await until('a is gone', () => gateway.server.adapter.rooms.get('1')?.size === 1);
    expect(gateway.server.adapter.rooms.has(gateway.sockets.a!.id)).toBe(false);
    expect(gateway.server.sockets.size).toBe(1);
    expect(gateway.sockets.a!.rooms.size).toBe(0);
  });
});
