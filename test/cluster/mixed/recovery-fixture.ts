import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import type { Namespace, ServerOptions } from 'socket.io';
import { tolerant } from '../../../lib/index.js';
import { socketIO } from '../../../lib/socketio/index.js';
import { startNode, type Node } from '../../recovery/cases.js';
import { startIoApp, type IoApp } from '../../socketio-clients/fixture.js';
import { IoClient } from '../../socketio-clients/io-client.js';
import type { RedisServer } from '../../support/brokers/redis.js';

@WebSocketGateway({ namespace: 'ws' })
export class TheirGateway {
  @WebSocketServer() server!: Namespace;
}

/** An offset of a Redis stream: the last argument of events that a Socket.IO client can recover. */
export const OFFSET: unknown = expect.stringMatching(/^\d+-\d+$/);

/** The nodes of one test, on a stream of their own. The server ends its clients after all tests. */
export class StreamNodes {
  private static count = 0;
  private readonly settings: Parameters<typeof createAdapter>[1];
  private readonly clients: { close(): Promise<void> }[] = [];

  constructor(private readonly redis: RedisServer) {
    const streamName = `mixed-${StreamNodes.count++}`;
    this.settings = { streamName, channelPrefix: streamName, blockTimeInMs: 200 };
  }

  private async connect() {
    const client = createClient({ url: this.redis.url }).on('error', () => undefined);
    await client.connect();
    this.clients.push(client);
    return client;
  }

  /** Starts a node of Nest with `IoAdapter`, with connection state recovery. */
  async theirs(): Promise<{ app: IoApp; server: Namespace }> {
    const reference: Partial<ServerOptions> = {
      adapter: createAdapter(await this.connect(), this.settings) as never,
      connectionStateRecovery: {},
    };
    const app = await startIoApp('reference', { providers: [TheirGateway] }, { reference });
    return { app, server: app.nest.get(TheirGateway).server };
  }

  /** Starts a node of ours, with recovery. Its guard identifies clients by `auth.user`. */
  async ours(withSocketIo = false): Promise<Node> {
    return startNode({
      adapter: createAdapter(tolerant(await this.connect()), this.settings),
      recovery: true,
      ...(withSocketIo && { transports: [socketIO()] }),
    });
  }

  /** Ends the clients of the broker, after the applications have closed: the nodes of Socket.IO await none of their commands. */
  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

/** A Socket.IO client of the namespace `/ws` that moves between nodes. */
export class RoamingIoClient extends IoClient {
  constructor(port: number) {
    super(urlOf(port), { auth: { user: 'bob' } });
  }

  /** What it shows to recover: the private id of its session. */
  get pid(): unknown {
    return Reflect.get(this.socket, '_pid');
  }

  /** Its events, without those of the tests themselves. */
  get news(): unknown[] {
    return this.events.filter(([event]) => event !== 'hello');
  }

  /** Loses its connection. Resolves when the client knows it. */
  async lose(): Promise<void> {
    this.socket.io.engine.close();
    await this.ended();
  }

  /** Connects again, to the same node or to another. */
  async return(port?: number): Promise<void> {
    if (port !== undefined) Reflect.set(this.socket.io, 'uri', urlOf(port));
    this.socket.connect();
    await this.until('the client to connect again', () => this.socket.connected);
  }
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}/ws`;
