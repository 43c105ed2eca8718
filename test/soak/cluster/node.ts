import type { Server } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { WebSocketGateway } from '@nestjs/websockets';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { tolerant, type EnvelopeAdapter, type EnvelopeSocket } from '../../../lib/index.js';
import { messagePack } from '../../../lib/msgpack/index.js';
import { socketIO } from '../../../lib/socketio/index.js';
import { boot } from '../../support/child/boot.js';
import { serveCommands, settings } from '../../support/child/program.js';
import {
  BusyGateway,
  DeflatedGateway,
  GuardedGateway,
  NamespaceGateway,
  SlowGateway,
  SoakGateway,
} from '../gateways.js';
import type { NodeFigures, NodeSettings } from './figures.js';

// One node of the cluster: all gateways of the other soak, and one whose clients recover.
const { url } = settings<NodeSettings>();

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    client.user = { id: client.handshake.auth['id'] as unknown };
    return true;
  }
}

@UseGuards(UserGuard)
@WebSocketGateway({ path: '/live' })
class LiveGateway extends BusyGateway {}

const GATEWAYS = [LiveGateway, SoakGateway, DeflatedGateway, NamespaceGateway, GuardedGateway, SlowGateway];

const redis = new Redis(url, { maxRetriesPerRequest: null }).on('error', () => undefined);
const { nest, port } = await boot(
  { providers: GATEWAYS },
  {
    adapter: createAdapter(tolerant(redis), {
      streamName: 'soak',
      heartbeatInterval: 1_000,
      heartbeatTimeout: 4_000,
      maxLen: 10_000,
    }),
    // short, so that what is kept for absent clients is gone when the node is measured
    recovery: { maxDisconnectionDuration: 4_000, maxStoredBytes: 2_000_000 },
    encodings: [messagePack()],
    transports: [socketIO()],
    pingInterval: 2_000,
    pingTimeout: 2_000,
  },
);
const adapter = (
  Reflect.get(nest, 'config') as ApplicationConfig
).getIoAdapter() as unknown as EnvelopeAdapter;
const http = nest.getHttpServer() as Server;
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function listeners(): number {
  const emitters: NodeJS.EventEmitter[] = [http, process, redis];
  return emitters
    .flatMap((emitter) => emitter.eventNames().map((event) => emitter.listenerCount(event)))
    .reduce((sum, count) => sum + count, 0);
}

async function figures(): Promise<NodeFigures> {
  for (let turn = 0; turn < 4; turn++) {
    await nextTurn();
    global.gc!();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const servers = adapter._servers();
  const lag = delay.percentile(99) / 1e6;
  delay.reset();
  return {
    heap: heapUsed / 1e6,
    external: external / 1e6,
    rss: rss / 1e6,
    clients: servers.reduce((sum, { sockets, _connecting }) => sum + sockets.size + _connecting.size, 0),
    rooms: servers.reduce((sum, server) => sum + (server.adapter.rooms?.size ?? 0), 0),
    handles: process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length,
    listeners: listeners(),
    lag,
    cluster: servers[0]!.cluster.state,
  };
}

serveCommands({ port: () => port, figures });
