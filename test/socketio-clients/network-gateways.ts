import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';

/** What both adapters give a gateway, as far as these tests use it. */
interface Target {
  emit(event: string, ...args: unknown[]): unknown;
}
interface Socket extends Target {
  id: string;
  handshake: { auth: Record<string, unknown>; headers: Record<string, string | undefined> };
  conn: { transport: { name: string } };
  nsp: { name: string };
  join(room: string): unknown;
  timeout(milliseconds: number): { emitWithAck(event: string, ...args: unknown[]): Promise<unknown> };
  disconnect(isWhole?: boolean): unknown;
}
interface Server extends Target {
  to(room: string): Target;
  use(middleware: (socket: Socket, next: (error?: Error) => void) => void): unknown;
}

/** Written for `IoAdapter`. It works the same on both adapters. */
@WebSocketGateway()
export class TalkGateway {
  @WebSocketServer() server!: Server;
  readonly connected: Socket[] = [];
  readonly disconnected: string[] = [];
  /** What clients told, in order. */
  readonly told: unknown[] = [];

  afterInit(server: Server): void {
    server.use(({ handshake }, next) => {
      if (handshake.auth.token !== 'forged') next();
      else next(Object.assign(new Error('the token is forged'), { data: { code: 401 } }));
    });
  }
  handleConnection(client: Socket): void {
    this.connected.push(client);
  }
  handleDisconnect({ id }: Socket): void {
    this.disconnected.push(id);
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  /** Sends the arguments back, and answers with their list. */
  @SubscribeMessage('several')
  several(@ConnectedSocket() client: Socket, @MessageBody() args: unknown[]): unknown {
    client.emit('heard', ...args);
    return { args };
  }
  @SubscribeMessage('reverse')
  reverse(@MessageBody() { bytes }: { bytes: Buffer }): unknown {
    return { isBuffer: Buffer.isBuffer(bytes), deep: [{ reversed: Buffer.from(bytes).reverse() }] };
  }
  @SubscribeMessage('who')
  who(@ConnectedSocket() { id, handshake, conn }: Socket): unknown {
    return {
      id,
      auth: handshake.auth,
      transport: conn.transport.name,
      cookie: handshake.headers.cookie ?? '',
    };
  }
  @SubscribeMessage('header')
  header(@ConnectedSocket() { handshake }: Socket, @MessageBody() name: string): unknown {
    return handshake.headers[name];
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: Socket, @MessageBody() room: string): Promise<string> {
    await client.join(room);
    return 'joined';
  }
  @SubscribeMessage('say')
  say(@MessageBody() [room, ...args]: [string, ...unknown[]]): string {
    this.server.to(room).emit('said', ...args);
    return 'said';
  }
  /** Without an answer. */
  @SubscribeMessage('tell')
  tell(@MessageBody() data: unknown): void {
    this.told.push(data);
  }
  @SubscribeMessage('tell and answer')
  tellAndAnswer(@MessageBody() data: unknown): string {
    this.told.push(data);
    return 'told';
  }
  @SubscribeMessage('ask me')
  async askBack(@ConnectedSocket() client: Socket, @MessageBody() data: unknown): Promise<unknown> {
    return { answer: await client.timeout(10_000).emitWithAck('question', data) };
  }
  @SubscribeMessage('fail')
  fail(): never {
    throw new WsException('not today');
  }
  @SubscribeMessage('end')
  end(@ConnectedSocket() client: Socket, @MessageBody() isWhole: boolean): void {
    client.disconnect(isWhole);
  }
}

@WebSocketGateway({ namespace: '/chat' })
export class ChatGateway {
  @WebSocketServer() server!: Server;
  readonly connected: Socket[] = [];

  handleConnection(client: Socket): void {
    this.connected.push(client);
  }

  @SubscribeMessage('where')
  where(@ConnectedSocket() { nsp, id }: Socket): unknown {
    return { name: nsp.name, id };
  }
  @SubscribeMessage('end')
  end(@ConnectedSocket() client: Socket): void {
    client.disconnect();
  }
}
