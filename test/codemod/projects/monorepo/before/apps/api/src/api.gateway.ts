import { WebSocketGateway } from '@nestjs/websockets';
import * as io from 'socket.io';

@WebSocketGateway(3001, { path: '/api' })
export class ApiGateway {
  handleConnection(client: io.Socket) {
    client.emit('hello', client.id);
  }
}
