import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { connect, type ClientSocket } from '../../lib/client/node.js';
import { states, type OtherState, type RoomStates } from '../../lib/client/presence.js';
import { startApp, type TestApp } from '../support/app.js';
import { until } from '../support/wait.js';

export const ROOM = 'board:1';

/** Clients join and leave rooms as they like. States of boards and halls are shared, those of yards are not. */
@WebSocketGateway({ path: '/ws' })
export class StatesGateway {
  @WebSocketServer() server!: EnvelopeServer;

  afterInit(server: EnvelopeServer): void {
    server.presence
      .shareStates(/^board:/, { every: 5, maxStates: 20 })
      .shareStates('slow', { every: 50 })
      .shareStates('hall', {
        event: 'hall',
        every: 5,
        maxBytes: 100,
        accept: (state: { x?: number }, client: EnvelopeSocket, room: string) => {
          if (state.x === 13) throw new WsException('thirteen is taken');
          if (state.x === 14) throw new Error('a fault of the application');
          return state.x !== undefined && client.rooms.has(room);
        },
      });
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.join(room);
  }
  @SubscribeMessage('leave')
  async leave(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.leave(room);
  }
  @SubscribeMessage('track')
  track(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() key: string): void {
    this.server.presence.track(client, key);
  }
  @SubscribeMessage('untrack')
  untrack(@ConnectedSocket() client: EnvelopeSocket): void {
    this.server.presence.untrack(client);
  }
}

export interface Node {
  app: TestApp;
  server: EnvelopeServer;
}

export async function startNode(options: EnvelopeOptions = {}, providers: object[] = []): Promise<Node> {
  const app = await startApp(
    { providers: [StatesGateway, ...(providers as never[])] },
    { adapter: { ...options, limits: { messagesPerSecond: false, maxConnectionsPerAddress: false } } },
  );
  return { app, server: app.nest.get(StatesGateway).server };
}

/** Cuts the connection of a client, which comes back. */
export function cut(nodes: readonly Node[], socket: ClientSocket): void {
  for (const { server } of nodes) server.sockets.get(socket.id ?? '')?.ws.terminate();
}

/** A client, and what it knows of the states in one room. */
export interface Page {
  socket: ClientSocket;
  room: RoomStates;
}

export class Pages {
  readonly all = new Set<Page>();

  /** Opens a client that is in no room. */
  open({ app }: Node, name = ROOM, event?: string): Page {
    const socket = connect(app.url('/ws'), { reconnectionDelay: 5, reconnectionDelayMax: 10 });
    const page: Page = { socket, room: states(socket, name, event) };
    this.all.add(page);
    return page;
  }

  /** Opens a client that is in the room, and knows the states there. */
  async enter(node: Node, name = ROOM, event?: string): Promise<Page> {
    const page = this.open(node, name, event);
    await page.socket.emitWithAck('join', name);
    await until('the states', () => page.room.isCurrent);
    return page;
  }

  close(): void {
    for (const { socket, room } of this.all) {
      room.stop();
      socket.disconnect();
    }
    this.all.clear();
  }
}

/** Returns states as text, in any order. */
export const textOf = (others: readonly OtherState[]): string =>
  others
    .map(({ key, state }) => `${key === undefined ? '' : `${key} `}${JSON.stringify(state)}`)
    .sort()
    .join('; ');

/** Waits until a page shows these states of others. */
export async function shows({ room }: Page, text: string): Promise<void> {
  const shown = (): string => (room.isCurrent ? textOf(room.others) : 'out of date');
  await until(`"${text}"`, () => shown() === text).catch((error: unknown) => {
    throw new Error(`${String(error)}: it shows "${shown()}"`);
  });
}
