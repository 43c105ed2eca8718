import {
  ConnectedSocket,
  MessageBody,
  OnGatewayConnection,
  OnGatewayInit,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { Namespace, Server, Socket, type DefaultEventsMap } from 'socket.io';
import type { ChatEvents } from './events';

type ChatSocket = Socket<DefaultEventsMap, ChatEvents, DefaultEventsMap, { name: string }>;

@WebSocketGateway( { namespace: 'chat', cors: { origin: '*' }, serveClient: false } )
export class ChatGateway implements OnGatewayInit, OnGatewayConnection {
  @WebSocketServer() server: Namespace<DefaultEventsMap, ChatEvents>;

  afterInit(server: Server) {
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
