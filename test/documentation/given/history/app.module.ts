import { Module } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from 'nestjs-envelope';

@WebSocketGateway({ path: '/rooms' })
export class RoomsGateway {
  @SubscribeMessage('enter')
  enter(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string) {
    return client.join(room, { rewind: 1 });
  }
}

@Module({ providers: [RoomsGateway] })
export class AppModule {}
