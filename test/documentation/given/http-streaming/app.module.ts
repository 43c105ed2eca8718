import { Module } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from 'nestjs-envelope';

@WebSocketGateway({ path: '/chat' })
export class ChatGateway {
  handleConnection(client: EnvelopeSocket): void {
    void client.join('lobby');
  }
  @SubscribeMessage('say')
  say(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() text: string): void {
    client.to('lobby').emit('said', text);
  }
}

@Module({ providers: [ChatGateway] })
export class AppModule {}
