import { UsePipes, ValidationPipe } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { JoinDto } from './join.dto.js';
import { MessageDto } from './message.dto.js';
import { ROOM, WORKER, type RoomServer, type RoomSocket, type Roster } from './room.js';
import { RosterService } from './roster.service.js';

/**
 * A room with members on all workers. The gateway is the same as for one process: its events reach the whole cluster.
 */
@WebSocketGateway({ path: '/ws' })
@UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
export class RoomGateway {
  @WebSocketServer() private readonly server!: RoomServer;

  constructor(private readonly roster: RosterService) {}

  /** Joins the room, or changes the member's name. The response names the worker of the connection. */
  @SubscribeMessage('join')
  async join(
    @ConnectedSocket() client: RoomSocket,
    @MessageBody() { name }: JoinDto,
  ): Promise<{ worker: string; roster: Roster }> {
    client.data = { name, worker: WORKER };
    await client.join(ROOM);
    return { worker: WORKER, roster: this.roster.current };
  }

  /** Emits the message to all members, including the sender. */
  @SubscribeMessage('message')
  message(@ConnectedSocket() client: RoomSocket, @MessageBody() { text }: MessageDto): void {
    if (!client.rooms.has(ROOM)) throw new WsException('Join first');
    this.server.to(ROOM).emit('message', { ...client.data, text });
  }
}
