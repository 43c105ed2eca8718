import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../../lib/index.js';
import { settings, emitToParent } from '../../support/child/program.js';
import { connect, type Backend } from './backends.js';
import type { Asked, NodeSettings, Place, Report } from './node-process.js';

// One node: a full application for each backend, in one process. What a backend rejects or throws ends all of them.
const { name, url, backends, heartbeatTimeout } = settings<NodeSettings>();

@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    this.server.presence.track(client, name);
    await client.join('room');
  }
}

class Book implements LoggerService {
  readonly lines: string[] = [];
  private readonly add = (message: unknown): void => void this.lines.push(String(message));
  readonly log = this.add;
  readonly warn = this.add;
  readonly error = this.add;
}

/** One application, and what it does when it is told. */
class App {
  readonly changes: Report['changes'] = [];
  readonly presence: Report['presence'] = [];
  ticks = 0;
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    readonly server: EnvelopeServer,
    readonly book: Book,
    readonly port: number,
    readonly close: () => Promise<void>,
  ) {
    server.on('whoareyou', (answer: (name: string) => void) => answer(name));
    for (const what of ['join', 'leave'] as const)
      server.presence.on(what, ({ key }) => void this.presence.push([what, key, Date.now()]));
    let state = '';
    setInterval(() => {
      if (server.cluster.state === state) return;
      ({ state } = server.cluster);
      this.changes.push([state, Date.now()]);
    }, 10).unref();
  }

  static async start(backend: Backend): Promise<App> {
    const way = await connect(backend, url, heartbeatTimeout);
    const book = new Book();
    // Nest has one logger for the process
    class Adapter extends EnvelopeAdapter {
      protected override readonly logger = book as never;
    }
    class Root {}
    Module({ providers: [Gateway] })(Root);
    const http = process.env['HTTP_PLATFORM'] === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const nest = await NestFactory.create(Root, http, { logger: ['error', 'fatal'] });
    nest.useWebSocketAdapter(new Adapter(nest, { pingInterval: 0, ...(way.options as EnvelopeOptions) }));
    // in a worker of Node's cluster, too, each has a port of its own
    await nest.listen({ port: 0, host: '127.0.0.1', exclusive: true } as never);
    const { port } = nest.getHttpServer().address() as AddressInfo;
    return new App(nest.get(Gateway).server, book, port, async () => {
      await nest.close();
      await way.end();
    });
  }

  /** Every so many milliseconds, one message to the room on all nodes, and one to each client of this node. */
  load(interval: number): void {
    clearInterval(this.timer);
    if (interval > 0) this.timer = setInterval(() => this.tick(), interval);
  }

  private tick(): void {
    const tick = { from: name, n: this.ticks++, at: Date.now() };
    this.server.to('room').emit('tick', tick);
    for (const client of this.server.sockets.values()) client.emit('own', tick);
  }

  async ask(what: keyof typeof QUESTIONS, timeout: number): Promise<Asked> {
    const never = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(NEVER)), LONGEST).unref();
    });
    const start = performance.now();
    try {
      const answers = await Promise.race([QUESTIONS[what](this.server, timeout), never]);
      return { answers, time: performance.now() - start };
    } catch (error) {
      const { message, responses } = error as Error & { responses?: unknown[] };
      const answers = responses?.map((one) => Reflect.get(Object(one), 'id') ?? one);
      return {
        error: message,
        ...(answers && { answers: answers as string[] }),
        time: performance.now() - start,
      };
    }
  }

  get report(): Report {
    const { changes, presence, ticks, server, book } = this;
    const { droppedClusterMessages: dropped } = server.counters;
    return {
      changes,
      presence,
      ticks,
      cluster: server.cluster,
      dropped,
      clients: server.sockets.size,
      log: book.lines,
    };
  }
}

/** Milliseconds after which a request that has not ended never does. */
const LONGEST = 10_000;
const NEVER = `no end within ${LONGEST} ms`;

const QUESTIONS = {
  fetchSockets: async (server: EnvelopeServer, timeout: number): Promise<string[]> =>
    (await server.timeout(timeout).fetchSockets()).map(({ id }) => id),
  emitWithAck: (server: EnvelopeServer, timeout: number): Promise<string[]> =>
    server.timeout(timeout).emitWithAck('whoareyou'),
  serverSideEmitWithAck: (server: EnvelopeServer): Promise<string[]> =>
    server.serverSideEmitWithAck('whoareyou'),
  presence: async (server: EnvelopeServer): Promise<string[]> =>
    (await server.presence.list('room')).map(({ key, metas }) => `${key} ${metas.length}`),
};

const apps = new Map<Backend, App>();
const appOf = (backend: Backend): App => apps.get(backend)!;
let cpu = process.cpuUsage();

const COMMANDS = {
  load: (interval: number) => apps.forEach((app) => app.load(interval)),
  ask: (backend: Backend, what: keyof typeof QUESTIONS, timeout: number) => appOf(backend).ask(what, timeout),
  emit: (backend: Backend, event: string, data: unknown) => appOf(backend).server.emit(event, data),
  report: (backend: Backend) => appOf(backend).report,
  uid: (backend: Backend): unknown => Reflect.get(appOf(backend).server.adapter, 'uid'),
  /** Seconds of processor time since the last call. */
  cpu: () => {
    const { user, system } = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    return (user + system) / 1e6;
  },
  memory: () => process.memoryUsage().rss / 1e6,
  /** What another process of Node's cluster may send. */
  send: (message: object) => void process.send!(message),
  close: () => Promise.all([...apps.values()].map((app) => app.close())),
};

/** Over HTTP: a process of Node's cluster has no line to the test but its primary's, which may stand still. */
const control = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const command = COMMANDS[request.url!.slice(1) as keyof typeof COMMANDS] as (
      ...args: unknown[]
    ) => unknown;
    Promise.resolve()
      .then(() => command(...(JSON.parse(Buffer.concat(chunks).toString()) as unknown[])))
      .then((result) => response.end(JSON.stringify({ result })))
      .catch((error: unknown) => response.end(JSON.stringify({ error: String(error) })));
  });
});
process.on('disconnect', () => process.exit(1));
// as its operator ends it
process.on('SIGTERM', () => {
  COMMANDS.load(0);
  const ticks = [...apps.values()].map((app) => app.ticks);
  void Promise.all([emitToParent('ticks', ticks), COMMANDS.close()]).then(() => process.exit());
});

for (const backend of backends) apps.set(backend, await App.start(backend));
await new Promise<void>((resolve) =>
  control.listen({ port: 0, host: '127.0.0.1', exclusive: true }, resolve),
);
const ports = Object.fromEntries([...apps].map(([backend, { port }]) => [backend, port]));
const place: Place = { name, pid: process.pid, control: (control.address() as AddressInfo).port, ports };
await emitToParent('place', place);
