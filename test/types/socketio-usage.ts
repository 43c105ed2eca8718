/**
 * Checked by `tsc`, never run: the parts of Socket.IO's `Server` and `Socket` that public applications use, collected from 180 of
 * them. Only the next import was `import { Server, Socket } from 'socket.io'`, with which it compiles as well (tried with
 * Socket.IO 4.8). docs/differences-from-socket.io.md lists what is missing on purpose.
 */
import { EnvelopeServer as Server, EnvelopeSocket as Socket } from '../../lib/index.js';

/** `any` under a name that the linter allows. */
type Any = ReturnType<typeof JSON.parse>;

/** Origin and connection of clients. */
export function connections(client: Socket, server: Server): unknown[] {
  client.conn.on('heartbeat', () => undefined);
  client.conn.on('upgrade', (transport: Any) => transport.name);
  client.conn.on('packet', ({ type, data }: Any) => [type, data]);
  client.conn.on('packetCreate', () => undefined);
  client.conn.once('close', (reason: string) => reason.length);
  client.client.conn.on('drain', () => undefined);
  client.conn.removeAllListeners('packet');
  client.conn.off('heartbeat', () => undefined);
  client.setMaxListeners(20);
  const session = (client.request as Any).session;
  return [
    client.conn.remoteAddress,
    client.client.conn.remoteAddress,
    client.conn.transport.name,
    client.conn.transport?.name ?? 'unknown',
    client.client.conn.transport.constructor.name,
    client.conn.readyState === 'open',
    client.conn.upgraded,
    client.conn.protocol,
    client.conn.request.headers,
    client.client.request.headers['x-forwarded-for'] || client.client.conn.remoteAddress,
    client.client.request.headers.cookie,
    session?.userId,
    client.handshake.headers.origin ?? 'unknown',
    client.handshake.headers['user-agent'],
    client.handshake.auth?.token,
    client.handshake.query.token as string,
    client.handshake.query?.['roomId'],
    server.engine.clientsCount,
  ];
}

/** Uses of the engine of a server. */
export function engine(server: Server): void {
  if (server?.engine?.opts) server.engine.opts.cors = { origin: '*', credentials: true };
  server.engine.on('connection_error', (error: Any) => [error.req, error.code, error.message, error.context]);
  server.engine.on('headers', (headers: Any) => (headers['X-Accel-Buffering'] = 'no'));
  server.engine.on('initial_headers', (headers: Any, request: Any) => [headers, request.url]);
  server.engine.once('connection', () => undefined);
  server.engine.removeAllListeners();
}

