import {
  Injectable,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { httpStreaming, type HttpStreamingOptions } from '../../lib/http-streaming/index.js';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { until } from '../support/wait.js';

/** Lets clients in that show a token, which is the name of the user; those without one are anonymous. */
@Injectable()
class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { token } = client.handshake.auth;
    if (token === 'wrong') throw new UnauthorizedException('who are you?');
    const name = (token as string | undefined) ?? client.cookies['sid'];
    if (name !== undefined) client.user = { id: name };
    return true;
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/ws' })
export class StreamGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly connected: EnvelopeSocket[] = [];
  readonly disconnected: [client: EnvelopeSocket, reason: string][] = [];
  readonly heard: unknown[] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.connected.push(client);
    client.join('room');
  }
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    this.disconnected.push([client, reason]);
  }
  @SubscribeMessage('say')
  say(@MessageBody() data: unknown): unknown {
    this.heard.push(data);
    return data;
  }
  @SubscribeMessage('user')
  user(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return (client.user as { id: string } | undefined)?.id ?? null;
  }

  get last(): EnvelopeSocket {
    return this.connected.at(-1)!;
  }
  /** Returns why the client has disconnected, with the close code. */
  async endOf(client: EnvelopeSocket): Promise<[reason: string, code: number]> {
    const find = (): [EnvelopeSocket, string] | undefined =>
      this.disconnected.find(([gone]) => gone === client);
    await until('handleDisconnect', () => find() !== undefined);
    return [find()![1], client._lifecycle.closed!.code];
  }
}

export interface StreamApp {
  app: TestApp;
  gateway: StreamGateway;
  port: number;
}

/** Starts an application with the gateway on `/ws`. It is closed after the test. */
export async function startStreaming(
  adapter: EnvelopeOptions = {},
  streaming: HttpStreamingOptions = {},
  options: AppOptions = {},
): Promise<StreamApp> {
  const app = await startApp(
    { providers: [StreamGateway, TokenGuard] },
    { ...options, adapter: { ...adapter, transports: [httpStreaming(streaming)] } },
  );
  return { app, gateway: app.nest.get(StreamGateway), port: app.port };
}
