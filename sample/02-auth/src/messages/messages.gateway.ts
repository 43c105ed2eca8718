import { UseGuards, UsePipes, ValidationPipe } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import { PresenceService } from '../admin/presence.service.js';
import { JwtAuthGuard } from '../auth/jwt-auth.guard.js';
import { MessageDto } from './message.dto.js';
import { roomOf, type Message, type MessagesServer, type MessagesSocket } from './messages.js';

/** Messages from user to user. Who has no good token gets a 401 in place of a connection. */
@WebSocketGateway({ path: '/ws' })
@UseGuards(JwtAuthGuard)
@UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
export class MessagesGateway implements OnGatewayConnection<MessagesSocket>, OnGatewayDisconnect {
  @WebSocketServer() private readonly server!: MessagesServer;

  constructor(private readonly presence: PresenceService) {}

  async handleConnection(client: MessagesSocket): Promise<void> {
    const user = client.user.sub;
    client.data = { user };
    await client.join(roomOf(user));
    await this.presence.tell();
  }

  async handleDisconnect(): Promise<void> {
    await this.presence.tell();
  }

  /** Reaches all tabs of the receiver, and the sender's other ones. The answer says how many the receiver has. */
  @SubscribeMessage('message')
  async message(
    @ConnectedSocket() client: MessagesSocket,
    @MessageBody() { to, text }: MessageDto,
  ): Promise<{ at: string; tabs: number }> {
    const message: Message = { from: client.user.sub, to, text, at: new Date().toISOString() };
    client.to([roomOf(message.from), roomOf(to)]).emit('message', message);
    return { at: message.at, tabs: (await this.server.in(roomOf(to)).fetchSockets()).length };
  }
}
