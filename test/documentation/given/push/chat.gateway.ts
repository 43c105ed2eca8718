import { WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from 'nestjs-envelope';

@WebSocketGateway()
export class ChatGateway {
  handleConnection(client: EnvelopeSocket): void {
    void client.join('acme');
  }
}
