import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer } from 'nestjs-envelope';

@WebSocketGateway({ path: '/ws/chat' })
export class ChatGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('say')
  say(@MessageBody() text: string): string {
    this.server.emit('said', text);
    return text;
  }
}

@Module({ providers: [ChatGateway] })
export class AppModule {}
