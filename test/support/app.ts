import type { AddressInfo } from 'node:net';
import type { INestApplication, LoggerService, ModuleMetadata } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { EnvelopeAdapter, type EnvelopeOptions } from '../../lib/index.js';
import { TestClient, type ConnectOptions } from './client.js';

declare const HTTP_PLATFORM: 'express' | 'fastify';

/** A logger that records all lines for assertions. Writes nothing to the console. */
export class RecordingLogger implements LoggerService {
  /** `given` has all arguments of the logger: a console would show more than the text. */
  readonly lines: { level: string; text: string; given: unknown[] }[] = [];
  private add(level: string, given: unknown[]): void {
    const [message] = given;
    const text = message instanceof Error ? String(message.stack) : String(message);
    this.lines.push({ level, text, given });
  }
  log(...given: unknown[]): void {
    this.add('log', given);
  }
  warn(...given: unknown[]): void {
    this.add('warn', given);
  }
  error(...given: unknown[]): void {
    this.add('error', given);
  }
  fatal(...given: unknown[]): void {
    this.add('fatal', given);
  }
  debug(...given: unknown[]): void {
    this.add('debug', given);
  }
  verbose(...given: unknown[]): void {
    this.add('verbose', given);
  }
  /** Returns the texts of one level. */
  of(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.text);
  }
}

export interface AppOptions {
  /** Options of the adapter. */
  adapter?: EnvelopeOptions;
  /** Makes the adapter, where that is not an `EnvelopeAdapter` of the application. */
  createAdapter?: (app: INestApplication, options?: EnvelopeOptions) => EnvelopeAdapter;
  /** Changes the testing module before it is compiled, for example with `overrideGuard`. */
  override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  /** Runs before the adapter is created, for example to add global pipes. */
  before?: (app: INestApplication) => void;
  /** The address to listen on, such as a Unix socket or another host. Default: a free port of 127.0.0.1. */
  listen?: { path: string } | { host: string; port: number };
  /** With a key and a certificate, the application uses TLS. */
  https?: { key: string; cert: string };
}

/** A real Nest application on a free port of loopback, on the HTTP platform of this run. */
export class TestApp {
  private readonly clients: TestClient[] = [];

  constructor(
    readonly nest: INestApplication,
    readonly adapter: EnvelopeAdapter,
    readonly log: RecordingLogger,
  ) {}

  get port(): number {
    return (this.nest.getHttpServer().address() as AddressInfo).port;
  }

  /** `ws://127.0.0.1:port/path` */
  url(path = '/', port = this.port): string {
    return `ws://127.0.0.1:${port}${path}`;
  }

  /** Connects a client. It is terminated when the application closes. */
  async connect(path = '/', options?: ConnectOptions): Promise<TestClient> {
    const client = new TestClient(this.url(path, options?.port), options);
    this.clients.push(client);
    await client.opened();
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.ws.terminate();
    await this.nest.close();
  }
}

const apps: TestApp[] = [];

/** Starts an application with these providers. It is closed after the test. */
export async function startApp(metadata: ModuleMetadata, options: AppOptions = {}): Promise<TestApp> {
  const app = await createApp(metadata, options);
  apps.push(app);
  return listening(app, options);
}

/** Starts an application for all tests of a file. The caller closes it. */
export async function startSharedApp(metadata: ModuleMetadata, options: AppOptions = {}): Promise<TestApp> {
  return listening(await createApp(metadata, options), options);
}

async function createApp(metadata: ModuleMetadata, options: AppOptions): Promise<TestApp> {
  const log = new RecordingLogger();
  const builder = Test.createTestingModule(metadata).setLogger(log);
  const module = await (options.override?.(builder) ?? builder).compile();
  const { https } = options;
  const http = HTTP_PLATFORM === 'fastify' ? new FastifyAdapter(https && { https }) : new ExpressAdapter();
  const nest = module.createNestApplication(http, { logger: log, ...(https && { httpsOptions: https }) });
  options.before?.(nest);
  const adapter =
    options.createAdapter?.(nest, options.adapter) ?? new EnvelopeAdapter(nest, options.adapter);
  nest.useWebSocketAdapter(adapter);
  return new TestApp(nest, adapter, log);
}

async function listening(app: TestApp, { listen }: AppOptions): Promise<TestApp> {
  if (listen === undefined) await app.nest.listen(0, '127.0.0.1');
  // both platforms accept the arguments of Node's listen(), though Nest's type does not allow them
  else await app.nest.listen(listen as unknown as string);
  return app;
}

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});
