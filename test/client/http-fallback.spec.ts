import { once } from 'node:events';
import { jest } from '@jest/globals';
import { WebSocketServer, type WebSocket } from 'ws';
import { http, type HttpOptions } from '../../lib/client/http.js';
import type { ClientOptions, DefaultEventsMap } from '../../lib/client/node.js';
import { stopClock } from '../support/clock.js';
import { until } from '../support/wait.js';
import { client, next } from './fixture.js';
import { startServer as startHttp, SESSION, type AnyClient, type ScriptedServer } from './http-server.js';

/** What becomes of the handshakes of WebSockets. */
type Handshakes = 'work' | 'break' | 'hang' | 'carry nothing' | number;

/**
 * A server for WebSockets and HTTP, with a proxy in between. Each has a port that no other test has: the client remembers what
 * works.
 */
class Network {
  handshakes: Handshakes = 'break';
  /** What the clients tried, in order. */
  readonly tried: string[] = [];
  private readonly webSockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'envelope.v1' });
  readonly open = new Set<WebSocket>();

  constructor(readonly server: ScriptedServer) {
    server.http.on('request', ({ url = '' }) => this.tried.push(url.replace(/.*envelope=/, '')));
    server.http.on('upgrade', (request, socket, head) => {
      server.upgraded.add(socket);
      this.tried.push('websocket');
      const { handshakes } = this;
      if (handshakes === 'break') socket.destroy();
      else if (typeof handshakes === 'number')
        socket.end(`HTTP/1.1 ${handshakes} No\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n`);
      else if (handshakes === 'hang') socket.on('error', () => undefined);
      else
        this.webSockets.handleUpgrade(request, socket, head, (ws) => {
          this.open.add(ws);
          if (handshakes === 'work')
            ws.send(JSON.stringify({ event: '$session', data: SESSION, offset: '1' }));
        });
    });
  }

  /** Ends all connections. */
  cut(): void {
    for (const ws of this.open) ws.terminate();
    this.open.clear();
    this.server.stream?.destroy();
    for (let i = 0; i < 9; i++)
      this.server.script.on.push(({ response }) => void response.writeHead(404).end());
  }

  client(options: ClientOptions = {}, given: HttpOptions = {}): AnyClient {
    return client<DefaultEventsMap, DefaultEventsMap>(`ws://127.0.0.1:${this.server.port}/`, {
      transports: ['websocket', http(given)],
      ...options,
    });
  }

  async connected(options: ClientOptions = {}, given: HttpOptions = {}): Promise<AnyClient> {
    const socket = this.client(options, given);
    await next(socket, 'connect');
    return socket;
  }
}

const start = async (): Promise<Network> => new Network(await startHttp());

