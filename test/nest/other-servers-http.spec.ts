import { Agent, get, type IncomingMessage, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Body, Controller, Get, Post, Sse, type MessageEvent } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Subject } from 'rxjs';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { deferred, until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  @SubscribeMessage('echo')
  echo(_: unknown, data: unknown): unknown {
    return data;
  }
}

@Controller()
class PageController {
  readonly events = new Subject<MessageEvent>();
  readonly asked = deferred();
  readonly answer = deferred<string>();
  @Get('page')
  page(): string {
    return 'page';
  }
  @Post('page')
  post(@Body() body: unknown): unknown {
    return { body };
  }
  @Get('ws')
  ws(): string {
    return 'plain HTTP';
  }
  @Get('slow')
  slow(): Promise<string> {
    this.asked.resolve();
    return this.answer.promise;
  }
  @Sse('events')
  sse(): Subject<MessageEvent> {
    return this.events;
  }
}

const start = (): Promise<TestApp> => startApp({ controllers: [PageController], providers: [ChatGateway] });
const httpOf = (app: TestApp): Server => app.nest.getHttpServer();

/** One HTTP/1.1 connection with keep-alive. */
class KeepAliveConnection {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  private readonly sockets = new Set<Socket>();

  constructor(private readonly port: number) {}

  async text(path: string): Promise<string> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ port: this.port, host: '127.0.0.1', path, agent: this.agent }, resolve).on('error', reject);
    });
    this.sockets.add(response.socket);
    response.setEncoding('utf8');
    let text = '';
    for await (const chunk of response) text += chunk;
    return text;
  }

  get connections(): number {
    return this.sockets.size;
  }

  close(): void {
    this.agent.destroy();
  }
}

/** A stream of Server-Sent Events. */
class EventStream {
  private text = '';
  isOver = false;

  private constructor(private readonly response: IncomingMessage) {
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (this.text += chunk)).on('end', () => (this.isOver = true));
  }

  static async open(port: number): Promise<EventStream> {
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path: '/events', agent: false }, resolve).on('error', reject);
    });
    return new EventStream(await response);
  }

  async next(data: string): Promise<void> {
    await until(`the event ${data}`, () => this.text.includes(`data: ${data}\n`));
  }

  async over(): Promise<void> {
    await until('the end of the stream', () => this.isOver);
    this.response.destroy();
  }
}

expectNoUnhandledErrors();

describe('plain HTTP requests', () => {
  it('keep their connections while WebSocket clients connect and after the adapter is disposed', async () => {
    const app = await start();
    const connection = new KeepAliveConnection(app.port);
    expect(await connection.text('/page')).toBe('page');
    const client = await app.connect('/ws');
    expect(await connection.text('/ws')).toBe('plain HTTP');
    expect((await client.ask('echo', 1)).data).toBe(1);
    const disposed = app.adapter.dispose();
    expect(await connection.text('/page')).toBe('page');
    await disposed;
    expect((await client.ended()).code).toBe(1001);
    expect(await connection.text('/ws')).toBe('plain HTTP');
    expect(connection.connections).toBe(1);
    connection.close();
  });

  it('can stream events while the application closes, which waits for them', async () => {
    const app = await start();
    const controller = app.nest.get(PageController);
    const client = await app.connect('/ws');
    const opened = EventStream.open(app.port);
    await until('the subscription', () => controller.events.observed);
    controller.events.next({ data: 'before' });
    const stream = await opened;
    await stream.next('before');
    const closing = app.nest.close();
    expect((await client.ended()).code).toBe(1001);
    controller.events.next({ data: 'meanwhile' });
    await stream.next('meanwhile');
    controller.events.complete();
    await stream.over();
    await closing;
  });

  it('are answered when they were pending as the application closes', async () => {
    const app = await start();
    const { asked, answer } = app.nest.get(PageController);
    const client = await app.connect('/ws');
    const response = fetch(`http://127.0.0.1:${app.port}/slow`);
    await asked.promise;
    const closing = app.nest.close();
    await client.ended();
    answer.resolve('at last');
    expect(await (await response).text()).toBe('at last');
    await closing;
  });

  it('keep the server and its listeners until the application closes', async () => {
    const app = await start();
    const http = httpOf(app);
    const events: string[] = [];
    const listener = (): void => void events.push('upgrade');
    http.on('upgrade', listener).on('request', () => events.push('request'));
    http.on('close', () => events.push('close'));
    const names = ['request', 'connection', 'error', 'listening', 'close', 'clientError'];
    const listeners = (): unknown[] => names.map((name) => http.listeners(name));
    const before = listeners();
    await app.adapter.dispose();
    expect(listeners()).toEqual(before);
    expect(http.listeners('upgrade')).toEqual([listener]);
    expect(http.listening).toBe(true);
    expect(events).toEqual([]);
    await app.nest.close();
    expect(events).toEqual(['close']);
    expect(http.listeners('upgrade')).toEqual([listener]);
  });
});

