import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets'
import type { EnvelopeServer as IoServer, EnvelopeSocket } from 'nestjs-envelope'

@WebSocketGateway({
    namespace: /^\/room-\d+$/,
})
export class RoomsGateway {
    @WebSocketServer() private readonly server!: IoServer

    @SubscribeMessage('who')
    async who(client: EnvelopeSocket) {
        const sockets = await this.server.fetchSockets()
        return { mine: client.id, all: sockets.map(({ id }) => id) }
    }
}
