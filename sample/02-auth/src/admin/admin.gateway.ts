import { UseGuards, UsePipes, ValidationPipe } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { InjectEnvelopeServer } from 'nestjs-envelope';
import { JwtAuthGuard } from '../auth/jwt-auth.guard.js';
import { UserDto } from '../auth/login.dto.js';
import { Roles, RolesGuard } from '../auth/roles.guard.js';
import { roomOf, type MessagesServer } from '../messages/messages.js';
import type { AdminSocket, Online } from './admin.js';
import { PresenceService } from './presence.service.js';

/** For administrators. A valid token without the role is refused with 403 at the upgrade. */
@WebSocketGateway({ namespace: 'admin' })
@UseGuards(JwtAuthGuard, RolesGuard)
@Roles(['admin'])
@UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
export class AdminGateway {
  constructor(
    private readonly presence: PresenceService,
    @InjectEnvelopeServer('/ws') private readonly messages: MessagesServer,
  ) {}

  /** Returns the users that are connected to `/ws`. Changes arrive as `online` events. */
  @SubscribeMessage('online')
  online(): Promise<Online[]> {
    return this.presence.online();
  }

  /** Closes all connections of a user. Each tab receives `session-ended`, and then the close. */
  @SubscribeMessage('disconnect-user')
  disconnectUser(@ConnectedSocket() client: AdminSocket, @MessageBody() { user }: UserDto): void {
    const room = this.messages.in(roomOf(user));
    room.emit('session-ended', { by: client.user.sub });
    room.disconnectSockets();
  }
}
