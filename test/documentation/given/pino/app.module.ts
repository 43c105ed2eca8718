import { Module } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';

@WebSocketGateway({ path: '/ws' })
export class FailingGateway {
  @SubscribeMessage('fails')
  fail(): never {
    throw new Error('the database is away');
  }
  @SubscribeMessage('refuses')
  refuse(): never {
    throw new WsException('not you');
  }
}

@Module({ providers: [FailingGateway] })
export class AppModule {}
