import {
  ForbiddenException,
  Injectable,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeExplorer, type AdminOptions } from '../../lib/explorer/index.js';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';

/** Who may use the console: a provider, so that the guard has something to inject. */
@Injectable()
export class Admins {
  readonly names = new Set(['ada']);
}

/** Accepts the admins, at the upgrade and at each request. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(readonly admins: Admins) {}

  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { name } = client.handshake.auth;
    if (!this.admins.names.has(String(name))) throw new ForbiddenException('no admin');
    client.user = { id: name };
    return true;
  }
}

/** Names the user of a client by its query. */
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { user } = client.handshake.query;
    if (user !== undefined) client.user = { id: user };
    return true;
  }
}

@UseGuards(UserGuard)
@WebSocketGateway({ path: '/ws', limits: { maxRoomNameLength: 100 } })
export class ChatGateway {
  @WebSocketServer() server!: EnvelopeServer;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    const { rooms } = client.handshake.query;
    if (rooms !== undefined) await client.join(String(rooms).split(','));
  }
  @SubscribeMessage('say')
  say(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() text: unknown): unknown {
    client.emit('heard', text);
    this.server.local.emit('said', text);
    return { text };
  }
  @SubscribeMessage('rooms')
  rooms(@ConnectedSocket() client: EnvelopeSocket): string[] {
    return [...client.rooms].map(String).filter((room) => room !== client.id);
  }
}

@WebSocketGateway({ path: '/tables', namespace: /^\/t-\d+$/ })
export class TableGateway {}

/** The providers of the chat. */
export const PROVIDERS = [Admins, ChatGateway, TableGateway];

/** Serves the explorer with its console on /ws-docs. */
export function setUpConsole(app: INestApplication, admin: Partial<AdminOptions> = {}): void {
  EnvelopeExplorer.setup('ws-docs', app, { admin: { guards: [AdminGuard], ...admin } });
}
