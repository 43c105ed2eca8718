import { Controller, Get, Injectable, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeModule, EnvelopeServer, InjectEnvelopeServer } from '../../lib/index.js';
import { EnvelopeTransport } from '../../lib/microservices/index.js';
import { RecordingLogger, startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

declare const HTTP_PLATFORM: 'express' | 'fastify';

@WebSocketGateway({ path: '/chat' })
class ChatGateway {}
@WebSocketGateway({ path: '/games', namespace: /^\/\d+$/ })
class GameGateway {}

@Injectable()
class Billing {
  constructor(
    readonly server: EnvelopeServer,
    @InjectEnvelopeServer('/nowhere') readonly nowhere: EnvelopeServer,
    @InjectEnvelopeServer('chat/') readonly chat: EnvelopeServer,
    @InjectEnvelopeServer('/games/7') readonly game: EnvelopeServer,
  ) {}
}
@Controller('invoices')
class Invoices {
  @InjectEnvelopeServer('/lost') readonly lost!: EnvelopeServer;
  @Get()
  list(): string[] {
    return [];
  }
}

const others: INestApplication[] = [];
afterEach(async () => {
  await Promise.all(others.splice(0).map((app) => app.close()));
});

expectNoUnhandledErrors();

describe('EnvelopeModule', () => {
  /** Starts an application without an adapter. */
  async function startWithout(): Promise<RecordingLogger> {
    @Module({ imports: [EnvelopeModule.forRoot()] })
    class AppModule {}
    const http = HTTP_PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const logger = new RecordingLogger();
    const app = await NestFactory.create(AppModule, http, { logger, abortOnError: false });
    others.push(app);
    await app.init();
    expect(logger.of('warn')).toEqual([]);
    await app.listen(0, '127.0.0.1');
    return logger;
  }

  it('logs a warning when the adapter is missing', async () => {
    const logger = await startWithout();
    expect(logger.of('warn')).toEqual([
      expect.stringContaining('Add app.useWebSocketAdapter(new EnvelopeAdapter(app)) before app.listen()'),
    ]);
  });

  it('logs nothing in an application without HTTP', async () => {
    @Module({ imports: [EnvelopeModule.forRoot()] })
    class AppModule {}
    const logger = new RecordingLogger();
    const context = await NestFactory.createApplicationContext(AppModule, { logger, abortOnError: false });
    await context.close();
    expect(logger.of('warn')).toEqual([]);
  });

  it('logs a warning for an injected server on a path without a gateway', async () => {
    const app = await startApp({
      imports: [EnvelopeModule.forRoot()],
      providers: [ChatGateway, GameGateway, Billing],
      controllers: [Invoices],
    });
    const where = (path: string, type: string): unknown =>
      expect.stringContaining(
        `@InjectEnvelopeServer('${path}') in ${type}: no gateway is mounted on this path`,
      );
    expect(app.log.of('warn')).toEqual([where('/nowhere', 'Billing'), where('/lost', 'Invoices')]);
    expect(app.log.of('warn')[0]).toContain('The paths of gateways are: /chat, /games/<\\d+>');
  });

  it('ignores injections of another application in the process', async () => {
    const app = await startApp({ imports: [EnvelopeModule.forRoot()], providers: [ChatGateway] });
    expect(app.log.of('warn')).toEqual([]);
  });
});

describe('an application without gateways', () => {
  it('logs at startup that no client can connect', async () => {
    const app = await startApp({});
    expect(app.log.of('warn')).toEqual([
      'No gateway is mounted, so no client can connect. List each gateway in the providers of a module, and import ' +
        'that module in AppModule',
    ]);
  });

  it('logs nothing when a microservice transport has a path', async () => {
    const logger = new RecordingLogger();
    const http = HTTP_PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    @Module({})
    class AppModule {}
    const app = await NestFactory.create(AppModule, http, { logger, abortOnError: false });
    others.push(app);
    const adapter = new EnvelopeAdapter(app);
    app.useWebSocketAdapter(adapter);
    app.connectMicroservice({ strategy: new EnvelopeTransport(adapter, { path: '/rpc' }) });
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    expect(logger.of('warn')).toEqual([]);
  });
});

describe('an upgrade on a path without a gateway', () => {
  const start = (...controllers: (new () => object)[]): Promise<TestApp> =>
    startApp({ providers: [ChatGateway, GameGateway], controllers });
  const lines = (app: TestApp): string[] => app.log.of('warn').filter((line) => line.includes(' -> 404'));
  const PATHS = 'The paths of gateways are: /chat, /games/<\\d+>';

  it('logs the path, the existing paths and the fix', async () => {
    const app = await start();
    expect((await requestUpgrade(app.port, '/nope?token=s3cr3t')).status).toBe(404);
    expect(lines(app)).toEqual([
      'GET /nope -> 404: no gateway is mounted on this path. Correct the URL, or mount a gateway there: ' +
        `@WebSocketGateway({ path }). ${PATHS}`,
    ]);
    await requestUpgrade(app.port, '/chat');
    await requestUpgrade(app.port, '/games/7');
    expect(lines(app)).toHaveLength(1);
  });

  it('logs one line of limited length at most five times a minute', async () => {
    const app = await start();
    for (const path of [`/${'x'.repeat(5_000)}`, '/a%0d%0ab<"\'', '/1', '/2', '/3', '/4', '/5'])
      expect((await requestUpgrade(app.port, path)).status).toBe(404);
    expect(lines(app)).toHaveLength(5);
    for (const line of lines(app)) expect(line).toMatch(/^[\x20-\x7e]{1,600}$/);
    expect(lines(app)[1]).toContain('GET /a%0d%0ab??? ->');
  });

  it('lists only some of many existing paths', async () => {
    const many = Array.from({ length: 30 }, (_, index) => {
      @WebSocketGateway({ path: `/path-${index}` })
      class ManyGateway {}
      return ManyGateway;
    });
    const app = await startApp({ providers: many });
    await requestUpgrade(app.port, '/nope');
    expect(lines(app)[0]).toMatch(/are: \/path-0, .+\/path-19 and 10 more$/);
  });

  const POLLING = '/socket.io/?EIO=4&transport=polling&t=x';

  it.each([POLLING, '/own/path/?EIO=4&transport=polling'])(
    'logs that the client uses Socket.IO: GET %s',
    async (path) => {
      const app = await start();
      expect((await fetch(`http://127.0.0.1:${app.port}${path}`)).status).toBe(404);
      await until('the log line', () => lines(app).length > 0);
      expect(lines(app)).toEqual([
        `GET ${path.replace(/\?.*/, '')} -> 404: a client of Socket.IO requested this path, and no socketIO() of ` +
          "'nestjs-envelope/socket.io' serves it. Check its path and transports, or add it: new EnvelopeAdapter(app, " +
          `{ transports: [socketIO()] }). ${PATHS}`,
      ]);
    },
  );

  it('logs that the client uses Socket.IO when it requests a WebSocket at once', async () => {
    const app = await start();
    expect((await requestUpgrade(app.port, '/socket.io/?EIO=4&transport=websocket')).status).toBe(404);
    expect(lines(app)).toEqual([expect.stringContaining('GET /socket.io/ -> 404: a client of Socket.IO')]);
  });

  it('logs nothing when another handler answers', async () => {
    @Controller('socket.io')
    class Polling {
      @Get()
      poll(): string {
        return '0{}';
      }
    }
    const app = await start(Polling);
    expect((await fetch(`http://127.0.0.1:${app.port}/socket.io?EIO=4`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${app.port}/nope`)).status).toBe(404);
    await requestUpgrade(app.port, '/nope');
    expect(lines(app)).toEqual([expect.stringContaining('GET /nope ')]);
  });
});
