import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { defer, finalize, interval, NEVER, of, throwError, type Observable } from 'rxjs';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';

/** Events that the server emits. */
export interface FromServer {
  said: (text: string) => void;
  question: (data: string, answer: (text: string) => void) => void;
  where: (answer: (text: string) => void) => void;
}

/** Events that the server handles. */
export interface FromClient {
  say: (text: string) => void;
  sum: (numbers: number[], answer: (sum: number) => void) => void;
  refuse: (answer: (never: never) => void) => void;
  never: (answer: (never: never) => void) => void;
  ticks: (count: number, answer: (tick: number) => void) => void;
  forever: (answer: (tick: number) => void) => void;
  broken: (answer: (tick: number) => void) => void;
  ask: (question: string, answer: (text: string) => void) => void;
  askWhere: (answer: (text: string) => void) => void;
  whoami: (answer: (user: unknown) => void) => void;
}

/** A gateway with one handler of each kind. */
@WebSocketGateway({ path: '/talk' })
export class TestGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly clients: EnvelopeSocket[] = [];
  readonly said: string[] = [];
  /** The number of streams that are being read. */
  readers = 0;

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
    void client.join('room');
  }

  get last(): EnvelopeSocket {
    return this.clients.at(-1)!;
  }

  @SubscribeMessage('say')
  say(@MessageBody() text: string): void {
    this.said.push(text);
  }
  @SubscribeMessage('sum')
  sum(@MessageBody() numbers: number[]): number {
    return numbers.reduce((sum, number) => sum + number, 0);
  }
  @SubscribeMessage('refuse')
  refuse(): never {
    throw new WsException('not today');
  }
  @SubscribeMessage('never')
  never(): Observable<never> {
    return NEVER;
  }
  @SubscribeMessage('ticks')
  ticks(@MessageBody() count: number): Observable<number> {
    return of(...Array.from({ length: count }, (_, i) => i));
  }
  @SubscribeMessage('forever')
  forever(): Observable<number> {
    return this.counted(interval(1));
  }
  @SubscribeMessage('broken')
  broken(): Observable<number> {
    return throwError(() => new WsException('out of order'));
  }
  @SubscribeMessage('ask')
  ask(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() question: string): Promise<unknown> {
    return client.timeout(20_000).emitWithAck('question', question);
  }
  @SubscribeMessage('askWhere')
  askWhere(@ConnectedSocket() client: EnvelopeSocket): Promise<unknown> {
    return client.timeout(20_000).emitWithAck('where');
  }
  @SubscribeMessage('whoami')
  whoami(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return { auth: client.handshake.auth, user: client.user as unknown };
  }

  private counted<Value>(source: Observable<Value>): Observable<Value> {
    return defer(() => {
      this.readers++;
      return source;
    }).pipe(finalize(() => this.readers--));
  }
}

/** Accepts a client whose token is in `tokens`. */
export class TokenGuard implements CanActivate {
  static readonly tokens = new Map<string, { id: string; expiresAt?: number }>();

  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const known = TokenGuard.tokens.get(String(client.handshake.auth['token']));
    if (known === undefined) return false;
    client.user = { id: known.id };
    if (known.expiresAt !== undefined) client.expiresAt = known.expiresAt;
    return true;
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/guarded' })
export class GuardedGateway {
  @SubscribeMessage('whoami')
  whoami(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.user;
  }
}
