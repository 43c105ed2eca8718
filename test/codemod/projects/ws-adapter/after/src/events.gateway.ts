import { OnGatewayConnection, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets'
import type { IncomingMessage } from 'http'
import { EnvelopeServer, EnvelopeSocket } from 'nestjs-envelope'

@WebSocketGateway({ path: '/live' })
export class EventsGateway implements OnGatewayConnection {
  @WebSocketServer() server: EnvelopeServer

  handleConnection(client: EnvelopeSocket, request: IncomingMessage) {
    client.send(JSON.stringify({ event: 'hello', data: request.url }))
  }

  @SubscribeMessage('news')
  news(client: EnvelopeSocket, data: string) {
    for (const other of this.server.clients) if (other !== client) other.send(JSON.stringify({ event: 'news', data }))
  }
}
