import { Controller, Get, type BeforeApplicationShutdown, type OnApplicationShutdown } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter as createClusterAdapter } from '@socket.io/cluster-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { socketIO } from '../../../lib/socketio/index.js';
import { EnvelopeHealthIndicator } from '../../../lib/terminus/index.js';
import {
  EnvelopeModule,
  EnvelopeServer,
  EnvelopeSocket,
  tolerant,
  type EnvelopeOptions,
} from '../../../lib/index.js';
import { boot } from './boot.js';
import { emitToParent, serveCommands, settings } from './program.js';

// A node of a deployment: it sends numbered messages to all clients, and tells a proxy whether it is ready.

export interface DeployNodeSettings {
  /** The name in its messages. Default: its process id. */
  name?: string;
  /** The URL of a Redis, for an adapter with recovery. Without it, the process is a worker of Node's cluster. */
  redis?: string;
}

export interface Tick {
  from: string;
  n: number;
}

const { name = String(process.pid), redis } = settings<DeployNodeSettings>();

let sent = 0;
let works = 0;
/** Answer the requests that the node handles. */
const answers: (() => void)[] = [];
let timer: NodeJS.Timeout | undefined;
let closeRedis = async (): Promise<void> => {};

@WebSocketGateway({ path: '/ws' })
class TickGateway implements BeforeApplicationShutdown, OnApplicationShutdown {
  @WebSocketServer() readonly server!: EnvelopeServer;

  @SubscribeMessage('where')
  where(@ConnectedSocket() client: EnvelopeSocket): { node: string; ip: string } {
    return { node: name, ip: client.ip };
  }
  /** A request that takes until the command `finish`. */
  @SubscribeMessage('work')
  async work(): Promise<string> {
    works++;
    await new Promise<void>((resolve) => void answers.push(resolve));
    return name;
  }
  /** Sends one message to all clients. */
  @SubscribeMessage('tick')
  onTick(): void {
    this.tick();
  }
  readonly tick = (): void => {
    this.server.emit('tick', { from: name, n: sent++ } satisfies Tick);
  };

  /** Runs before the clients are disconnected. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(timer);
    await emitToParent('sent', sent);
  }
  /** Runs after the adapter has closed. */
  onApplicationShutdown(): Promise<void> {
    return closeRedis();
  }
}

@Controller()
class ReadyController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly envelope: EnvelopeHealthIndicator,
  ) {}
  @Get('ready')
  @HealthCheck()
  ready(): unknown {
    return this.health.check([() => this.envelope.isReady('websocket')]);
  }
}

async function adapterOptions(): Promise<EnvelopeOptions> {
  if (redis === undefined)
    return {
      adapter: createClusterAdapter({ heartbeatInterval: 500, heartbeatTimeout: 2_000 }),
      transports: [socketIO()],
    };
  const client = createClient({ url: redis }).on('error', () => undefined);
  await client.connect();
  closeRedis = () => client.close();
  return { adapter: createStreamsAdapter(tolerant(client), { maxLen: 100_000 }), recovery: true };
}

const metadata = {
  imports: [EnvelopeModule.forRoot(), TerminusModule],
  providers: [TickGateway, EnvelopeHealthIndicator],
  controllers: [ReadyController],
};
const { nest, port } = await boot(metadata, { trustProxy: 'loopback', ...(await adapterOptions()) });
const { server, tick } = nest.get(TickGateway);

serveCommands({
  port: () => port,
  clients: () => server.sockets.size,
  works: () => works,
  finish: () => {
    for (const answer of answers.splice(0)) answer();
  },
  load: (interval: number) => void (timer = setInterval(tick, interval)),
  /** Returns how many messages it has sent. */
  stopLoad: () => {
    clearInterval(timer);
    return sent;
  },
});
process.stdout.write(`node on port ${port}\n`);
