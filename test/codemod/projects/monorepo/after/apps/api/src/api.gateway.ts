import { WebSocketGateway } from '@nestjs/websockets';
import * as io from 'nestjs-envelope';

@WebSocketGateway(3001)
export class ApiGateway {
  handleConnection(client: io.EnvelopeSocket) {
    client.emit('hello', client.id);
  }
}
