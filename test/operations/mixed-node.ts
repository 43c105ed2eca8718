import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Module, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { createAdapter as createClassicAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import type * as Package from '../../lib/index.js';
import { serveCommands, settings } from '../support/child/program.js';
import type { Kind, MixedSettings } from './mixed-versions.js';

// One node of a version of this package: an application for each adapter. Commands name the adapter first.
const { name, library, url } = settings<MixedSettings>();
const { EnvelopeAdapter, user } = (await import(library)) as typeof Package;

class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<Package.EnvelopeSocket>();
    client.user = { id: client.handshake.auth['id'] as unknown };
    return true;
  }
}

@UseGuards(Guard)
@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: Package.EnvelopeServer;

  async handleConnection(client: Package.EnvelopeSocket): Promise<void> {
    client.data['node'] = name;
    this.server.presence.track(client);
    await client.join('room');
  }
  @SubscribeMessage('join')
  async join(
    @ConnectedSocket() client: Package.EnvelopeSocket,
    @MessageBody() room: string,
  ): Promise<string> {
    await client.join(room);
    return name;
  }
}

const connect = (): Redis => new Redis(url).on('error', () => undefined);

function adapterOf(kind: Kind): Package.EnvelopeOptions {
  if (kind === 'classic')
    return { adapter: createClassicAdapter(connect(), connect(), { key: kind, requestsTimeout: 20_000 }) };
  if (kind === 'sharded')
    return { adapter: createShardedAdapter(connect(), connect(), { channelPrefix: kind }) };
  return {
    adapter: createStreamsAdapter(connect(), { streamName: kind, heartbeatInterval: 500 }),
    recovery: true,
  };
}

async function start(kind: Kind): Promise<Package.EnvelopeServer> {
  class Root {}
  Module({ providers: [Gateway] })(Root);
  const nest = await NestFactory.create(Root, new ExpressAdapter(), { logger: ['warn', 'error', 'fatal'] });
  nest.useWebSocketAdapter(new EnvelopeAdapter(nest, adapterOf(kind)));
  await nest.listen(0, '127.0.0.1');
  const { server } = nest.get(Gateway);
  server.on('which', (answer: (name: string) => void) => answer(name));
  ports[kind] = (nest.getHttpServer().address() as AddressInfo).port;
  adapters[kind] = Reflect.get(nest, 'config').getIoAdapter() as Package.EnvelopeAdapter;
  return server;
}

const ports: Partial<Record<Kind, number>> = {};
const adapters: Partial<Record<Kind, Package.EnvelopeAdapter>> = {};
const KINDS: readonly Kind[] = ['classic', 'sharded', 'streams'];
const servers = Object.fromEntries(
  await Promise.all(KINDS.map(async (kind) => [kind, await start(kind)] as const)),
) as Record<Kind, Package.EnvelopeServer>;

serveCommands({
  ports: () => ports,
  nodes: (kind: Kind) => servers[kind].cluster.nodes,
  emit: (kind: Kind, room: string | null, event: string, data: unknown) =>
    room === null ? servers[kind].emit(event, data) : servers[kind].to(room).emit(event, data),
  toUser: (kind: Kind, id: unknown, event: string) => servers[kind].to(user(id)).emit(event, 1),
  ask: (kind: Kind, event: string) => servers[kind].timeout(20_000).emitWithAck(event, 'x'),
  which: (kind: Kind) => servers[kind].serverSideEmitWithAck('which'),
  fetch: async (kind: Kind) =>
    (await servers[kind].in('room').fetchSockets()).map(({ id, data, rooms, handshake }) => ({
      id,
      data: data as unknown,
      rooms: [...rooms].sort(),
      auth: handshake.auth,
    })),
  /** Uses one socket of another node. */
  remote: async (kind: Kind, id: string) => {
    const [socket] = await servers[kind].in(id).fetchSockets();
    socket!.emit('direct', name);
    socket!.join('by remote');
    return socket !== undefined;
  },
  socketsJoin: (kind: Kind, from: string, room: string) => servers[kind].in(from).socketsJoin(room),
  present: async (kind: Kind) => (await servers[kind].presence.list('room')).map(({ key }) => key).sort(),
  disconnectUser: (kind: Kind, id: unknown) => servers[kind].disconnectUser(id),
  block: (kind: Kind, id: unknown) => adapters[kind]!.operations.block({ user: id }, { duration: 60_000 }),
  dropped: (kind: Kind) => servers[kind].counters.droppedClusterMessages,
});
process.channel!.ref();
