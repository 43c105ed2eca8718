import { openSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { createAdapter as createClassicAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis } from 'ioredis';
import { redisHistory, roomHistory } from '../../lib/history/index.js';
import { EnvelopeServer, EnvelopeSocket, tolerant, type EnvelopeOptions } from '../../lib/index.js';
import { MessageKey, Once, redisOnce } from '../../lib/once/index.js';
import { boot } from '../support/child/boot.js';
import { serveCommands, settings } from '../support/child/program.js';
import { now } from './subject.js';
import { connectToRedis } from './redis-client.js';

/** The settings of one node. */
export interface NodeSettings {
  /** The name of this process. */
  name: string;
  url: string;
  ledger: string;
  adapter: 'classic' | 'streams';
  library: 'redis' | 'ioredis';
  /** Default: so few that slow clients are disconnected. */
  maxBufferedBytes?: number;
}

/** What a client sends with a reliable message. */
export interface Send {
  room: string;
  /** `c3:17` */
  id: string;
  /** Milliseconds that its handler works. */
  work: number;
  fill: string;
}

/** A message of a node to a room. */
export interface Heard {
  room: string;
  node: string;
  number: number;
  fill: string;
}

/** A line of the ledger. */
export type Line =
  | { did: 'said'; room: string; number: number; at: number; of?: string }
  | { did: 'handled'; room: string; id: string; key?: string; at: number };

const { name, url, ledger, adapter, library, maxBufferedBytes = 1_000_000 } = settings<NodeSettings>();
const file = openSync(ledger, 'a');
/** Written at once, so that a kill does not lose what has happened. */
const write = (line: Line): void => void writeSync(file, `${JSON.stringify(line)}\n`);

class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    client.user = { id: client.handshake.auth['key'] };
    return true;
  }
}

@UseGuards(KeyGuard)
@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;
  private number = 0;

  afterInit(server: EnvelopeServer): void {
    server.presence.share(/^(chat|live):/, { every: 20 });
  }

  handleConnection(client: EnvelopeSocket): void {
    const { key, meta } = client.handshake.auth as { key: string; meta: number };
    this.server.presence.track(client, key.slice(key.indexOf('c')), meta);
  }

  @SubscribeMessage('enter')
  async enter(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() { room, after }: { room: string; after?: string },
  ): Promise<{ complete: boolean | null }> {
    if (room.startsWith('chat:')) return client.join(room, { after });
    await client.join(room);
    return { complete: null };
  }

  @SubscribeMessage('leave')
  async leave(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() { room }: { room: string }) {
    await client.leave(room);
    return true;
  }

  @SubscribeMessage('meta')
  meta(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() meta: number): void {
    this.server.presence.update(client, meta);
  }

  @Once({ onStoreFailure: 'refuse' })
  @SubscribeMessage('send')
  async send(@MessageBody() { room, id, work, fill }: Send, @MessageKey() key: string | undefined) {
    write({ did: 'handled', room, id, ...(key !== undefined && { key }), at: now() });
    if (work > 0) await pause(work);
    this.say(room, fill, id);
    return id;
  }

  say(room: string, fill: string, of?: string): void {
    const number = ++this.number;
    write({ did: 'said', room, number, at: now(), ...(of !== undefined && { of }) });
    this.server.to(room).emit('said', { room, node: name, number, fill } satisfies Heard);
  }
}

const redis = (): Promise<object> => connectToRedis(url, library);

async function options(): Promise<EnvelopeOptions> {
  const client = await redis();
  const limits = { maxBufferedBytes, messagesPerSecond: 1_000 };
  const history = roomHistory({ rooms: { 'chat:*': { size: 5_000 } }, store: redisHistory(client) });
  const shared = {
    limits,
    history,
    onceStore: redisOnce(client as Redis),
    pingInterval: 1_000,
    pingTimeout: 1_000,
  };
  if (adapter === 'streams') {
    const streams = createStreamsAdapter(tolerant(await redis()), { blockTimeInMs: 200 });
    return { ...shared, adapter: streams as never, recovery: true };
  }
  const classic = createClassicAdapter(await redis(), await redis(), {
    requestsTimeout: 1_000,
  });
  return { ...shared, adapter: classic as never };
}

let gateway: Gateway | undefined;
// until the application listens: the channel to the parent does not keep the process alive
setInterval(() => undefined, 60_000);

serveCommands({
  /** Starts the application. Until then the process has only loaded its modules. @returns the port */
  boot: async (): Promise<number> => {
    const { nest, port } = await boot({ providers: [Gateway] }, await options());
    gateway = nest.get(Gateway);
    return port;
  },
  say: (room: string, count: number, bytes: number): void => {
    const fill = 'x'.repeat(bytes);
    for (let i = 0; i < count; i++) gateway!.say(room, fill);
  },
  cluster: () => gateway!.server.cluster,
  stored: async (room: string): Promise<string[]> => {
    const all = await gateway!.server.history(room).read({ limit: 5_000 });
    return all.map(({ data }) => `${(data as Heard).node}:${(data as Heard).number}`);
  },
  members: (room: string) => gateway!.server.presence.list(room),
});