describe('with a WebSocket and HTTP, the client', () => {
  it('uses a WebSocket where that works', async () => {
    const network = await start();
    network.handshakes = 'work';
    const socket = await network.connected();
    expect([socket.transport, network.tried]).toEqual(['websocket', ['websocket']]);
    const [ws] = network.open;
    const message = once(ws!, 'message');
    socket.emit('say', 1);
    expect(String((await message)[0])).toBe('{"event":"say","data":1}');
    ws!.send(Buffer.from('{"event":"said","data":2}'));
    expect(await next(socket, 'said')).toEqual([2]);
    const closed = once(ws!, 'close');
    socket.disconnect();
    expect((await closed)[0]).toBe(1000);
  });

  it.each(['break', 200, 302, 400, 404, 405, 426, 501, 502, 504] satisfies Handshakes[])(
    'uses HTTP within the same attempt if handshakes get: %s',
    async (handshakes) => {
      const network = await start();
      network.handshakes = handshakes;
      const socket = network.client();
      const errors: unknown[] = [];
      socket.on('connect_error', (error) => errors.push(error));
      await next(socket, 'connect');
      expect([socket.transport, network.tried, errors]).toEqual(['http', ['websocket', 'open'], []]);
      socket.emit('say', 1);
      await until('the message', () => network.server.messages.length === 1);
    },
  );

  it.each([
    [401, false],
    [403, false],
    [410, false],
    [429, true],
    [500, true],
    [503, true],
  ])('does not try HTTP after status %d: the server has answered', async (status, willReconnect) => {
    const network = await start();
    network.handshakes = status;
    const [error] = await next(
      network.client({ reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 }),
      'connect_error',
    );
    expect(error).toMatchObject({ status, willReconnect, cause: { status, retryAfter: 1_000 } });
    expect(network.tried).toEqual(['websocket']);
  });

  it('uses HTTP if a handshake takes half of the time for an attempt', async () => {
    const network = await start();
    network.handshakes = 'hang';
    const began = performance.now();
    const socket = await network.connected({ connectTimeout: 1_000 });
    expect(socket.transport).toBe('http');
    expect(performance.now() - began).toBeGreaterThan(499);
  });

  it('uses HTTP in the next attempt if a WebSocket opens that carries nothing', async () => {
    const network = await start();
    network.handshakes = 'carry nothing';
    const socket = await network.connected({ connectTimeout: 1_500 });
    expect([socket.transport, network.tried]).toEqual(['http', ['websocket', 'open']]);
  });

  it('uses HTTP if there is no WebSocket, or one that throws', async () => {
    const network = await start();
    class Broken {
      constructor() {
        throw new Error('not here');
      }
    }
    const socket = await network.connected({ WebSocket: Broken as never });
    expect([socket.transport, network.tried]).toEqual(['http', ['open']]);
  });

  it('begins with HTTP from then on, for as long as the option says', async () => {
    const network = await start();
    await network.connected();
    network.handshakes = 'work';
    const socket = await network.connected();
    expect([socket.transport, network.tried]).toEqual(['http', ['websocket', 'open', 'open']]);
    network.cut();
    await next(socket, 'connect');
    expect(socket.transport).toBe('http');

    const other = await start();
    await other.connected({}, { webSocketRetryDelay: 0 });
    other.handshakes = 'work';
    expect((await other.connected()).transport).toBe('websocket');
  });

  it('tries HTTP after three failures in a row where a WebSocket has worked', async () => {
    const network = await start();
    network.handshakes = 'work';
    const socket = await network.connected();
    network.handshakes = 'break';
    network.cut();
    await next(socket, 'connect');
    expect([socket.transport, network.tried]).toEqual([
      'http',
      ['websocket', 'websocket', 'websocket', 'websocket', 'open'],
    ]);
  });

  it('reports what failed first if the server has no HTTP, and comes back', async () => {
    const network = await start();
    const { open } = network.server.script;
    open.push(({ response }) => void response.writeHead(404).end());
    const socket = network.client();
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({
      status: undefined,
      willReconnect: true,
      message: expect.stringContaining('socket hang up'),
    });
    network.handshakes = 'work';
    await next(socket, 'connect');
    expect([socket.transport, network.tried]).toEqual(['websocket', ['websocket', 'open', 'websocket']]);
  });

  it('reports the status of the handshake if the server has no HTTP', async () => {
    const network = await start();
    network.handshakes = 426;
    network.server.script.open.push(({ response }) => void response.writeHead(404).end());
    const [error] = await next(network.client(), 'connect_error');
    expect(error).toMatchObject({ status: 426, willReconnect: false });
  });

  it('reports a refusal over HTTP, which a browser does not know of a WebSocket', async () => {
    const network = await start();
    network.server.script.open.push(({ response }) => void response.writeHead(401).end());
    const [error] = await next(network.client(), 'connect_error');
    expect(error).toMatchObject({ status: 401, willReconnect: false });
  });

  it('begins with a WebSocket again after HTTP has failed', async () => {
    const network = await start();
    const socket = await network.connected();
    network.handshakes = 'work';
    network.server.script.open.push(({ response }) => void response.destroy());
    network.cut();
    await next(socket, 'connect');
    expect([socket.transport, network.tried.filter((tried) => tried !== 'on')]).toEqual([
      'websocket',
      ['websocket', 'open', 'open', 'websocket'],
    ]);
  });

  it('stops while it waits for a handshake', async () => {
    const network = await start();
    network.handshakes = 'hang';
    // the network stays real
    stopClock();
    try {
      const socket = network.client({ connectTimeout: 1_000 });
      await until('the handshake', () => network.tried.length === 1);
      expect(jest.getTimerCount()).toBeGreaterThan(0);
      socket.disconnect();
      expect([jest.getTimerCount(), socket.state]).toEqual([0, 'closed']);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('http()', () => {
  it.each([
    [() => http({ credentials: 'yes' as never }), 'http: credentials is "yes": it takes'],
    [() => http({ webSocketRetryDelay: -1 }), 'http: webSocketRetryDelay is -1: it takes'],
    [() => http({ delay: 1 } as never), 'http: unknown option "delay"'],
    [() => http(null as never), 'http: options is null: it takes an object'],
    [() => client('ws://localhost', { transports: ['http' as never] }), 'transports: http: use '],
    [() => client('ws://localhost', { transports: [] }), 'no WebSocket'],
    [
      () =>
        client('ws://localhost', {
          transports: [http()],
          codec: { protocol: 'x', read: () => ({}), write: String },
        }),
      'connect: codec is "x": it takes JSON',
    ],
  ])('refuses what it cannot use (%#)', (create, message) => {
    expect(create).toThrow(message);
  });
});
