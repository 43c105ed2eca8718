import { OnGatewayConnection, WebSocketGateway, WebSocketServer } from '@nestjs/websockets'
import { Server, WebSocket } from 'ws'

@WebSocketGateway({ path: '/feed' })
export class FeedGateway implements OnGatewayConnection {
  @WebSocketServer() server: Server
  private readonly readers = new Set<WebSocket>()

  handleConnection(client: WebSocket) {
    client.on('message', (raw) => this.publish(String(raw)))
    this.readers.add(client)
  }

  publish(text: string) {
    for (const reader of this.readers) if (reader.readyState === WebSocket.OPEN) reader.send(text)
  }
}
