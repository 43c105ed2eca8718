import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
  type WsResponse,
} from '@nestjs/websockets';
import { from, map, type Observable } from 'rxjs';
import type { IncomingMessage } from 'node:http';
import { WebSocket, type Server, type WebSocketServer as WsServer } from 'ws';
import type { EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { deferred, until } from '../support/wait.js';

type LiveSocket = WebSocket & { isAlive?: boolean };

/** A typical gateway for the `WsAdapter` of Nest, with the types of `ws` and nothing from this package. */
@WebSocketGateway({ path: '/ws' })
class LegacyGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer() server!: Server;
  readonly calls: unknown[] = [];
  readonly sent = deferred<unknown>();

  afterInit(server: WsServer): void {
    this.calls.push(['init', server === this.server, server.clients.size]);
  }
  handleConnection(client: WebSocket, request: IncomingMessage): void {
    this.calls.push(['connection', request.url, client.readyState === client.OPEN]);
    client.on('close', (code, reason) => this.calls.push(['close', code, String(reason)]));
    client.on('error', (error) => this.calls.push(['error', error.message]));
    client.send(JSON.stringify({ event: 'welcome', data: this.server.clients.size }));
  }
  handleDisconnect(client: WebSocket): void {
    this.calls.push(['disconnect', this.server.clients.has(client)]);
  }

  @SubscribeMessage('events')
  events(@MessageBody() data: number[]): Observable<WsResponse<number>> {
    return from(data).pipe(map((item) => ({ event: 'events', data: item })));
  }
  @SubscribeMessage('identity')
  async identity(@MessageBody() data: number): Promise<WsResponse<number>> {
    return { event: 'identity', data };
  }
  @SubscribeMessage('send')
  send(@ConnectedSocket() client: WebSocket, @MessageBody() data: unknown): void {
    client.send(JSON.stringify({ event: 'sent', data }), (error) => this.sent.resolve(error));
  }
  @SubscribeMessage('sendBinary')
  sendBinary(client: WebSocket): void {
    client.send(Buffer.from('{"event":"bytes","data":1}'), { binary: true, compress: false });
  }
  @SubscribeMessage('broadcast')
  broadcast(client: WebSocket, data: unknown): void {
    const message = JSON.stringify({ event: 'broadcast', data });
    this.server.clients.forEach((other) => {
      if (other !== client && other.readyState === WebSocket.OPEN) other.send(message);
    });
  }
  @SubscribeMessage('kick')
  kick(client: WebSocket): void {
    for (const other of this.server.clients) if (other !== client) other.close(4003, 'kicked');
  }
  @SubscribeMessage('about')
  about(client: WebSocket): WsResponse<unknown> {
    const { readyState, protocol, extensions, bufferedAmount, isPaused } = client;
    return { event: 'about', data: { readyState, protocol, extensions, bufferedAmount, isPaused } };
  }
}

/** The heartbeat of the README of `ws`, unchanged except for its interval. */
@Injectable()
@WebSocketGateway({ path: '/heartbeat' })
class HeartbeatGateway implements OnGatewayInit, OnGatewayConnection, OnModuleDestroy {
  @WebSocketServer() server!: WsServer;
  private interval: NodeJS.Timeout | undefined;
  pongs = 0;

  afterInit(): void {
    this.interval = setInterval(() => {
      this.server.clients.forEach((client: LiveSocket) => {
        if (client.isAlive === false) return client.terminate();
        client.isAlive = false;
        client.ping();
      });
      // a client answers within this time, also on a busy machine
    }, 400);
  }
  handleConnection(client: LiveSocket): void {
    client.isAlive = true;
    client.on('pong', () => {
      client.isAlive = true;
      this.pongs++;
    });
  }
  onModuleDestroy(): void {
    clearInterval(this.interval);
  }
}

expectNoUnhandledErrors();

