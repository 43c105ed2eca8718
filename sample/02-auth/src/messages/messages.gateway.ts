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

/** Messages from user to user. A client without a valid token is refused with 401 at the upgrade. */
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
    await this.presence.emit();
  }

  async handleDisconnect(): Promise<void> {
    await this.presence.emit();
  }

  /** Emits to all tabs of the receiver, and to the sender's other tabs. Returns the number of tabs of the receiver. */
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
