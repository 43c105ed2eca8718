import { Logger, UseInterceptors, UsePipes, ValidationPipe } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  type OnGatewayConnection,
  type OnGatewayInit,
} from '@nestjs/websockets';
import { LOBBY, MAX_ROOMS, type ChatMessage, type ChatServer, type ChatSocket, type People } from './chat.js';
import { ChatHistoryService } from './chat-history.service.js';
import { MessageDto } from './dto/message.dto.js';
import { SayDto } from './dto/say.dto.js';
import { TypingDto } from './dto/typing.dto.js';
import { InOrderInterceptor } from './in-order.interceptor.js';
import { ShortTextPipe } from './short-text.pipe.js';

/** The chat. It names no path, so it is on the adapter's: `/ws`, unless WS_PATH says otherwise. */
@WebSocketGateway()
@UseInterceptors(InOrderInterceptor)
@UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
export class ChatGateway implements OnGatewayInit<ChatServer>, OnGatewayConnection<ChatSocket> {
  private readonly logger = new Logger(ChatGateway.name);
  @WebSocketServer() private readonly server!: ChatServer;

  constructor(private readonly chatHistory: ChatHistoryService) {}

  /** Members come and go by `join` and `leave`, and by lines that break: the rooms know of all of them. */
  afterInit({ adapter }: ChatServer): void {
    const tell = (room: string, id: string): void => {
      this.tellPeople(room, id).catch((error: unknown) => this.logger.error(error));
    };
    adapter.on('join-room', tell);
    adapter.on('leave-room', tell);
    adapter.on('delete-room', (room: string) => this.chatHistory.forget(room));
  }

  async handleConnection(client: ChatSocket): Promise<void> {
    await client.join(LOBBY);
  }

  /** The others in the room see it live; those who join later find it in the history. */
  @SubscribeMessage('message')
  message(@ConnectedSocket() client: ChatSocket, @MessageBody() { room, author, text }: MessageDto): void {
    if (!client.rooms.has(room)) throw new WsException(`You are not in the room "${room}"`);
    const message = this.chatHistory.add(room, author, text);
    client.to(room).emit('message', { ...message, room });
  }

  /** Reaches everybody in every room of the sender, each of them once; nobody keeps it. */
  @SubscribeMessage('say')
  say(@ConnectedSocket() client: ChatSocket, @MessageBody() { author, text }: SayDto): void {
    const at = new Date().toISOString();
    client.to(client.rooms).emit('said', { author, text, at, rooms: roomsOf(client) });
  }

  @SubscribeMessage('typing')
  typing(@ConnectedSocket() client: ChatSocket, @MessageBody() { author, room }: TypingDto): void {
    client.broadcast.volatile.emit('typing', { author, room });
  }

  /** What a handler returns goes back to the client, under the same event. */
  @SubscribeMessage('history')
  history(@MessageBody(new ShortTextPipe(LOBBY)) room: string): readonly ChatMessage[] {
    return this.chatHistory.of(room);
  }

  /** How many clients are in a room. */
  @SubscribeMessage('presence')
  async presence(@MessageBody(new ShortTextPipe(LOBBY)) room: string): Promise<number> {
    return (await this.server.in(room).fetchSockets()).length;
  }

  /** Who is in a room, by the names that they gave themselves. The members hear of changes unasked. */
  @SubscribeMessage('people')
  async people(@MessageBody(new ShortTextPipe(LOBBY)) room: string): Promise<People> {
    const sockets = await this.server.in(room).fetchSockets();
    return { room, names: sockets.map(({ data }) => data.name ?? 'guest') };
  }

  @SubscribeMessage('name')
  async name(
    @ConnectedSocket() client: ChatSocket,
    @MessageBody(new ShortTextPipe()) name: string,
  ): Promise<void> {
    client.data.name = name;
    await Promise.all(roomsOf(client).map((room) => this.tellPeople(room, client.id)));
  }

  @SubscribeMessage('join')
  async join(
    @ConnectedSocket() client: ChatSocket,
    @MessageBody(new ShortTextPipe(LOBBY)) room: string,
  ): Promise<void> {
    const isNew = !client.rooms.has(room);
    if (isNew && roomsOf(client).length >= MAX_ROOMS) throw new WsException('You are in too many rooms');
    await client.join(room);
  }

  @SubscribeMessage('leave')
  async leave(
    @ConnectedSocket() client: ChatSocket,
    @MessageBody(new ShortTextPipe(LOBBY)) room: string,
  ): Promise<void> {
    await client.leave(room);
  }

  private async tellPeople(room: string, id: string): Promise<void> {
    // every client is alone in a room of its own id
    if (room === id) return;
    const people = await this.people(room);
    this.server.to(room).except(id).emit('people', people);
  }
}

function roomsOf(client: ChatSocket): string[] {
  return [...client.rooms].filter((room) => room !== client.id);
}
