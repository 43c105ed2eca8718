import {
  BadRequestException,
  UnauthorizedException,
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
import { EnvelopeExplorer } from '../../lib/explorer/index.js';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';

/** The token and the cookie that the console accepts. */
export const TOKEN = 'the secret of ada';
export const COOKIE = { name: 'session', value: 'ada' };

/** A name that is HTML. */
export const HOSTILE = '<img src=x onerror="window.hacked=1">';

/** Accepts an admin with the token or the cookie. */
export class AdminGuard implements CanActivate {
  /** Whether it accepts nobody. */
  static isClosed = false;

  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { handshake, cookies } = client;
    const isKnown = handshake.auth.token === TOKEN || cookies[COOKIE.name] === COOKIE.value;
    if (AdminGuard.isClosed || !isKnown) throw new UnauthorizedException();
    client.user = { id: 'ada' };
    return true;
  }
}

/** Makes the query `name` the user. */
class NameGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { name } = client.handshake.query;
    if (name !== undefined) client.user = { id: name };
    return true;
  }
}

@UseGuards(NameGuard)
@WebSocketGateway({ path: '/talk' })
export class TalkGateway {
  @WebSocketServer() server!: EnvelopeServer;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    const { room } = client.handshake.query;
    if (room !== undefined) await client.join(room);
  }

  @SubscribeMessage('say')
  say(@MessageBody() text: string): { heard: string } {
    return { heard: text };
  }

  @SubscribeMessage('refuse')
  refuse(@ConnectedSocket() _: EnvelopeSocket): void {
    throw new BadRequestException('never');
  }
}

export interface ConsoleOptions {
  readonly readOnly?: boolean;
  readonly payloads?: boolean;
}

/** Adds the console on /ws-docs/console to an application. */
export function setUpConsole(app: INestApplication, options: ConsoleOptions = {}): void {
  EnvelopeExplorer.setup('ws-docs', app, { title: 'Talk', admin: { guards: [AdminGuard], ...options } });
}
