import { Module } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from 'nestjs-envelope';

@WebSocketGateway({ path: '/ws' })
export class AppGateway {
  @WebSocketServer()
  readonly server!: EnvelopeServer;

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }

  /** Handlers receive instances of the exported classes. */
  @SubscribeMessage('classes')
  classes(@ConnectedSocket() client: EnvelopeSocket): boolean[] {
    return [client instanceof EnvelopeSocket, this.server instanceof EnvelopeServer];
  }
}

@Module({ providers: [AppGateway] })
export class AppModule {}
