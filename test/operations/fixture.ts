import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { UseGuards } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, observe, type AuditRecord } from '../../lib/index.js';
import { deferred } from '../support/wait.js';

/** Lets the credential `id` name the user. */
class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { id } = client.handshake.auth;
    if (id !== undefined) client.user = { id };
    return true;
  }
}

export class LiveGateway {
  @WebSocketServer() server!: EnvelopeServer;
  /** Handlers of `hold` wait for it. */
  held = deferred();

  handleConnection(client: EnvelopeSocket): void {
    const { late } = client.handshake.query;
    if (late !== undefined) client.user = late;
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('hold')
  async hold(): Promise<string> {
    await this.held.promise;
    return 'done';
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() rooms: string[]): Promise<number> {
    await client.join(rooms);
    return client.rooms.size;
  }
}

/** A gateway without guards. */
@WebSocketGateway({ path: '/open', shutdownTimeout: 300 })
export class OpenGateway extends LiveGateway {}

/** A gateway with a server for each path. */
@WebSocketGateway({ path: '/rooms', namespace: /^\/room-\d+$/ })
export class RoomsGateway extends LiveGateway {}

/** A gateway whose guard says who the client is, and which sets a limit itself. */
@UseGuards(Guard)
@WebSocketGateway({ path: '/ws', limits: { maxRooms: 5 } })
export class GuardedGateway extends LiveGateway {}

/** The subprotocols of a client with credentials. */
export const as = (id: unknown): { protocols: string[] } => ({
  protocols: ['envelope.v1', `envelope.auth.${Buffer.from(JSON.stringify({ id })).toString('base64url')}`],
});

/** Records what operators do, until the end of the test. */
export function recordAudit(): AuditRecord[] {
  const records: AuditRecord[] = [];
  stops.push(observe('audit', (record) => records.push(record)));
  return records;
}

const stops: (() => void)[] = [];

/** Ends all recordings. */
export function stopRecording(): void {
  for (const stop of stops.splice(0)) stop();
}
