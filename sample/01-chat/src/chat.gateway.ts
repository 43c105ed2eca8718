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

/**
 * The chat. It sets no path, so it uses the adapter's: WS_PATH, by default `/ws`. For clients of Socket.IO that is the
 * namespace. They get an acknowledgement only if a handler returns something: so handlers without a result return `true`.
 */
@WebSocketGateway()
@UseInterceptors(InOrderInterceptor)
@UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
export class ChatGateway implements OnGatewayInit<ChatServer>, OnGatewayConnection<ChatSocket> {
  private readonly logger = new Logger(ChatGateway.name);
  @WebSocketServer() private readonly server!: ChatServer;

  constructor(private readonly chatHistory: ChatHistoryService) {}

  /**
   * Listens to the adapter, which reports every change of a room: after `join`, after `leave`, and when a client
   * disconnects.
   */
  afterInit({ adapter }: ChatServer): void {
    const onChange = (room: string, id: string): void => {
      this.emitPeople(room, id).catch((error: unknown) => this.logger.error(error));
    };
    adapter.on('join-room', onChange);
    adapter.on('leave-room', onChange);
    adapter.on('delete-room', (room: string) => this.chatHistory.forget(room));
  }

  async handleConnection(client: ChatSocket): Promise<void> {
    await client.join(LOBBY);
  }

  /** Emits the message to the other members of the room, and adds it to the history for clients that join later. */
  @SubscribeMessage('message')
  message(@ConnectedSocket() client: ChatSocket, @MessageBody() { room, author, text }: MessageDto): true {
    if (!client.rooms.has(room)) throw new WsException(`You are not in the room "${room}"`);
    const message = this.chatHistory.add(room, author, text);
    client.to(room).emit('message', { ...message, room });
    return true;
  }

  /** Emits to all rooms of the sender. Each member receives it once, and no history keeps it. */
  @SubscribeMessage('say')
  say(@ConnectedSocket() client: ChatSocket, @MessageBody() { author, text }: SayDto): true {
    const at = new Date().toISOString();
    client.to(client.rooms).emit('said', { author, text, at, rooms: roomsOf(client) });
    return true;
  }

  @SubscribeMessage('typing')
  typing(@ConnectedSocket() client: ChatSocket, @MessageBody() { author, room }: TypingDto): void {
    client.broadcast.volatile.emit('typing', { author, room });
  }

  /** Returns the history. The client receives the return value of a handler as the response. */
  @SubscribeMessage('history')
  history(@MessageBody(new ShortTextPipe(LOBBY)) room: string): readonly ChatMessage[] {
    return this.chatHistory.of(room);
  }

  /** Returns the number of clients in a room. */
  @SubscribeMessage('presence')
  async presence(@MessageBody(new ShortTextPipe(LOBBY)) room: string): Promise<number> {
    return (await this.server.in(room).fetchSockets()).length;
  }

  /** Returns the names of the members of a room, as they set them. Members receive changes as `people` events. */
  @SubscribeMessage('people')
  async people(@MessageBody(new ShortTextPipe(LOBBY)) room: string): Promise<People> {
    const sockets = await this.server.in(room).fetchSockets();
    return { room, names: sockets.map(({ data }) => data.name ?? 'guest') };
  }

  @SubscribeMessage('name')
  async name(
    @ConnectedSocket() client: ChatSocket,
    @MessageBody(new ShortTextPipe()) name: string,
  ): Promise<true> {
    client.data.name = name;
    await Promise.all(roomsOf(client).map((room) => this.emitPeople(room, client.id)));
    return true;
  }

  @SubscribeMessage('join')
  async join(
    @ConnectedSocket() client: ChatSocket,
    @MessageBody(new ShortTextPipe(LOBBY)) room: string,
  ): Promise<true> {
    const isNew = !client.rooms.has(room);
    if (isNew && roomsOf(client).length >= MAX_ROOMS) throw new WsException('You are in too many rooms');
    await client.join(room);
    return true;
  }

  @SubscribeMessage('leave')
  async leave(
    @ConnectedSocket() client: ChatSocket,
    @MessageBody(new ShortTextPipe(LOBBY)) room: string,
  ): Promise<true> {
    await client.leave(room);
    return true;
  }

  private async emitPeople(room: string, id: string): Promise<void> {
    // each client is the only member of the room named after its id
    if (room === id) return;
    const people = await this.people(room);
    this.server.to(room).except(id).emit('people', people);
  }
}

function roomsOf(client: ChatSocket): string[] {
  return [...client.rooms].filter((room) => room !== client.id);
}
