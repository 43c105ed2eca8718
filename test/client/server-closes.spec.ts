import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { ConnectError, DisconnectedError } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { behindFaultyNetwork, client, connected, faultyNetworkTo, next, startServer } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';

const cleanups: (() => unknown)[] = [];
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()));

/** Starts an HTTP server that answers each upgrade with the next text, and then repeats the last one. */
async function respondWith(...answers: string[]): Promise<{ url: string; times: number[] }> {
  const times: number[] = [];
  const server = createServer();
  server.on('upgrade', (_request, socket) => {
    const answer = answers[Math.min(times.length, answers.length - 1)]!;
    times.push(performance.now());
    socket.on('error', () => undefined).end(answer);
  });
  cleanups.push(() => server.close().closeAllConnections());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, times };
}

const refusing = (status: string, headers = ''): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: 2\r\nConnection: close\r\n${headers}\r\nno`;

describe('a server that closes the connection', () => {
  it.each([
    [1000, 'done'],
    [1008, 'too much'],
    [1002, 'no frame'],
    [4000, 'the application'],
    [4409, 'id in flight'],
  ])('permanently with %i: the client does not reconnect', async (code, reason) => {
    const { gateway, url, network } = await behindFaultyNetwork(await startServer());
    const socket = await connected(url);
    const asked = socket.emitWithAck('never');
    await socket.emitWithAck('sum', []);
    gateway.last.ws.close(code, reason);
    expect(await next(socket, 'disconnect')).toEqual([
      'io server disconnect',
      { code, reason, willReconnect: false },
    ]);
    await expect(asked).rejects.toThrow(DisconnectedError);
    expect(socket).toMatchObject({ state: 'closed', connected: false, id: undefined });
    expect(socket.emit('say', 'dropped')).toBe(false);
    await expect(socket.emitWithAck('sum', [1])).rejects.toThrow('the connection is closed');
    expect(network.attempts.length).toBe(1);
    // The client does not reconnect by itself, but connect() works.
    socket.connect();
    await next(socket, 'connect');
    expect(await socket.emitWithAck('sum', [1])).toBe(1);
    expect(gateway.said).toEqual([]);
  });

  it('temporarily with 1013: the client reconnects later than after a restart', async () => {
    const { gateway, url } = await behindFaultyNetwork(await startServer());
    const [early, late] = [await connected(url), await connected(url)];
    gateway.clients[1]!.ws.close(1013, 'try again later');
    expect(await next(late, 'disconnect')).toEqual([
      'transport close',
      { code: 1013, reason: 'try again later', willReconnect: true },
    ]);
    gateway.clients[0]!.ws.close(1012);
    await next(early, 'connect');
    expect([early.state, late.state]).toEqual(['open', 'waiting']);
    expect(late.emit('say', 'kept')).toBe(true);
    late.connect();
    await next(late, 'connect');
    await late.emitWithAck('sum', []);
    expect(gateway.said).toEqual(['kept']);
  });

  it('with 4401: the client requests a fresh token and presents it', async () => {
    const { gateway, url } = await startServer();
    let asked = 0;
    const socket = await connected(url, { auth: () => Promise.resolve({ token: `token ${++asked}` }) });
    expect(await socket.emitWithAck('whoami')).toMatchObject({ auth: { token: 'token 1' } });
    gateway.last.ws.close(4401, 'expired');
    expect(await next(socket, 'disconnect')).toEqual([
      'transport close',
      { code: 4401, reason: 'expired', willReconnect: true },
    ]);
    expect(await socket.emitWithAck('whoami')).toMatchObject({ auth: { token: 'token 2' } });
    expect(asked).toBe(2);
  });
});

describe('a server that refuses clients', () => {
  it('permanently: the client gives up and pending requests fail', async () => {
    TokenGuard.tokens.clear();
    const { guarded } = await startServer();
    const { url, times } = await respondWith(refusing('401 Unauthorized'));
    for (const [address, status] of [
      [guarded, 403],
      [url, 401],
    ] as const) {
      const socket = client(address, { auth: 'unknown' });
      const asked = socket.emitWithAck('whoami').catch((error: unknown) => error);
      const [error] = await next<ConnectError>(socket, 'connect_error');
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({ status, code: 1006, willReconnect: false });
      expect(error!.message).toBe(`could not connect: HTTP status ${status}`);
      expect(await asked).toBeInstanceOf(DisconnectedError);
      expect(socket.state).toBe('closed');
    }
    expect(times.length).toBe(1);
  });

  it('with Retry-After: the client does not reconnect earlier', async () => {
    const seconds = '503 Service Unavailable';
    const inASecond = await respondWith(refusing(seconds, 'Retry-After: 1\r\n'));
    const tooMany = await respondWith(refusing('429 Too Many Requests', 'Retry-After: 1\r\n'));
    const soon = await respondWith(refusing(seconds, 'Retry-After: soon\r\n'));
    const garbage = await Promise.all(
      ['-5', '+99999', '1e9', '0', '3000-01-01', '99999.5', 'Jan 3000', '"99999"'].map((text) =>
        respondWith(refusing(seconds, `Retry-After: ${text}\r\n`)),
      ),
    );
    const hasPassed = await respondWith(refusing(seconds, 'Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n'));
    const sockets = [inASecond, tooMany, soon, hasPassed].map(({ url }) => client(url));
    const [, many] = sockets;
    expect(await next(many!, 'connect_error')).toMatchObject([{ status: 429, willReconnect: true }]);
    const tried = async (times: number[], count: number): Promise<number> => {
      await until(`attempt ${count}`, () => times.length >= count);
      return times[count - 1]! - times[0]!;
    };
    // An invalid header has no effect.
    await tried(soon.times, 5);
    await tried(hasPassed.times, 5);
    for (const { url } of garbage) client(url);
    for (const { times } of garbage) await tried(times, 3);
    const inTwoSeconds = await respondWith(
      refusing(seconds, `Retry-After: ${new Date(Date.now() + 2_000).toUTCString()}\r\n`),
    );
    client(inTwoSeconds.url);
    const waited = [await tried(inASecond.times, 2), await tried(tooMany.times, 2)];
    for (const time of waited) expect(time).toBeGreaterThanOrEqual(995);
    // A date has no milliseconds.
    expect(await tried(inTwoSeconds.times, 2)).toBeGreaterThanOrEqual(500);
  });

  it('with a Retry-After of a hundred years: the client does not reconnect at once', async () => {
    const { url, times } = await respondWith(
      refusing('503 Service Unavailable', 'Retry-After: 3155760000\r\n'),
    );
    const soon = await respondWith(refusing('503 Service Unavailable'));
    const [waiting, other] = [client(url), client(soon.url)];
    await next(waiting, 'connect_error');
    for (let failed = 0; failed < 4; failed++) await next(other, 'connect_error');
    expect(times.length).toBe(1);
    expect(waiting.state).toBe('waiting');
  });

  it('at its limit: the client connects after another one has disconnected', async () => {
    const { app, gateway } = await startServer({ adapter: { limits: { maxConnectionsPerAddress: 1 } } });
    const [first, second] = [await connected(app.url('/talk')), client(app.url('/talk'))];
    expect(await next(second, 'connect_error')).toMatchObject([{ status: 429, willReconnect: true }]);
    first.disconnect();
    await until('a place is free', () => gateway.server.clients.size === 0);
    // The Retry-After of the server is five seconds.
    second.connect();
    await next(second, 'connect');
    expect(gateway.clients.length).toBe(2);
  });

  it('with responses that are no upgrade', async () => {
    const answers = [
      'this is no HTTP\r\n\r\n',
      refusing('200 OK'),
      refusing('302 Found', 'Location: ws://127.0.0.1:1/\r\n'),
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      'HTTP/1.1 101',
      '',
      refusing('401 Unauthorized'),
    ];
    const { url, times } = await respondWith(...answers);
    const socket = client(url);
    const errors: ConnectError[] = [];
    while (errors.at(-1)?.willReconnect !== false)
      errors.push(...(await next<ConnectError>(socket, 'connect_error')));
    expect(times.length).toBe(answers.length);
    expect(errors.map(({ status }) => status)).toEqual([
      undefined,
      200,
      302,
      undefined,
      undefined,
      undefined,
      401,
    ]);
  });

  it('by not sending $session: the attempt fails after connectTimeout', async () => {
    const withoutSession = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: () => 'envelope.v1',
    });
    cleanups.push(() => withoutSession.close());
    await once(withoutSession, 'listening');
    let connections = 0;
    const codes: number[] = [];
    withoutSession.on('connection', (ws) => {
      connections++;
      ws.send('{"event":"said","data":"too early"}');
      ws.on('close', (code) => codes.push(code));
    });
    const socket = client(`ws://127.0.0.1:${(withoutSession.address() as AddressInfo).port}/`, {
      connectTimeout: 300,
    });
    const received: unknown[] = [];
    socket.onAny((...event) => received.push(event));
    socket.on('connect', (info) => received.push(info));
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({
      message: 'could not connect: no connection within 300 ms',
      willReconnect: true,
    });
    await next(socket, 'connect_error');
    socket.disconnect();
    expect(received).toEqual([]);
    expect(connections).toBe(2);
    await until('the first connection closes', () => codes.length > 0);
    // The close code shows an error, not a normal close.
    expect(codes[0]).toBe(4408);
  });

  it('while credentials are late: connectTimeout applies, and credentials of an abandoned attempt are ignored', async () => {
    const { gateway, url } = await startServer();
    const given: ((token: string) => void)[] = [];
    const late = (): Promise<string> => new Promise((resolve) => void given.push(resolve));
    const socket = client(url, {
      auth: () => (given.length < 2 ? late() : 'in time'),
      connectTimeout: 300,
    });
    await next(socket, 'connect_error');
    await until('the second attempt', () => given.length === 2);
    given[0]!('late');
    given[1]!('in time');
    await next(socket, 'connect');
    expect(await socket.emitWithAck('whoami')).toMatchObject({ auth: { token: 'in time' } });
    for (const { handshake } of gateway.clients) expect(handshake.auth).toEqual({ token: 'in time' });
  });

  it('before it is contacted: connect_error contains the error of auth', async () => {
    const network = await faultyNetworkTo(1);
    const socket = client(`ws://127.0.0.1:${network.port}/`, {
      auth: () => {
        throw new Error('no token today');
      },
    });
    const [error] = await next<ConnectError>(socket, 'connect_error');
    expect(error).toMatchObject({ willReconnect: true, cause: new Error('no token today') });
    expect(network.attempts).toEqual([]);
  });

  it('without a close event, as on Node 20', async () => {
    class SocketWithoutClose extends WebSocket {
      private wasOpen = false;

      override emit(event: string, ...args: unknown[]): boolean {
        this.wasOpen ||= event === 'open';
        return (event !== 'close' || this.wasOpen) && super.emit(event, ...args);
      }
    }
    const { url, network } = await behindFaultyNetwork(await startServer());
    network.isRefusing = true;
    const socket = client(url, { WebSocket: SocketWithoutClose as never });
    for (let failed = 0; failed < 3; failed++)
      expect(await next(socket, 'connect_error')).toMatchObject([{ code: 1006, willReconnect: true }]);
    network.isRefusing = false;
    await next(socket, 'connect');
    network.cut();
    await next(socket, 'disconnect');
    await next(socket, 'connect');
  });
});
