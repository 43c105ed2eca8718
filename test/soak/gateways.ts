import { UnauthorizedException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { interval, map } from 'rxjs';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';

const ROOMS = ['red', 'green', 'blue'];
const ANSWER_TIMEOUT = 100;
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

/** A gateway that uses everything that keeps state. */
export class BusyGateway {
  @WebSocketServer() server!: EnvelopeServer;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await client.join(ROOMS[client.id.charCodeAt(0) % ROOMS.length]!);
    client.on('close', () => undefined);
    client.on('listener', (_data: unknown, ack?: (data: unknown) => void) => ack?.('listener'));
    client.onAny(() => undefined);
    client.use((_event, next) => next());
  }
  async handleDisconnect(): Promise<void> {
    await pause(1);
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('later')
  async later(@MessageBody() data: unknown): Promise<unknown> {
    await pause(20);
    return data;
  }
  @SubscribeMessage('ticks')
  ticks(): unknown {
    return interval(5).pipe(map((tick) => ({ tick })));
  }
  @SubscribeMessage('values')
  async *values(): AsyncGenerator<number> {
    for (let value = 0; ; value++) {
      await pause(3);
      yield value;
    }
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: unknown): Promise<void> {
    const rooms = Array.isArray(room) ? room.map(String) : String(room);
    await client.join(rooms);
  }
  @SubscribeMessage('leave')
  async leave(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: unknown): Promise<void> {
    await client.leave(String(room));
  }
  @SubscribeMessage('broadcast')
  broadcast(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: unknown): void {
    client.to(ROOMS[0]!).emit('news', data);
    this.server.volatile.emit('news', data);
    client.emit('news', data);
  }
  /** Sends requests to the client and to a room. Some clients never answer. */
  @SubscribeMessage('ask me')
  async askMe(@ConnectedSocket() client: EnvelopeSocket): Promise<unknown> {
    const room = this.server.to(ROOMS[1]!).timeout(ANSWER_TIMEOUT).emitWithAck('asked', 1);
    const own = client.timeout(ANSWER_TIMEOUT).emitWithAck('asked', 2);
    client.emitWithAck('asked', 3).catch(() => undefined);
    const [mine, theirs] = await Promise.allSettled([own, room]);
    return [mine.status, theirs.status];
  }
  @SubscribeMessage('much')
  much(@ConnectedSocket() client: EnvelopeSocket): void {
    const blob = 'x'.repeat(100_000);
    for (let i = 0; i < 60; i++) client.emit('blob', blob);
  }
  @SubscribeMessage('disconnect me')
  disconnectMe(@ConnectedSocket() client: EnvelopeSocket): void {
    client.disconnect();
  }
}

@WebSocketGateway({ path: '/soak' })
export class SoakGateway extends BusyGateway {}

@WebSocketGateway({ path: '/deflated', perMessageDeflate: { threshold: 0 } })
export class DeflatedGateway extends BusyGateway {}

@WebSocketGateway({ path: '/rooms', namespace: /^\/room-\d+$/ })
export class NamespaceGateway extends BusyGateway {}

class SlowGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    await pause(10);
    if (client.handshake.auth['token'] !== 'right') throw new UnauthorizedException();
    client.user = { id: 'ada' };
    client.expiresAt = Date.now() + 300;
    return true;
  }
}
@WebSocketGateway({ path: '/guarded' })
@UseGuards(SlowGuard)
export class GuardedGateway extends BusyGateway {}

/** A gateway whose `handleConnection` never finishes, or throws, for some clients. */
@WebSocketGateway({ path: '/slow', connectTimeout: 150 })
export class SlowGateway extends BusyGateway {
  override async handleConnection(client: EnvelopeSocket): Promise<void> {
    await super.handleConnection(client);
    if (client.handshake.query['way'] === 'never')
      await new Promise<void>((resolve) => client.on('close', () => resolve()));
    if (client.handshake.query['way'] === 'throws') throw new Error('not this one');
    await pause(30);
  }
}