/** The server, and its default namespace. */
export async function namespaces(server: Server): Promise<unknown[]> {
  server.sockets.removeAllListeners();
  server.sockets.removeAllListeners('connection');
  server.sockets.on('connection', (socket: Socket) => socket.emit('hello'));
  server.sockets.once('connection', (socket: Socket) => socket.emit('hello'));
  server.sockets.use((_socket, next) => next());
  server.sockets.in('room').emit('newGame');
  server.sockets.to(['room', 'other']).emit('newGame', 1);
  server.sockets.to('room').except('other').emit('newGame', 1);
  server.sockets.volatile.emit('tick');
  server.sockets.local.emit('tick');
  server.sockets.timeout(100).emit('tick', (error: Error, answers: Any[]) => [error, answers]);
  server.sockets.serverSideEmit('tick');
  server.sockets.setMaxListeners(50);
  server.sockets.disconnectSockets(true);
  server.sockets.sockets.forEach((socket) => socket.disconnect());
  for (const [id, socket] of server.sockets.sockets) socket.emit('id', id);
  for (const socket of server.sockets.sockets.values()) socket.emit('ping', socket.rooms.size);
  Array.from(server.sockets.sockets.values()).find((socket) => (socket as Any).userId === 1);
  Array.from(server.sockets.sockets.keys()).includes('id');
  const member = server.sockets.sockets.get('id');
  if (member) {
    await member.join('room');
    await member.leave('room');
  }
  server.of('/').adapter.on('delete-room', (room) => room);
  server.of('/').adapter.on('join-room', (room, id) => [room, id]);
  server.of('/chat').on('connection', (socket: Socket) => socket.disconnect(true));
  server.of('/chat').emit('x');
  server.of('/chat').to('room').emit('x');
  for (const socket of server.of('doc-1').sockets.values()) socket.emit('write');
  server.use((socket, next) => {
    const error: Any = new Error('unauthorized');
    error.data = { code: 401 };
    return socket.handshake.auth.token ? next() : next(error);
  });
  server.send('hello');
  server.removeAllListeners('connection');
  server.setMaxListeners(0);
  server.socketsLeave('room');
  server.socketsJoin(['a', 'b']);
  server.in('room').disconnectSockets(true);
  server.in('room').socketsLeave('room');
  server.in('a').socketsJoin('b');
  server.except('room').emit('x');
  server.local.emit('x');
  server.compress(false).emit('x');
  const sockets = await server.in('room').fetchSockets();
  sockets.forEach((socket) => {
    socket.leave('room');
    socket.join('other');
    socket.emit('moved', socket.id, [...socket.rooms], socket.data.user, socket.handshake.address);
    socket.disconnect(true);
  });
  return [
    server.listenerCount('connection'),
    server.sockets.listeners('connection').length,
    server.eventNames(),
    server.sockets.name,
    server.sockets.adapter.rooms.get('room')?.size ?? 0,
    server.sockets.adapter.rooms.has('room'),
    server.sockets.adapter.sids.get('id'),
    [...(server.sockets.adapter.rooms.get('room') ?? [])],
    [...server.of('/').adapter.rooms.keys()],
    (await server.fetchSockets()).length,
    (await server.sockets.fetchSockets()).map(({ data }) => data.userId),
    server.of('/chat').sockets.size,
    await server.timeout(100).emitWithAck('ask', 1),
    await server.to('room').timeout(100).emitWithAck('ask', 1),
  ];
}

/** One client. */
export async function sockets(client: Socket): Promise<unknown[]> {
  const listener = (data: Any): unknown => data;
  client.on('message', listener);
  client.addListener('message', listener);
  client.prependListener('message', listener);
  client.removeListener('message', listener);
  client.off('message', listener);
  client.removeAllListeners('message');
  client.removeAllListeners();
  client.once('disconnect', (reason) => reason.length);
  client.on('disconnecting', (reason, description) => [reason, description]);
  client.on('error', (error) => error.message);
  client.onAny((event, ...args) => [event, args.length]);
  client.prependAny((event) => event);
  client.offAny();
  client.onAnyOutgoing((event) => event);
  client.data.user = { id: 1 };
  client.data = { user: { id: 2 } };
  client.nsp.emit('x', 1);
  client.nsp.to('room').emit('x');
  client.nsp
    .in('room')
    .fetchSockets()
    .then((found) => found.forEach((socket) => socket.leave('room')), listener);
  client.nsp.sockets.get('id')?.emit('x');
  client.nsp.sockets.forEach((socket) => socket.disconnect());
  client.nsp.on('connection', (socket: Socket) => socket.id);
  client.nsp.use((_socket, next) => next());
  client.nsp.adapter.rooms.get('room')?.forEach((id) => id.length);
  client.nsp.serverSideEmit('x', 1);
  client.join('room');
  client.leave('room');
  await client.join(['a', 'b']);
  await Promise.all([client.join('a'), client.leave('b')]);
  client.to('room').to('other').except('third').volatile.emit('x', 1, 2, 3);
  client.broadcast.to('room').emit('x');
  client.in('room').emit('x');
  client.broadcast.timeout(10).emit('x', (error: Error) => error);
  client.compress(true).emit('x');
  client.timeout(10).emit('x', (error: Error, answer: Any) => [error, answer.ok]);
  client.use(([event, ...args], next) => (args.length > 3 ? next(new Error(event)) : next()));
  return [
    client.id,
    client.connected,
    client.disconnected,
    client.recovered,
    client.rooms.has('room'),
    [...client.rooms].filter((room) => room !== client.id),
    client.listenerCount('message'),
    client.listeners('message').length,
    client.eventNames(),
    client.nsp.name,
    client.nsp.sockets.size,
    client.emit('x', { a: 1 }, (answer: Any) => answer),
    await client.emitWithAck('x', 1),
    await client.timeout(10).emitWithAck('x', 1),
    client.disconnect(true).id,
  ];
}
