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
import type { AdminFailure, AdminRequests } from '../../lib/explorer/admin/wire.js';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { TestClient, type ConnectOptions } from '../support/client.js';

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

/** Starts a chat with its console on /ws-docs/console/live. */
export function startConsole(admin: Partial<AdminOptions> = {}, options: AppOptions = {}): Promise<TestApp> {
  const setup = (app: INestApplication): void =>
    EnvelopeExplorer.setup('ws-docs', app, { admin: { guards: [AdminGuard], ...admin } });
  return startApp({ providers: [Admins, ChatGateway, TableGateway] }, { before: setup, ...options });
}

/** The credentials of an admin, as a page sends them. */
export function credentials(name: string): string[] {
  return ['envelope.v1', `envelope.auth.${Buffer.from(JSON.stringify({ name })).toString('base64url')}`];
}

/** An admin's connection to the console. */
export class Admin {
  private constructor(readonly client: TestClient) {}

  static async connect(app: TestApp, name = 'ada', options: ConnectOptions = {}): Promise<Admin> {
    const client = await app.connect('/ws-docs/console/live', { protocols: credentials(name), ...options });
    await client.next('$session');
    return new Admin(client);
  }

  /** Sends a request. Resolves with its answer. @throws (rejects) Error on an exception */
  async ask<Event extends keyof AdminRequests>(
    event: Event,
    ...data: AdminRequests[Event]['data'] extends undefined ? [] : [AdminRequests[Event]['data']]
  ): Promise<AdminRequests[Event]['answer']> {
    const answer = await this.client.ask(event, data[0]);
    if (answer.event === 'exception') throw new Error(JSON.stringify(answer.data));
    return answer.data as AdminRequests[Event]['answer'];
  }

  /** Sends any request. Resolves with the exception that answers it. */
  async refusal(event: string, data?: unknown): Promise<AdminFailure> {
    const answer = await this.client.ask(event, data);
    expect(answer).toMatchObject({ event: 'exception', data: { status: 'error' } });
    return answer.data as AdminFailure;
  }
}

/** Connects a client of the chat, and returns it with its id. */
export async function connectMember(
  app: TestApp,
  query: { user?: string; rooms?: string } = {},
): Promise<{ client: TestClient; id: string }> {
  const search = new URLSearchParams(query).toString();
  const client = await app.connect(`/ws?${search}`, { protocols: ['envelope.v1'] });
  const { data } = await client.next('$session');
  await client.settled();
  return { client, id: (data as { id: string }).id };
}
