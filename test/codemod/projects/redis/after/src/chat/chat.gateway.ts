import {
  ConnectedSocket,
  MessageBody,
  OnGatewayConnection,
  OnGatewayInit,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type DefaultEventsMap } from 'nestjs-envelope';
import type { ChatEvents } from './events';

type ChatSocket = EnvelopeSocket<DefaultEventsMap, ChatEvents, DefaultEventsMap, { name: string }>;

@WebSocketGateway( { namespace: 'chat', cors: { origin: '*' } } )
export class ChatGateway implements OnGatewayInit, OnGatewayConnection {
  @WebSocketServer() server: EnvelopeServer<DefaultEventsMap, ChatEvents>;

  afterInit(server: EnvelopeServer) {
    server.use((socket, next) => next(socket.handshake.auth.token ? undefined : new Error('no token')));
  }

  async handleConnection(client: ChatSocket) {
    client.data.name = 'Ada';   // odd   spacing  stays
    await client.join( 'lobby' );
  }

  @SubscribeMessage('message')
  message(@ConnectedSocket() client: ChatSocket, @MessageBody() text: string): { event: string, data: string } {
    client.to('lobby').emit('said', { from: client.id, text });
    const Server = 'a name that hides the type';
    return { event: 'said', data: Server };
  }
}
