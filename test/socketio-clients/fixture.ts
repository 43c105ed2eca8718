import type { AddressInfo } from 'node:net';
import type { INestApplication, ModuleMetadata, WebSocketAdapter } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { SubscribeMessage } from '@nestjs/websockets';
import type { ServerOptions } from 'socket.io';
import { EnvelopeAdapter, type EnvelopeOptions } from '../../lib/index.js';
import { RecordingLogger } from '../support/app.js';
import { TestClient, type ConnectOptions } from '../support/client.js';
import { IoClient, type IoClientOptions } from './io-client.js';

declare const HTTP_PLATFORM: 'express' | 'fastify';
declare const NEST_MAJOR: 11 | 12;

/** `reference` is Nest with `IoAdapter`; `ours` is `EnvelopeAdapter` with `socketIO()`. */
export type ServerName = 'reference' | 'ours';

/** The reference proves the expectations, which are the same on both majors and platforms: once is enough. */
const SERVERS: readonly ServerName[] =
  NEST_MAJOR === 12 && HTTP_PLATFORM === 'express' ? ['reference', 'ours'] : ['ours'];

/** Runs the tests against both servers: the first shows that each expectation is Socket.IO's. */
export function describeServers(title: string, tests: (server: ServerName) => void): void {
  describe(title, () => {
    for (const server of SERVERS) describe(server, () => tests(server));
  });
}

/** Runs tests of what Socket.IO does not have. */
export const describeOurs: jest.Describe = describe;

/** What both servers need to start. */
export interface IoAppOptions {
  /** The options of the Socket.IO server. */
  reference?: Partial<ServerOptions>;
  /** The options of our adapter. */
  ours?: EnvelopeOptions;
  /** The options of `socketIO()`. */
  transport?: object;
  /** Runs before the adapter is created, for example to add global pipes. */
  before?: (app: INestApplication) => void;
}

/** A real Nest application on a free port of loopback, with Socket.IO clients. */
export class IoApp {
  private readonly clients: IoClient[] = [];
  private readonly bareClients: TestClient[] = [];

  constructor(
    readonly name: ServerName,
    readonly nest: INestApplication,
    readonly log: RecordingLogger,
  ) {}

  get port(): number {
    return (this.nest.getHttpServer().address() as AddressInfo).port;
  }

  /** The address of a namespace, for clients. */
  url(namespace = '/', port = this.port): string {
    return `http://127.0.0.1:${port}${namespace}`;
  }

  /** Begins to connect a client. It is disconnected when the application closes. */
  open(namespace?: string, { port, ...options }: IoClientOptions & { port?: number } = {}): IoClient {
    return this.keep(new IoClient(this.url(namespace, port), options));
  }

  /** Connects a client, over the final transport. */
  async connect(namespace?: string, options?: IoClientOptions & { port?: number }): Promise<IoClient> {
    const client = this.open(namespace, options);
    await client.connected();
    return client;
  }

  /** Disconnects this client when the application closes. */
  keep(client: IoClient): IoClient {
    this.clients.push(client);
    return client;
  }

  /** Connects a bare WebSocket client; our server only. */
  async bare(path = '/', options?: ConnectOptions): Promise<TestClient> {
    const client = new TestClient(`ws://127.0.0.1:${this.port}${path}`, options);
    this.bareClients.push(client);
    await client.opened();
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.clients.splice(0)) client.destroy();
    for (const client of this.bareClients.splice(0)) client.ws.terminate();
    await this.nest.close();
  }
}

async function createAdapter(
  server: ServerName,
  app: INestApplication,
  { reference, ours, transport }: IoAppOptions,
): Promise<WebSocketAdapter> {
  if (server === 'ours') {
    const entry: string = '../../lib/socketio/index.js';
    const { socketIO } = (await import(entry)) as { socketIO: (options?: object) => unknown };
    const options = { ...ours, transports: [socketIO(transport)] };
    return new EnvelopeAdapter(app, options as EnvelopeOptions);
  }
  const { IoAdapter } = await import('@nestjs/platform-socket.io');
  const adapter = new IoAdapter(app);
  const create = adapter.createIOServer.bind(adapter);
  adapter.createIOServer = (port: number, options?: object) => {
    const io = create(port, { ...options, ...reference } as Parameters<typeof create>[1]);
    // else a timer of half a minute waits for the last poll of a client that has gone, also after the tests
    io.engine.on('connection', ({ transport }: { transport: object }) => {
      if ('closeTimeout' in transport) transport.closeTimeout = 1_000;
    });
    return io;
  };
  return adapter;
}

/** Starts an application for all tests of a block. The caller closes it. */
export async function startSharedIoApp(
  server: ServerName,
  metadata: ModuleMetadata,
  options: IoAppOptions = {},
): Promise<IoApp> {
  const log = new RecordingLogger();
  const module = await Test.createTestingModule(metadata).setLogger(log).compile();
  const http = HTTP_PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const nest = module.createNestApplication(http, { logger: log });
  options.before?.(nest);
  nest.useWebSocketAdapter(await createAdapter(server, nest, options));
  await nest.listen(0, '127.0.0.1');
  return new IoApp(server, nest, log);
}

const apps: IoApp[] = [];

/** Starts an application. It is closed after the test. */
export async function startIoApp(
  server: ServerName,
  metadata: ModuleMetadata,
  options?: IoAppOptions,
): Promise<IoApp> {
  const app = await startSharedIoApp(server, metadata, options);
  apps.push(app);
  return app;
}

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

/** What {@link IoClient.settled} asks for; gateways of these tests extend it. */
export class Settling {
  @SubscribeMessage('settle')
  settle(): string {
    return 'settled';
  }
}
