import { OnGatewayConnection, WebSocketGateway, WebSocketServer } from '@nestjs/websockets'
import { WebSocket } from 'ws'
import { EnvelopeServer, EnvelopeSocket } from 'nestjs-envelope'

@WebSocketGateway({ path: '/feed' })
export class FeedGateway implements OnGatewayConnection {
  @WebSocketServer() server: EnvelopeServer
  private readonly readers = new Set<EnvelopeSocket>()

  handleConnection(client: EnvelopeSocket) {
    client.on('message', (raw) => this.publish(String(raw)))
    this.readers.add(client)
  }

  publish(text: string) {
    for (const reader of this.readers) if (reader.readyState === WebSocket.OPEN) reader.send(text)
  }
}
