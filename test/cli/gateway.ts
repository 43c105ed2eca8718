import { UnauthorizedException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { interval, of } from 'rxjs';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { deferred } from '../support/wait.js';

/** What the tests call. */
@WebSocketGateway({ path: '/ws' })
export class CliGateway {
  @WebSocketServer() server!: EnvelopeServer;
  /** All data of `note`. */
  readonly notes: unknown[] = [];
  /** Lets `held` answer. */
  release = deferred();
  /** The number of calls of `held`. */
  requests = 0;
  disconnects = 0;

  handleDisconnect(): void {
    this.disconnects++;
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return { event: 'echo', data };
  }

  @SubscribeMessage('note')
  note(@MessageBody() data: unknown): void {
    this.notes.push(data);
  }

  @SubscribeMessage('fail')
  fail(): void {
    throw new UnauthorizedException(['no name', 'no password']);
  }

  @SubscribeMessage('three')
  three(): unknown {
    return of('a', 'b', 'c');
  }

  @SubscribeMessage('endless')
  endless(): unknown {
    return interval(1);
  }

  @SubscribeMessage('held')
  async held(): Promise<string> {
    this.requests++;
    await this.release.promise;
    return 'released';
  }

  @SubscribeMessage('never')
  never(): Promise<void> {
    return new Promise(() => undefined);
  }

  @SubscribeMessage('watch')
  watch(@ConnectedSocket() client: EnvelopeSocket, @MessageBody('id') id: number): unknown {
    client.emit('changed', { id, state: 'one' });
    client.emit('other', 1);
    client.emit('changed', { id, state: 'two' });
    return { id };
  }

  @SubscribeMessage('kick')
  kick(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() code: number): void {
    client.close(code, 'kicked');
  }
}

/** All tokens that the guard accepted. */
const SEEN: unknown[] = [];

class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    if (client.handshake.auth['token'] === 'wrong') throw new UnauthorizedException('this token is wrong');
    const { token } = client.handshake.auth;
    if (String(token).startsWith('expiring')) client.expiresAt = Date.now() + 3_000;
    // $auth is for the same user
    client.user = { id: 'ada' };
    client.data.token = token;
    SEEN.push(token);
    return true;
  }
}

/** Answers with what a client presented. */
@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/guarded', cors: { origin: 'https://page.example' } })
export class GuardedGateway {
  @WebSocketServer() server!: EnvelopeServer;
  /** All tokens that the guard accepted. */
  readonly tokens = SEEN;

  @SubscribeMessage('me')
  me(@ConnectedSocket() client: EnvelopeSocket): unknown {
    const { headers, auth, query } = client.handshake;
    const { authorization, cookie, origin, 'x-tenant': tenant } = headers;
    return { auth, query, authorization, cookie, origin, tenant, token: client.data.token };
  }
}

/** A namespace for each room. */
@WebSocketGateway({ path: '/rooms/:room' })
export class RoomsGateway {
  @SubscribeMessage('where')
  where(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.handshake.params;
  }
}
