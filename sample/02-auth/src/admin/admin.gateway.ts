import { UseGuards, UsePipes, ValidationPipe } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { InjectEnvelopeServer } from 'nestjs-envelope';
import { JwtAuthGuard } from '../auth/jwt-auth.guard.js';
import { UserDto } from '../auth/login.dto.js';
import { Roles, RolesGuard } from '../auth/roles.guard.js';
import { roomOf, type MessagesServer } from '../messages/messages.js';
import type { AdminSocket, Online } from './admin.js';
import { PresenceService } from './presence.service.js';

/** For administrators: who has a token but not the role gets a 403 in place of a connection. */
@WebSocketGateway({ namespace: 'admin' })
@UseGuards(JwtAuthGuard, RolesGuard)
@Roles(['admin'])
@UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
export class AdminGateway {
  constructor(
    private readonly presence: PresenceService,
    @InjectEnvelopeServer('/ws') private readonly messages: MessagesServer,
  ) {}

  /** Who is connected to `/ws`. Changes come unasked. */
  @SubscribeMessage('online')
  online(): Promise<Online[]> {
    return this.presence.online();
  }

  /** Ends all connections of a user: their tabs get the goodbye, and then the close. */
  @SubscribeMessage('disconnect-user')
  disconnectUser(@ConnectedSocket() client: AdminSocket, @MessageBody() { user }: UserDto): void {
    const room = this.messages.in(roomOf(user));
    room.emit('goodbye', { by: client.user.sub });
    room.disconnectSockets();
  }
}
