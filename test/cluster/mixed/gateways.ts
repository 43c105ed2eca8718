import type { Type } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { Namespace, Socket } from 'socket.io';
import type { NodeName } from './mixed-cluster.js';

/** The paths of the gateways. Namespaces of RegExp are `/room-…`. */
export const PATHS = ['/', '/chat', '/team/chat'] as const;

/** Returns the gateways of a node. Both kinds of nodes have the same ones, without a line that differs. */
export function mixedGateways(node: NodeName): Type<{ server: Namespace }>[] {
  class Members implements OnGatewayInit {
    @WebSocketServer() server!: Namespace;

    afterInit(server: Namespace): void {
      server.on('question' as never, (...args: unknown[]) => {
        const answer = args.pop() as (value: unknown) => void;
        answer({ node, args });
      });
      server.on('note' as never, (...args: unknown[]) => {
        server.local.emit('noted', { node, args });
      });
    }

    @SubscribeMessage('join')
    async join(@ConnectedSocket() client: Socket, @MessageBody() rooms: string[]) {
      await client.join(rooms);
      Object.assign(client.data as object, { rooms });
      return client.id;
    }
    @SubscribeMessage('tell')
    tell(@ConnectedSocket() client: Socket, @MessageBody() { to, args }: { to?: string; args: unknown[] }) {
      const others = to === undefined ? client.broadcast : client.to(to);
      others.emit('told', ...args);
      return true;
    }
  }

  @WebSocketGateway()
  class RootGateway extends Members {}
  @WebSocketGateway({ namespace: 'chat' })
  class ChatGateway extends Members {}
  @WebSocketGateway({ namespace: 'team/chat' })
  class TeamGateway extends Members {}
  @WebSocketGateway({ namespace: /^\/room-\d+$/ })
  class RoomsGateway extends Members {}
  return [RootGateway, ChatGateway, TeamGateway, RoomsGateway];
}
