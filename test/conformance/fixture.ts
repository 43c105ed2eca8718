import { ForbiddenException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  type OnGatewayInit,
} from '@nestjs/websockets';
import { defer, finalize, NEVER, range, startWith, type Observable } from 'rxjs';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions, type Limits } from '../../lib/index.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import { deferred } from '../support/wait.js';

/** The gateways that README.md in this folder asks of a server, for our own server. */
@WebSocketGateway({ path: '/protocol' })
class ProtocolGateway {
  @WebSocketServer() server!: EnvelopeServer;
  private readonly held: ReturnType<typeof deferred<unknown>>[] = [];
  private readonly sources: string[] = [];

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('nothing')
  nothing(): void {}
  @SubscribeMessage('rename')
  rename(@MessageBody() data: unknown): unknown {
    return { event: 'renamed', data };
  }
  @SubscribeMessage('count')
  count(@MessageBody() count: number): Observable<number> {
    return range(0, count);
  }
  @SubscribeMessage('endless')
  endless(@MessageBody() tag: string): Observable<number> {
    return this.counted(tag, NEVER.pipe(startWith(0)));
  }
  @SubscribeMessage('never')
  never(@MessageBody() tag: string): Observable<never> {
    return this.counted(tag, NEVER);
  }
  @SubscribeMessage('sources')
  running(@MessageBody() tag: string): number {
    return this.sources.filter((source) => source === tag).length;
  }
  @SubscribeMessage('hold')
  hold(): Promise<unknown> {
    const pending = deferred<unknown>();
    this.held.push(pending);
    return pending.promise;
  }
  @SubscribeMessage('release')
  release(@MessageBody() data: unknown): void {
    this.held.pop()?.resolve(data);
  }
  @SubscribeMessage('fail')
  fail(@MessageBody() message: string): never {
    throw new WsException(message);
  }
  @SubscribeMessage('forbid')
  forbid(@MessageBody() message: string): never {
    throw new ForbiddenException(message);
  }
  @SubscribeMessage('break')
  break(): never {
    throw new Error('a secret of the server');
  }
  @SubscribeMessage('ask')
  ask(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() question: unknown): Promise<unknown> {
    return client.timeout(4_000).emitWithAck('question', question);
  }
  @SubscribeMessage('tell')
  tell(@MessageBody() data: unknown): void {
    this.server.emit('told', data);
  }
  @SubscribeMessage('goodbye')
  goodbye(@ConnectedSocket() client: EnvelopeSocket): void {
    client.disconnect();
  }
  @SubscribeMessage('cut')
  cut(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: unknown): void {
    client.on('disconnect', () => this.server.emit('told', data));
    // like a failing network: `client.terminate()` is a decision of the application, and ends the session
    client.ws.terminate();
  }

  private counted<Value>(tag: string, source: Observable<Value>): Observable<Value> {
    return defer(() => {
      this.sources.push(tag);
      return source;
    }).pipe(finalize(() => this.sources.splice(this.sources.indexOf(tag), 1)));
  }
}

class GoodTokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { token } = client.handshake.auth;
    if (token === 'broken') throw new Error('a secret of the guard');
    const [word = '', life] = String(token).split(' for ');
    if (life !== undefined) client.expiresAt = Date.now() + Number(life);
    return word.startsWith('good');
  }
}

@UseGuards(GoodTokenGuard)
@WebSocketGateway({ path: '/protocol/guarded' })
class GuardedGateway {
  @SubscribeMessage('token')
  token(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.handshake.auth['token'];
  }
}

@WebSocketGateway({
  path: '/protocol/strict',
  limits: { messagesPerSecond: 0.001, messageBurst: 20, maxRooms: 3 },
})
class StrictGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.join(room);
  }
}

@WebSocketGateway({ path: '/protocol/refusing' })
class RefusingGateway implements OnGatewayInit<EnvelopeServer> {
  afterInit(server: EnvelopeServer): void {
    server.use((_client, next) => next(new Error('refused')));
  }
}

@WebSocketGateway({ path: '/protocol/pinging', pingInterval: 300, pingTimeout: 700 })
class PingingGateway {}

const providers = [ProtocolGateway, GuardedGateway, StrictGateway, RefusingGateway, PingingGateway];

/** Starts our own server with these gateways. The caller closes it. */
export function startFixture(limits: Limits = {}, adapter: EnvelopeOptions = {}): Promise<TestApp> {
  const recovery = { maxDisconnectionDuration: 60_000 };
  return startSharedApp({ providers }, { adapter: { recovery, limits, ...adapter } });
}
