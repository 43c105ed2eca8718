import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';

/** What a client asks for when it enters a room. */
export interface Enter {
  room: string;
  after?: string | undefined;
  rewind?: number | undefined;
}

/** Sessions belong to users. */
class SomeUser implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    context.switchToWs().getClient<EnvelopeSocket>().user = { id: 1 };
    return true;
  }
}

@UseGuards(SomeUser)
@WebSocketGateway({ path: '/ws' })
export class RoomsGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('enter')
  enter(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() { room, after, rewind }: Enter) {
    return client.join(room, { after, rewind });
  }

  @SubscribeMessage('exit')
  async exit(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() { room }: Enter) {
    await client.leave(room);
    return true;
  }

  @SubscribeMessage('say')
  say(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() { room, text }: { room: string; text: string },
  ) {
    client.to(room).emit('said', text);
    return true;
  }
}

/** A running application with the rooms of {@link RoomsGateway}. */
export interface HistoryNode {
  readonly app: TestApp;
  readonly server: EnvelopeServer;
}

export async function startNode(options: EnvelopeOptions): Promise<HistoryNode> {
  const app = await startApp({ providers: [RoomsGateway] }, { adapter: options });
  return { app, server: app.nest.get(RoomsGateway).server };
}

/** Cuts all connections of a node, as a network does. */
export function cutAll({ server }: HistoryNode): void {
  for (const client of server.sockets.values()) client.request.socket.destroy();
}
