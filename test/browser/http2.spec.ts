import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, Header, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { selfSigned } from '../support/certificate.js';
import { describeWithHaproxy, Haproxy } from '../support/haproxy.js';
import { Chromium, describeInBrowser } from './chromium.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  @SubscribeMessage('echo')
  echo(@ConnectedSocket() { handshake }: EnvelopeSocket, @MessageBody() data: unknown): unknown {
    return { data, version: handshake.headers['x-http-version'] };
  }

  @SubscribeMessage('leave')
  leave(@ConnectedSocket() client: EnvelopeSocket): void {
    client.close(4321, 'bye');
  }
}

@Controller()
class PageController {
  @Get()
  @Header('Content-Type', 'text/html')
  page(): string {
    return '<!doctype html><title>HTTP/2</title>';
  }
}

@Module({ controllers: [PageController], providers: [ChatGateway] })
class AppModule {}

const tls = selfSigned();

/** What a page saw of its WebSockets. */
interface Seen {
  /** The protocol of the page itself: `h2`. */
  page: string;
  answers: unknown[];
  closes: number[];
}

describeInBrowser('a page that was loaded by HTTP/2', () => {
  let chromium: Chromium;
  let app: INestApplication | undefined;
  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => chromium.close());

  /** Opens a page, and three WebSockets in it, each of which asks once, and is closed by the server. */
  async function visit(port: number): Promise<Seen> {
    const page = await chromium.open({ ignoreHTTPSErrors: true });
    await page.goto(`https://localhost:${port}/`);
    const seen = await page.evaluate(async () => {
      // the tests are compiled with the types of Node, and this function runs in the browser
      const entries = performance.getEntriesByType('navigation' as 'measure');
      const [navigation] = entries as unknown as { nextHopProtocol: string }[];
      const answers: unknown[] = [];
      const closes = await Promise.all(
        Array.from(
          { length: 3 },
          (_, index) =>
            new Promise<number>((resolve) => {
              const ws = new WebSocket(`wss://${location.host}/ws`, ['envelope.v1']);
              const send = (message: object): void => ws.send(JSON.stringify(message));
              ws.onclose = ({ code }) => resolve(code);
              ws.onmessage = ({ data }) => {
                const { event, ack, data: value } = JSON.parse(data as string);
                if (event === '$session') send({ event: 'echo', data: index, id: 1 });
                if (ack === undefined) return;
                answers.push(value);
                send({ event: 'leave' });
              };
            }),
        ),
      );
      return { page: navigation!.nextHopProtocol, answers, closes };
    });
    await page.context().close();
    return seen;
  }

  async function startFastify(options: object): Promise<number> {
    const http = new FastifyAdapter({ http2: true, https: { ...tls, ...options } });
    app = await NestFactory.create(AppModule, http, { logger: ['error', 'warn'] });
    app.useWebSocketAdapter(new EnvelopeAdapter(app));
    await app.listen(0, '127.0.0.1');
    return (app.getHttpServer().address() as { port: number }).port;
  }

  it('opens its WebSockets by HTTP/1.1, on the same port of Fastify with allowHTTP1', async () => {
    const { page, answers, closes } = await visit(await startFastify({ allowHTTP1: true }));
    expect(page).toBe('h2');
    expect(answers).toEqual(expect.arrayContaining([{ data: 0 }, { data: 1 }, { data: 2 }]));
    expect(closes).toEqual([4321, 4321, 4321]);
  });

  it('opens none where the server offers WebSockets by HTTP/2, which Node answers with 405', async () => {
    const settings = { enableConnectProtocol: true };
    const { page, answers, closes } = await visit(await startFastify({ allowHTTP1: true, settings }));
    expect({ page, answers, closes }).toEqual({ page: 'h2', answers: [], closes: [1006, 1006, 1006] });
  });

  it('opens none on Fastify without allowHTTP1', async () => {
    const { page, answers, closes } = await visit(await startFastify({}));
    expect({ page, answers, closes }).toEqual({ page: 'h2', answers: [], closes: [1006, 1006, 1006] });
  });

  describeWithHaproxy('from HAProxy', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'envelope-http2-'));
      writeFileSync(join(folder, 'site.pem'), tls.key + tls.cert);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('opens its WebSockets by HTTP/2, which HAProxy passes on by HTTP/1.1', async () => {
      const { port } = await startApp({ controllers: [PageController], providers: [ChatGateway] });
      const haproxy = await Haproxy.startWith((own) =>
        [
          'defaults',
          '  mode http',
          '  timeout connect 5s',
          '  timeout client 30s',
          '  timeout server 30s',
          '  timeout tunnel 1h',
          'frontend site',
          `  bind 127.0.0.1:${own} ssl crt ${join(folder, 'site.pem')} alpn h2,http/1.1`,
          '  http-request set-header X-Http-Version %[req.ver]',
          '  http-request set-header X-Forwarded-Proto https',
          '  default_backend nest',
          'backend nest',
          `  server nest 127.0.0.1:${port}`,
          '',
        ].join('\n'),
      );
      const { page, answers, closes } = await visit(haproxy.port);
      expect(page).toBe('h2');
      const version = expect.stringMatching(/^2/);
      expect(answers).toEqual(expect.arrayContaining([0, 1, 2].map((data) => ({ data, version }))));
      expect(closes).toEqual([4321, 4321, 4321]);
    });
  });
});
