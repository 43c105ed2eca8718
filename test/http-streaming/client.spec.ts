import { jest } from '@jest/globals';
import { http } from '../../lib/client/http.js';
import type { ClientOptions } from '../../lib/client/index.js';
import { httpStreaming } from '../../lib/http-streaming/index.js';
import { EnvelopeClient } from '../../lib/microservices/index.js';
import { behindFaultyNetwork, client, connected, next, startServer } from '../client/fixture.js';
import { TokenGuard } from '../client/fixture-gateway.js';
import { stopClock } from '../support/clock.js';
import { HttpProxy } from '../support/http-proxy.js';
import { until } from '../support/wait.js';

const HTTP: ClientOptions = { transports: [http()] };
const BOTH: ClientOptions = { transports: ['websocket', http()] };
const ADAPTER = { transports: [httpStreaming()] };
const start = (adapter: object = {}): ReturnType<typeof startServer> =>
  startServer({ adapter: { ...ADAPTER, ...adapter } });

describe('the client over HTTP', () => {
  it('has events, requests, exceptions, streams and requests of the server', async () => {
    const { gateway, url } = await start();
    const socket = await connected(url, HTTP);
    const webSocket = await connected(url, BOTH);
    expect([socket.transport, webSocket.transport]).toEqual(['http', 'websocket']);

    for (let i = 0; i < 20; i++) socket.emit('say', `text ${i}`);
    expect(await socket.emitWithAck('sum', [1, 2, 3])).toBe(6);
    expect(gateway.said).toEqual(Array.from({ length: 20 }, (_, i) => `text ${i}`));
    await expect(socket.emitWithAck('refuse')).rejects.toThrow('not today');

    const ticks: number[] = [];
    for await (const tick of socket.stream('ticks', 3)) ticks.push(tick);
    expect(ticks).toEqual([0, 1, 2]);
    for await (const tick of socket.stream('forever')) if (tick === 3) break;
    await until('the end of the source', () => gateway.readers === 0);

    socket.on('question', (text) => `${text}!`);
    socket.on('where', () => 'here');
    expect(await socket.emitWithAck('ask', 'ü€\n𝄞')).toBe('ü€\n𝄞!');
    expect(await socket.emitWithAck('askWhere')).toBe('here');

    const both = [next(socket, 'said'), next(webSocket, 'said')];
    gateway.server.to('room').emit('said', 'to all');
    expect(await Promise.all(both)).toEqual([['to all'], ['to all']]);
  });

  it('carries what is larger than one chunk, both ways, and many messages at once', async () => {
    const { gateway, url } = await start();
    const socket = await connected(url, HTTP);
    const large = 'x€'.repeat(150_000);
    socket.on('question', (text) => text);
    expect(await socket.emitWithAck('ask', large)).toBe(large);
    const got: string[] = [];
    socket.on('said', (text) => got.push(text));
    for (let i = 0; i < 2_000; i++) gateway.server.to('room').emit('said', String(i));
    await until('all messages', () => got.length === 2_000);
    expect(got).toEqual(Array.from({ length: 2_000 }, (_, i) => String(i)));
  });

  it.each(['websocket', 'http'])('gives its user the same events over: %s', async (transport) => {
    const { gateway, url } = await start();
    const socket = client(url, transport === 'http' ? HTTP : {});
    const log: unknown[] = [];
    socket.onState((state, before) => log.push(`${before} -> ${state}`));
    socket.on('connect', (info) => log.push(['connect', info]));
    socket.on('disconnect', (...args) => log.push(['disconnect', ...args]));
    await next(socket, 'connect');
    gateway.last.close(1012, 'again');
    await next(socket, 'connect');
    gateway.last.disconnect();
    await next(socket, 'disconnect');
    socket.connect();
    await next(socket, 'connect');
    socket.disconnect();
    expect(log).toEqual([
      'idle -> connecting',
      'connecting -> open',
      ['connect', { missed: false }],
      'open -> waiting',
      ['disconnect', 'transport close', { code: 1012, reason: 'again', willReconnect: true }],
      'waiting -> connecting',
      'connecting -> open',
      ['connect', { missed: true }],
      'open -> closed',
      ['disconnect', 'io server disconnect', { code: 1000, reason: '', willReconnect: false }],
      'closed -> connecting',
      'connecting -> open',
      ['connect', { missed: true }],
      'open -> closed',
      ['disconnect', 'io client disconnect', { code: 1000, reason: '', willReconnect: false }],
    ]);
    await until('the goodbye', () => gateway.server.clients.size === 0);
  });

  it('is refused by guards, renews its credentials, and connects again when they expire', async () => {
    stopClock();
    TokenGuard.tokens.clear();
    const { guarded } = await start();
    const refused = client(guarded, { ...HTTP, auth: 'wrong' });
    expect(await next(refused, 'connect_error')).toMatchObject([{ status: 403, willReconnect: false }]);

    let calls = 0;
    const auth = (): string => {
      TokenGuard.tokens.set(`token ${++calls}`, { id: 'ada', expiresAt: Date.now() + 10_000 });
      return `token ${calls}`;
    };
    const socket = client(guarded, { ...HTTP, auth });
    await next(socket, 'connect');
    const { id } = socket;
    expect(await socket.reauthenticate()).toMatchObject({ expiresIn: expect.any(Number) });
    expect(calls).toBe(2);
    jest.advanceTimersByTime(9_000);
    expect(calls).toBe(3);
    // the client sends its token when it has it, and the server answers after it
    await new Promise(setImmediate);
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    // the end of the second token
    jest.advanceTimersByTime(2_000);
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
    expect(socket.id).toBe(id);
  });

  it('recovers its session over HTTP when the network has changed to one without WebSockets', async () => {
    const { app, gateway, network, url } = await behindFaultyNetwork(await start({ recovery: true }));
    const proxy = await HttpProxy.start(app.port);
    const socket = await connected(url, BOTH);
    const { id } = socket;
    const got: string[] = [];
    socket.on('said', (text) => got.push(text));
    gateway.server.to('room').emit('said', 'one');
    await next(socket, 'said');
    expect(socket.transport).toBe('websocket');
    const disconnected = next(socket, 'disconnect');
    network.target = proxy.port;
    network.cut();
    await disconnected;
    gateway.server.to('room').emit('said', 'two');
    await next(socket, 'connect');
    expect([socket.transport, socket.recovered, socket.id]).toEqual(['http', true, id]);
    await until('what was missed', () => got.length === 2);

    // a lost response is no lost connection
    network.cut();
    gateway.server.to('room').emit('said', 'three');
    await until('what was missed', () => got.length === 3);
    expect([got, gateway.clients.length]).toEqual([['one', 'two', 'three'], 2]);
  });

  it('comes back when the server restarts, and stays on HTTP', async () => {
    const before = await start();
    const proxy = await HttpProxy.start(before.app.port);
    const socket = await connected(before.app.url('/talk', proxy.port), BOTH);
    expect(socket.transport).toBe('http');
    const after = await start();
    proxy.target = after.app.port;
    const disconnected = next(socket, 'disconnect');
    const again = next(socket, 'connect');
    await before.app.close();
    expect(await disconnected).toMatchObject(['transport close', { code: 1001, willReconnect: true }]);
    await again;
    expect([socket.transport, proxy.requests.filter((target) => target === '/talk').length]).toEqual([
      'http',
      1,
    ]);
  });

  it('is the transport of a microservice client, too', async () => {
    const { gateway, url } = await start();
    const users = new EnvelopeClient({ url, ...HTTP });
    await users.connect();
    expect(gateway.last.conn.transport.name).toBe('http');
    users.close();
    await until('the goodbye', () => gateway.server.clients.size === 0);
  });

  it('frees its place at once when it disconnects', async () => {
    const { url } = await start({ limits: { maxConnectionsPerAddress: 1 } });
    const first = await connected(url, HTTP);
    const second = client(url, HTTP);
    expect(await next(second, 'connect_error')).toMatchObject([
      { status: 429, willReconnect: true, cause: { retryAfter: 5_000 } },
    ]);
    first.disconnect();
    await until('a place', () => {
      if (second.state === 'waiting') second.connect();
      return second.connected;
    });
  });
});
