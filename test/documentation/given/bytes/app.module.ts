import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ path: '/files' })
export class FilesGateway {
  @SubscribeMessage('upload')
  upload(@MessageBody('bytes') bytes: Buffer): number {
    return bytes.length;
  }
}

@Module({ providers: [FilesGateway] })
export class AppModule {}
