import 'reflect-metadata';
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { AddressInfo } from 'node:net';
import { Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../../lib/index.js';
import { settings, emitToParent } from '../../support/child/program.js';
import { connect, type Backend } from './backends.js';
import type { RequestResult, NodeSettings, NodeInfo, Report } from './node-process.js';

// One node: an application for each backend, in one process. An unhandled rejection or error ends all of them.
const { name, url, backends, heartbeatTimeout } = settings<NodeSettings>();

@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    this.server.presence.track(client, name);
    await client.join('room');
  }
}

class LogBook implements LoggerService {
  readonly lines: string[] = [];
  private readonly add = (message: unknown): void => void this.lines.push(String(message));
  readonly log = this.add;
  readonly warn = this.add;
  readonly error = this.add;
}

/** One application, with the commands that it accepts. */
class App {
  readonly changes: Report['changes'] = [];
  readonly presence: Report['presence'] = [];
  ticks = 0;
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    readonly server: EnvelopeServer,
    readonly log: LogBook,
    readonly port: number,
    readonly close: () => Promise<void>,
  ) {
    server.on('identify', (answer: (name: string) => void) => answer(name));
    for (const kind of ['join', 'leave'] as const)
      server.presence.on(kind, ({ key }) => void this.presence.push([kind, key, Date.now()]));
    let state = '';
    setInterval(() => {
      if (server.cluster.state === state) return;
      ({ state } = server.cluster);
      this.changes.push([state, Date.now()]);
    }, 10).unref();
  }

  static async start(backend: Backend): Promise<App> {
    const link = await connect(backend, url, heartbeatTimeout);
    const log = new LogBook();
    // Nest has one logger per process.
    class Adapter extends EnvelopeAdapter {
      protected override readonly logger = log as never;
    }
    class Root {}
    Module({ providers: [Gateway] })(Root);
    const http = process.env['HTTP_PLATFORM'] === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const nest = await NestFactory.create(Root, http, { logger: ['error', 'fatal'] });
    nest.useWebSocketAdapter(new Adapter(nest, { pingInterval: 0, ...(link.options as EnvelopeOptions) }));
    // In a worker of Node's cluster, each application has its own port as well.
    await nest.listen({ port: 0, host: '127.0.0.1', exclusive: true } as never);
    const { port } = nest.getHttpServer().address() as AddressInfo;
    return new App(nest.get(Gateway).server, log, port, async () => {
      await nest.close();
      await link.close();
    });
  }

  /** Sends one message to the room on all nodes and one to each client of this node, at this interval in milliseconds. */
  load(interval: number): void {
    clearInterval(this.timer);
    if (interval > 0) this.timer = setInterval(() => this.tick(), interval);
  }

  private tick(): void {
    const tick = { from: name, n: this.ticks++, at: Date.now() };
    this.server.to('room').emit('tick', tick);
    for (const client of this.server.sockets.values()) client.emit('own', tick);
  }

  async ask(kind: keyof typeof REQUESTS, timeout: number): Promise<RequestResult> {
    const never = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(TIMED_OUT)), LONGEST).unref();
    });
    const start = performance.now();
    try {
      const answers = await Promise.race([REQUESTS[kind](this.server, timeout), never]);
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
    const { changes, presence, ticks, server, log } = this;
    const { droppedClusterMessages: dropped } = server.counters;
    return {
      changes,
      presence,
      ticks,
      cluster: server.cluster,
      dropped,
      clients: server.sockets.size,
      log: log.lines,
    };
  }
}

/** A request that has not ended after this time counts as never ending, in milliseconds. */
const LONGEST = 10_000;
const TIMED_OUT = `no end within ${LONGEST} ms`;

const REQUESTS = {
  fetchSockets: async (server: EnvelopeServer, timeout: number): Promise<string[]> =>
    (await server.timeout(timeout).fetchSockets()).map(({ id }) => id),
  emitWithAck: (server: EnvelopeServer, timeout: number): Promise<string[]> =>
    server.timeout(timeout).emitWithAck('identify'),
  serverSideEmitWithAck: (server: EnvelopeServer): Promise<string[]> =>
    server.serverSideEmitWithAck('identify'),
  presence: async (server: EnvelopeServer): Promise<string[]> =>
    (await server.presence.list('room')).map(({ key, metas }) => `${key} ${metas.length}`),
};

const apps = new Map<Backend, App>();
const appOf = (backend: Backend): App => apps.get(backend)!;
let cpu = process.cpuUsage();
const delay = monitorEventLoopDelay();
delay.enable();

const COMMANDS = {
  load: (interval: number) => apps.forEach((app) => app.load(interval)),
  ask: (backend: Backend, kind: keyof typeof REQUESTS, timeout: number) => appOf(backend).ask(kind, timeout),
  emit: (backend: Backend, event: string, data: unknown) => appOf(backend).server.emit(event, data),
  report: (backend: Backend) => appOf(backend).report,
  uid: (backend: Backend): unknown => Reflect.get(appOf(backend).server.adapter, 'uid'),
  /** Returns the seconds of processor time since the last call. */
  cpu: () => {
    const { user, system } = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    return (user + system) / 1e6;
  },
  /** Returns for how many milliseconds the process stood still at most since the last call. */
  standstill: () => {
    const { max } = delay;
    delay.reset();
    return max / 1e6;
  },
  memory: () => process.memoryUsage().rss / 1e6,
  /** Sends a message like another process of Node's cluster. */
  send: (message: object) => void process.send!(message),
  close: () => Promise.all([...apps.values()].map((app) => app.close())),
};

/**
 * Commands arrive over HTTP: a worker of Node's cluster is connected to the test only through its primary,
 * which may be paused.
 */
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
// The operator ends the process with SIGTERM.
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
const info: NodeInfo = { name, pid: process.pid, control: (control.address() as AddressInfo).port, ports };
await emitToParent('place', info);
