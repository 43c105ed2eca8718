import type { INestApplication, Type } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayInit,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../../lib/index.js';

/** A request of one node to the others. */
export interface Question {
  text: string;
  /** The node that does not answer. */
  silent?: string;
}

/** Returns the same gateways for each node: `/ws`, `/ws/other`, and namespaces `/ws/dyn-…` and `/ws/odd-…`. */
export function clusterGateways(node: string): Type[] {
  class Members implements OnGatewayInit {
    @WebSocketServer() server!: EnvelopeServer;

    afterInit(server: EnvelopeServer): void {
      // forwards what the server received to this node's clients
      server.on('note', (data: unknown) => server.local.emit('noted', { node, data }));
      server.on('question', (question: Question, answer: (value: unknown) => void) => {
        if (question.silent !== node) answer({ node, text: question.text });
      });
    }

    @SubscribeMessage('whoami')
    whoami(@ConnectedSocket() client: EnvelopeSocket) {
      return { id: client.id, node };
    }

    @SubscribeMessage('join')
    async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() rooms: string[]) {
      await client.join(rooms);
      return true;
    }

    @SubscribeMessage('keep')
    keep(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: object) {
      Object.assign(client.data as object, data);
      return true;
    }
  }

  @WebSocketGateway({ path: '/ws' })
  class MainGateway extends Members {}
  @WebSocketGateway({ path: '/ws', namespace: 'other' })
  class OtherGateway extends Members {}
  @WebSocketGateway({ path: '/ws', namespace: /^\/dyn-\w+$/ })
  class DynamicGateway extends Members {}
  /** A namespace whose name clients choose. */
  @WebSocketGateway({ path: '/ws', namespace: /^\/odd-[^/"#]+$/ })
  class OddGateway extends Members {
    /** Emits to the clients of all names, or to a room. */
    @SubscribeMessage('broadcast')
    broadcast(@MessageBody() { room, data }: { room?: string; data: unknown }) {
      (room === undefined ? this.server : this.server.to(room)).emit('announcement', data);
    }
  }
  return [MainGateway, OtherGateway, DynamicGateway, OddGateway];
}

/** Returns the server of `/ws` in an application with these gateways. Its `of` returns the others. */
export function serverIn(app: INestApplication, gateways: readonly Type[]): EnvelopeServer {
  return app.get<{ server: EnvelopeServer }>(gateways[0]!).server;
}
