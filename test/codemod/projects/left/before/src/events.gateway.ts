import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter } from '@socket.io/redis-adapter';
import { ExtendedError, Server, Socket } from 'socket.io';
import { OPTIONS } from './options';

declare module 'socket.io' {
  interface Socket {
    account: string;
  }
}

@WebSocketGateway({ parser: require('socket.io-msgpack-parser'), serveClient: true, transports: ['websocket'] })
export class EventsGateway {
  @WebSocketServer() server: Server;

  afterInit(server: Server) {
    server.adapter(createAdapter(a, b));
    server.engine.use((req, res, next) => next());
    server.use((socket, next: (error?: ExtendedError) => void) => next());
    console.log(server.engine.clientsCount, this.server.adapter.rooms, server.path);
  }

  @SubscribeMessage('exception')
  exception() {}

  @SubscribeMessage('$state')
  async state(client: Socket) {
    client.send('hello');
    client.emit('connect', await this.server.allSockets());
  }
}

@WebSocketGateway(OPTIONS)
export class OtherGateway {}

@WebSocketGateway({ ...OPTIONS, path: PATH })
export class ThirdGateway {}
