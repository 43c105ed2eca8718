import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Body, Controller, Get, Post } from '@nestjs/common';
import { interval, map, take } from 'rxjs';
import { httpStreaming } from '../../lib/http-streaming/index.js';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import { until } from '../support/wait.js';
import { HttpLine, post } from './http-client.js';

@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly connected: EnvelopeSocket[] = [];
  readonly disconnected: [EnvelopeSocket, string][] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.connected.push(client);
    client.join('room');
  }
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    this.disconnected.push([client, reason]);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('count')
  count(): unknown {
    return interval(1).pipe(
      take(3),
      map((n) => n),
    );
  }
}

@Controller('ws')
class Site {
  @Get() page(): string {
    return 'page';
  }
  @Post() form(@Body() body: unknown): unknown {
    return { posted: body };
  }
}

describe('a connection over HTTP', () => {
  let app: TestApp;
  let gateway: Gateway;
  beforeAll(async () => {
    app = await startSharedApp(
      { providers: [Gateway], controllers: [Site] },
      { adapter: { transports: [httpStreaming()] } },
    );
    gateway = app.nest.get(Gateway);
  });
  afterAll(() => app.close());
  const last = (): EnvelopeSocket => gateway.connected.at(-1)!;

  it.each([
    ['text/event-stream', 'text/event-stream'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['*/*', 'application/x-ndjson'],
  ])('opens for Accept: %s, and answers a request', async (accept, type) => {
    const line = await HttpLine.open(app.port, { accept });
    expect(line.control).toEqual([['line', line.key, 0]]);
    expect(line.headers[0]).toMatchObject({
      'content-type': type,
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(line.headers[0]).not.toHaveProperty('content-length');
    const text = 'a\nb\r\u2028c';
    expect(await line.send({ event: 'echo', data: text, id: 1 })).toMatchObject({ status: 204, text: '' });
    expect(await line.next(1)).toEqual({ event: 'echo', data: text, ack: 1 });
    expect(line.raw.startsWith(type === 'text/event-stream' ? 'data: ["line",' : '["line",')).toBe(true);
  });

  it('carries a stream, several messages in one request, and a broadcast to both transports', async () => {
    const line = await HttpLine.open(app.port);
    const socket = await app.connect('/ws');
    await line.send({ event: 'count', id: 1, stream: true }, { event: 'echo', data: 2, id: 2 });
    expect(await line.next(2)).toMatchObject({ data: 2 });
    await until('the end of the stream', () =>
      line.messages.some(({ ack, data }) => ack === 1 && data === 2),
    );
    gateway.server.to('room').emit('news', { n: 1 });
    expect(await line.next('news')).toEqual({ event: 'news', data: { n: 1 } });
    expect((await socket.next('news')).data).toEqual({ n: 1 });
  });

  it('sends a request to the client, and takes its answer', async () => {
    const line = await HttpLine.open(app.port);
    const answer = last().emitWithAck('who', 'are you');
    const { id } = await line.next('who');
    await line.send({ ack: id, data: 'ada' });
    expect(await answer).toBe('ada');
  });

  it('ends by a goodbye of the client, and by the server, with code and reason', async () => {
    const line = await HttpLine.open(app.port);
    const socket = last();
    expect(await line.close({ code: 1000, reason: 'done' })).toMatchObject({ status: 204 });
    expect(await line.closed()).toEqual(['close', 1000, 'done']);
    const ends = (): string[] =>
      gateway.disconnected.flatMap(([client, reason]) => (client === socket ? reason : []));
    await until('handleDisconnect', () => ends().length > 0);
    expect(ends()).toEqual(['client namespace disconnect']);
    expect((await line.send({ event: 'echo' })).status).toBe(404);
    const other = await HttpLine.open(app.port);
    last().close(4000, 'bye');
    expect(await other.closed()).toEqual(['close', 4000, 'bye']);
  });

  it('goes on in another response, behind what the client has', async () => {
    const line = await HttpLine.open(app.port);
    const socket = last();
    socket.emit('a');
    await line.next('a');
    line.cut();
    socket.emit('b');
    socket.emit('c');
    await line.on();
    expect(await line.next('c')).toBeDefined();
    expect(line.control).toEqual([
      ['line', line.key, 0],
      ['line', line.key, 2],
      ['got', 0],
    ]);
    await line.on(2);
    expect(line.messages.map(({ event }) => event)).toEqual(['$session', 'a', 'b', 'c', 'b', 'c']);
  });

  it('leaves all other requests of the path to the application', async () => {
    expect((await post(app.port, '/ws', '', {}, 'GET')).text).toBe('page');
    const form = await post(app.port, '/ws?open=1', '{"a":1}', { 'Content-Type': 'application/json' });
    expect(JSON.parse(form.text)).toEqual({ posted: { a: 1 } });
    expect((await post(app.port, '/other?envelope=open', '{}')).status).toBe(404);
    const socket = await app.connect('/ws');
    socket.send({ event: 'echo', data: 1, id: 1 });
    expect((await socket.next('echo')).data).toBe(1);
  });
});
