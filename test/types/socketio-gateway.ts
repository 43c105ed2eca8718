/**
 * Checked by `tsc`, never run: typical untyped gateways for Socket.IO. Only the next import was
 * `import { Server, Socket } from 'socket.io'`, with which it compiles as well (tried with Socket.IO 4.8).
 */
import { EnvelopeServer as Server, EnvelopeSocket as Socket } from '../../lib/index.js';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';

/** `any` under a name that the linter allows. */
type Any = ReturnType<typeof JSON.parse>;

interface User {
  id: number;
  name: string;
}

class UsersService {
  async verify(token: string): Promise<User | null> {
    return token === '' ? null : { id: 1, name: token };
  }
}

class MessageDto {
  room!: string;
  text!: string;
}

@WebSocketGateway({ namespace: 'chat', cors: { origin: '*' }, transports: ['websocket'] })
export class ChatGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer() server: Server;

  private readonly online = new Map<string, Socket>();

  constructor(private readonly users: UsersService) {
    this.server = undefined as never;
  }

  afterInit(server: Server): void {
    server.use(async (socket: Socket, next) => {
      const user = await this.users.verify(socket.handshake.auth.token);
      if (!user) {
        const error: Any = new Error('unauthorized');
        error.data = { code: 401 };
        return next(error);
      }
      socket.data.user = user;
      next();
    });
    server.on('connection', (socket) => {
      socket.emit('welcome', { id: socket.id });
    });
  }

  async handleConnection(client: Socket, ..._args: Any[]): Promise<void> {
    const token = client.handshake.auth.token || client.handshake.headers.authorization?.split(' ')[1];
    const user = await this.users.verify(token);
    if (!user) {
      client.emit('error', 'unauthorized');
      client.disconnect(true);
      return;
    }
    client.data.user = user;
    this.online.set(client.id, client);
    await client.join(`user:${user.id}`);
    const room = client.handshake.query.room as string;
    await client.join([room, 'lobby']);
    client.on('disconnecting', (reason) => {
      for (const joined of client.rooms) {
        if (joined !== client.id) client.to(joined).emit('left', client.id, reason);
      }
    });
    client.on('typing', (data) => client.broadcast.emit('typing', data.room, data.isTyping));
    client.on('ask', (data: { question: string }, callback: (answer: string) => void) =>
      callback(data.question),
    );
    client.onAny((event, ...args) => console.log(event, args[0].text));
    client.onAnyOutgoing((event, payload) => console.log(event, payload.text));
    client.use(([event, ...args], next) => {
      if (event === 'admin' && !args[0].secret) return next(new Error('not allowed'));
      next();
    });
  }

  handleDisconnect(client: Socket): void {
    this.online.delete(client.id);
    this.server.to('lobby').emit('offline', client.data.user?.name, client.handshake.address);
  }

  @SubscribeMessage('message')
  async message(@ConnectedSocket() client: Socket, @MessageBody() { room, text }: MessageDto): Promise<Any> {
    if (!client.rooms.has(room)) throw new WsException('not in the room');
    this.server.to(room).emit('x', 1, 2);
    this.server.in(room).except(client.id).emit('message', { text, from: client.data.user.name });
    client.to(room).to('lobby').emit('notice', text);
    client.volatile.emit('hint', text);
    return { event: 'sent', data: { at: Date.now() } };
  }

  @SubscribeMessage('join')
  async join(client: Socket, room: string): Promise<void> {
    await client.join(room);
    await client.leave('lobby');
    client.nsp.to(room).emit('joined', client.id, client.nsp.name);
    client.emit('history', [], (answer: Any) => console.log(answer.ok));
    client.timeout(5000).emit('confirm', room, (err: Any, answer: Any) => console.log(err, answer));
  }

  async report(): Promise<unknown> {
    const sockets = await this.server.in('lobby').fetchSockets();
    const names = sockets.map((socket) => socket.data.user.name);
    for (const socket of sockets) {
      socket.emit('report', names);
      void socket.join('reported');
      void socket.leave('lobby');
      if (socket.rooms.has('banned') || socket.handshake.headers['x-banned']) socket.disconnect(true);
    }
    const answers = await this.server.timeout(1000).emitWithAck('ping', 1);
    this.server
      .timeout(1000)
      .emit('ping', (err: Error, responses: Any[]) => console.log(err, responses.length));
    this.server.socketsJoin('a');
    this.server.in('a').socketsLeave(['a', 'b']);
    this.server.in('a').disconnectSockets(true);
    this.server.serverSideEmit('reload', 1);
    this.server.on('reload', (version: number) => console.log(version));
    const inRoom = this.server.sockets.adapter.rooms.get('lobby')?.size ?? 0;
    const one = this.server.sockets.sockets.get('id');
    one?.emit('found');
    this.server.of('/admin').emit('report', this.server.engine.clientsCount);
    this.server.sockets.to('lobby').emit('count', inRoom, answers.length, this.server.sockets.sockets.size);
    return this.server.sockets.adapter.rooms;
  }

  describe(client: Socket): unknown[] {
    const { headers, query, auth, address, time, issued, url, secure, xdomain } = client.handshake;
    const forwarded = client.handshake.headers['x-forwarded-for'] || client.conn.remoteAddress;
    const agent: string | undefined = client.request.headers['user-agent'];
    return [
      headers,
      query,
      auth,
      address,
      time,
      issued,
      url,
      secure,
      xdomain,
      forwarded,
      agent,
      client.connected,
    ];
  }
}