describe('a gateway written for WsAdapter', () => {
  const start = async (adapter: EnvelopeOptions = {}): Promise<{ app: TestApp; gateway: LegacyGateway }> => {
    const app = await startApp({ providers: [LegacyGateway] }, { adapter });
    return { app, gateway: app.nest.get(LegacyGateway) };
  };

  it('sends and returns as before', async () => {
    const { app, gateway } = await start();
    const client = await app.connect('/ws');
    expect(await client.next('welcome')).toEqual({ event: 'welcome', data: 1 });
    client.send({ event: 'events', data: [1, 2, 3] });
    for (const data of [1, 2, 3]) expect(await client.next('events')).toEqual({ event: 'events', data });
    client.send({ event: 'identity', data: 7 });
    expect(await client.next('identity')).toEqual({ event: 'identity', data: 7 });
    client.send({ event: 'send', data: 'x' });
    expect(await client.next('sent')).toEqual({ event: 'sent', data: 'x' });
    expect(await gateway.sent.promise).toBeFalsy();
    client.send({ event: 'sendBinary' });
    expect(await client.next('bytes')).toEqual({ event: 'bytes', data: 1 });
  });

  it('can read the states and properties of ws', async () => {
    const { app } = await start({ handleProtocols: (offered) => offered.has('chat') && 'chat' });
    const client = await app.connect('/ws', { protocols: ['other', 'chat'] });
    client.send({ event: 'about' });
    expect((await client.next('about')).data).toEqual({
      readyState: 1,
      protocol: 'chat',
      extensions: '',
      bufferedAmount: 0,
      isPaused: false,
    });
  });

  it('can broadcast through server.clients', async () => {
    const { app, gateway } = await start();
    const [ada, bob, eve] = [await app.connect('/ws'), await app.connect('/ws'), await app.connect('/ws')];
    await Promise.all([ada, bob, eve].map((client) => client.settled()));
    ada.send({ event: 'broadcast', data: 'hi' });
    expect((await bob.next('broadcast')).data).toBe('hi');
    expect((await eve.next('broadcast')).data).toBe('hi');
    await ada.settled();
    expect(ada.frames.some(({ event }) => event === 'broadcast')).toBe(false);
    expect([gateway.server.clients.size, [...gateway.server.clients].length]).toEqual([3, 3]);
    ada.send({ event: 'kick' });
    expect(await bob.ended()).toEqual({ code: 4003, reason: 'kicked' });
    expect(await eve.ended()).toEqual({ code: 4003, reason: 'kicked' });
    await until('the other clients disconnect', () => gateway.server.clients.size === 1);
    await ada.settled();
  });

  it('receives events of the connection, but not events of the same name from a client', async () => {
    const { app, gateway } = await start();
    const client = await app.connect('/ws?x=1');
    for (const event of ['close', 'error', 'pong', 'message', 'open']) client.send({ event, data: 'forged' });
    await client.settled();
    expect(gateway.calls).toEqual([
      ['init', true, 0],
      ['connection', '/ws?x=1', true],
    ]);
    client.close(4001, 'bye');
    await until('the end', () => gateway.calls.length === 4);
    expect(gateway.calls.slice(2)).toEqual([
      ['disconnect', false],
      ['close', 4001, 'bye'],
    ]);
  });

  it('receives an error of the connection', async () => {
    const { app, gateway } = await start();
    const client = await app.connect('/ws');
    await client.settled();
    const { _socket } = client.ws as unknown as { _socket: { write(bytes: Buffer): void } };
    _socket.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0]));
    await until('the end', () => gateway.calls.length === 5);
    expect(gateway.calls.slice(2).map((entry) => (entry as unknown[])[0])).toEqual([
      'error',
      'disconnect',
      'close',
    ]);
    expect(app.log.of('error')).toEqual([]);
  });

  it('can detect dead connections with its heartbeat', async () => {
    const app = await startApp({ providers: [HeartbeatGateway] });
    const gateway = app.nest.get(HeartbeatGateway);
    const alive = await app.connect('/heartbeat');
    const dead = await app.connect('/heartbeat', { autoPong: false });
    expect((await dead.ended()).code).toBe(1006);
    const { pongs } = gateway;
    await until('more pings', () => gateway.pongs > pongs + 2);
    expect(alive.closed).toBeUndefined();
    expect(gateway.server.clients.size).toBe(1);
  });

  it('can use verifyClient, handleProtocols and maxPayload as before', async () => {
    @WebSocketGateway({ path: '/ws' })
    class EmptyGateway {}
    const app = await startApp(
      { providers: [EmptyGateway] },
      {
        adapter: {
          verifyClient: ({ req }: { req: IncomingMessage }) => req.headers['x-key'] === 'good',
          handleProtocols: (protocols) => [...protocols].at(-1) ?? false,
          maxPayload: 100,
        },
      },
    );
    await expect(app.connect('/ws')).rejects.toThrow('Unexpected server response: 401');
    const client = await app.connect('/ws', { headers: { 'x-key': 'good' }, protocols: ['a', 'b'] });
    expect(client.ws.protocol).toBe('b');
    // A token, a reserved name, and a name that was not offered are ignored.
    for (const protocols of [
      'bearer, good',
      'a, envelope.v1+msgpack',
      'a, envelope.auth.e30',
      'a, Envelope.v2',
    ]) {
      const answer = await requestUpgrade(app.port, '/ws', {
        'X-Key': 'good',
        'Sec-WebSocket-Protocol': protocols,
      });
      expect([answer.status, answer.headers['sec-websocket-protocol']]).toEqual([101, undefined]);
    }
    expect(app.log.of('warn')[0]).toContain('The option handleProtocols selected');
    client.send('x'.repeat(101));
    expect((await client.ended()).code).toBe(1009);
  });
});