const H2C = {
  Connection: 'Upgrade, HTTP2-Settings',
  Upgrade: 'h2c',
  'HTTP2-Settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
};

describe('an upgrade to an unknown protocol', () => {
  const fields = Object.entries(H2C).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = (requestLine: string, headers = ''): string =>
    `${requestLine} HTTP/1.1\r\nHost: here\r\n${fields.join('')}${headers}\r\n`;

  /** Writes raw bytes. @returns the body of the response */
  async function ask(port: number, text: string): Promise<string> {
    const tcp = connect(port, '127.0.0.1');
    let received = '';
    tcp.setEncoding('utf8').on('data', (chunk) => (received += String(chunk)));
    tcp.write(text);
    try {
      let body: string | undefined;
      await until('an answer', () => {
        const [head = '', rest] = received.split('\r\n\r\n');
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
        body = rest;
        return body !== undefined && Buffer.byteLength(body) === length;
      });
      return body!;
    } finally {
      tcp.destroy();
    }
  }

  it('is answered as a plain request, as by a server without gateways', async () => {
    const app = await start();
    for (const [path, body] of [
      ['/page?x=1', 'page'],
      ['/ws', 'plain HTTP'],
    ]) {
      expect(await requestUpgrade(app.port, path!, H2C)).toMatchObject({ status: 200, body });
    }
    expect((await requestUpgrade(app.port, '/nowhere', H2C)).status).toBe(404);
    expect((await requestUpgrade(app.port, '/page')).status).toBe(404);
  });

  it('may have a body, whole or chunked', async () => {
    const app = await start();
    const json = '{"text":"\\u00e4"}';
    const headers = `Content-Type: application/json\r\nContent-Length: ${json.length}\r\n`;
    const chunked = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n';
    const parts = [json.slice(0, 5), json.slice(5)].map(
      (part) => `${part.length.toString(16)}\r\n${part}\r\n`,
    );
    for (const text of [
      request('POST /page', headers) + json,
      `${request('POST /page', chunked)}${parts.join('')}0\r\n\r\n`,
    ]) {
      expect(await ask(app.port, text)).toBe('{"body":{"text":"ä"}}');
    }
  });

  it('cannot hide a request in its body behind many headers', async () => {
    const app = await start();
    const hidden = 'GET /page HTTP/1.1\r\nHost: here\r\n\r\n';
    const junk = 'a:b\r\n'.repeat(2_000);
    const tcp = connect(app.port, '127.0.0.1').setEncoding('latin1');
    let received = '';
    tcp.on('data', (chunk) => (received += String(chunk))).on('error', () => undefined);
    tcp.write(request('POST /ws', `${junk}Content-Length: ${hidden.length}\r\n`) + hidden);
    tcp.write('GET /ws HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => tcp.once('close', resolve));
    expect(received).toMatch(/^HTTP\/1\.1 4/);
    expect(received).not.toContain('\r\n\r\npage');
  });

  it('is left to other listeners', async () => {
    const app = await start();
    httpOf(app).on('upgrade', (upgrade: IncomingMessage, socket: Socket) => {
      if (upgrade.headers.upgrade === 'h2c')
        socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n');
    });
    expect((await requestUpgrade(app.port, '/page', H2C)).status).toBe(101);
    expect((await (await app.connect('/ws')).ask('echo', 1)).data).toBe(1);
  });

  it('is a plain request again after the adapter is disposed', async () => {
    const app = await start();
    await app.adapter.dispose();
    expect((await requestUpgrade(app.port, '/page', H2C)).body).toBe('page');
    expect((await requestUpgrade(app.port, '/ws')).body).toBe('plain HTTP');
  });
});
