import { OnGatewayConnection, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets'
import type { IncomingMessage } from 'http'
import { Server, WebSocket } from 'ws'

@WebSocketGateway({ path: '/live' })
export class EventsGateway implements OnGatewayConnection {
  @WebSocketServer() server: Server

  handleConnection(client: WebSocket, request: IncomingMessage) {
    client.send(JSON.stringify({ event: 'hello', data: request.url }))
  }

  @SubscribeMessage('news')
  news(client: WebSocket, data: string) {
    for (const other of this.server.clients) if (other !== client) other.send(JSON.stringify({ event: 'news', data }))
  }
}
