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

  /** The published types leave out internal members, which this class has in the sources. */
  handleConnection(client: EnvelopeSocket): void {
    this.server.presence.track(client, client.id);
  }

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
