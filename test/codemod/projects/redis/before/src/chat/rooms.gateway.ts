import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets'
import type { Server as IoServer, Socket } from 'socket.io'

@WebSocketGateway({
    cleanupEmptyChildNamespaces: true, // goes

    namespace: /^\/room-\d+$/,
    path: '/socket.io',
})
export class RoomsGateway {
    @WebSocketServer() private readonly server!: IoServer

    @SubscribeMessage('who')
    async who(client: Socket) {
        const sockets = await this.server.fetchSockets()
        return { mine: client.id, all: sockets.map(({ id }) => id) }
    }
}
