import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { ConnectError, DisconnectedError } from '../../lib/client/node.js';
import { until } from '../support/wait.js';
import { behind, client, connected, lineTo, next, startTalk } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';

const ends: (() => unknown)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));

/** An HTTP server that answers upgrades by hand: a text for each, the last one again and again. */
async function answering(...answers: string[]): Promise<{ url: string; times: number[] }> {
  const times: number[] = [];
  const server = createServer();
  server.on('upgrade', (_request, socket) => {
    const answer = answers[Math.min(times.length, answers.length - 1)]!;
    times.push(performance.now());
    socket.on('error', () => undefined).end(answer);
  });
  ends.push(() => server.close().closeAllConnections());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, times };
}

const refusing = (status: string, headers = ''): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: 2\r\nConnection: close\r\n${headers}\r\nno`;

describe('a server that closes the line', () => {
  it.each([
    [1000, 'goodbye'],
    [1008, 'too much'],
    [1002, 'no frame'],
    [4000, 'the application'],
    [4409, 'id in flight'],
  ])('for good, with %i: the client stays away', async (code, reason) => {
    const { talk, url, line } = await behind(await startTalk());
    const socket = await connected(url);
    const asked = socket.emitWithAck('never');
    await socket.emitWithAck('sum', []);
    talk.last.ws.close(code, reason);
    expect(await next(socket, 'disconnect')).toEqual([
      'io server disconnect',
      { code, reason, willReconnect: false },
    ]);
    await expect(asked).rejects.toThrow(DisconnectedError);
    expect(socket).toMatchObject({ state: 'closed', connected: false, id: undefined });
    expect(socket.emit('say', 'nobody')).toBe(false);
    await expect(socket.emitWithAck('sum', [1])).rejects.toThrow('the connection is closed');
    expect(line.attempts.length).toBe(1);
    // not by itself; but it may
    socket.connect();
    await next(socket, 'connect');
    expect(await socket.emitWithAck('sum', [1])).toBe(1);
    expect(talk.said).toEqual([]);
  });

  it('for the moment, with 1013: the client comes later than one whose server restarts', async () => {
    const { talk, url } = await behind(await startTalk());
    const [early, late] = [await connected(url), await connected(url)];
    talk.clients[1]!.ws.close(1013, 'try again later');
    expect(await next(late, 'disconnect')).toEqual([
      'transport close',
      { code: 1013, reason: 'try again later', willReconnect: true },
    ]);
    talk.clients[0]!.ws.close(1012);
    await next(early, 'connect');
    expect([early.state, late.state]).toEqual(['open', 'waiting']);
    expect(late.emit('say', 'kept')).toBe(true);
    late.connect();
    await next(late, 'connect');
    await late.emitWithAck('sum', []);
    expect(talk.said).toEqual(['kept']);
  });

  it('with 4401: the client asks for a fresh token, and shows that', async () => {
    const { talk, url } = await startTalk();
    let asked = 0;
    const socket = await connected(url, { auth: () => Promise.resolve({ token: `token ${++asked}` }) });
    expect(await socket.emitWithAck('whoami')).toMatchObject({ auth: { token: 'token 1' } });
    talk.last.ws.close(4401, 'expired');
    expect(await next(socket, 'disconnect')).toEqual([
      'transport close',
      { code: 4401, reason: 'expired', willReconnect: true },
    ]);
    expect(await socket.emitWithAck('whoami')).toMatchObject({ auth: { token: 'token 2' } });
    expect(asked).toBe(2);
  });
});

describe('a server that lets nobody in', () => {
  it('refuses for good: the client gives up, and what waited fails', async () => {
    TokenGuard.tokens.clear();
    const { guarded } = await startTalk();
    const { url, times } = await answering(refusing('401 Unauthorized'));
    for (const [address, status] of [
      [guarded, 403],
      [url, 401],
    ] as const) {
      const socket = client(address, { auth: 'nobody knows it' });
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

  it('says when to come back: the client does not come before', async () => {
    const seconds = '503 Service Unavailable';
    const inASecond = await answering(refusing(seconds, 'Retry-After: 1\r\n'));
    const tooMany = await answering(refusing('429 Too Many Requests', 'Retry-After: 1\r\n'));
    const soon = await answering(refusing(seconds, 'Retry-After: soon\r\n'));
    const garbage = await Promise.all(
      ['-5', '+99999', '1e9', '0', '3000-01-01', '99999.5', 'Jan 3000', '"99999"'].map((text) =>
        answering(refusing(seconds, `Retry-After: ${text}\r\n`)),
      ),
    );
    const hasPassed = await answering(refusing(seconds, 'Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n'));
    const sockets = [inASecond, tooMany, soon, hasPassed].map(({ url }) => client(url));
    const [, many] = sockets;
    expect(await next(many!, 'connect_error')).toMatchObject([{ status: 429, willReconnect: true }]);
    const tried = async (times: number[], count: number): Promise<number> => {
      await until(`attempt ${count}`, () => times.length >= count);
      return times[count - 1]! - times[0]!;
    };
    // a header that says nothing changes nothing
    await tried(soon.times, 5);
    await tried(hasPassed.times, 5);
    for (const { url } of garbage) client(url);
    for (const { times } of garbage) await tried(times, 3);
    const inTwoSeconds = await answering(
      refusing(seconds, `Retry-After: ${new Date(Date.now() + 2_000).toUTCString()}\r\n`),
    );
    client(inTwoSeconds.url);
    const waited = [await tried(inASecond.times, 2), await tried(tooMany.times, 2)];
    for (const time of waited) expect(time).toBeGreaterThanOrEqual(995);
    // a date has no milliseconds
    expect(await tried(inTwoSeconds.times, 2)).toBeGreaterThanOrEqual(500);
  });

  it('says never, or in a hundred years: the client does not take that for now', async () => {
    const { url, times } = await answering(
      refusing('503 Service Unavailable', 'Retry-After: 3155760000\r\n'),
    );
    const soon = await answering(refusing('503 Service Unavailable'));
    const [patient, other] = [client(url), client(soon.url)];
    await next(patient, 'connect_error');
    for (let failed = 0; failed < 4; failed++) await next(other, 'connect_error');
    expect(times.length).toBe(1);
    expect(patient.state).toBe('waiting');
  });

  it('is full: the client that was sent away is in when another has gone', async () => {
    const { app, talk } = await startTalk({ adapter: { limits: { maxConnectionsPerAddress: 1 } } });
    const [first, second] = [await connected(app.url('/talk')), client(app.url('/talk'))];
    expect(await next(second, 'connect_error')).toMatchObject([{ status: 429, willReconnect: true }]);
    first.disconnect();
    await until('its place is free', () => talk.server.clients.size === 0);
    // the server says: in five seconds
    second.connect();
    await next(second, 'connect');
    expect(talk.clients.length).toBe(2);
  });

  it('answers with what is no upgrade', async () => {
    const answers = [
      'this is no HTTP\r\n\r\n',
      refusing('200 OK'),
      refusing('302 Found', 'Location: ws://127.0.0.1:1/\r\n'),
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      'HTTP/1.1 101',
      '',
      refusing('401 Unauthorized'),
    ];
    const { url, times } = await answering(...answers);
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

  it('never says $session: the attempt is over after connectTimeout', async () => {
    const mute = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'envelope.v1' });
    ends.push(() => mute.close());
    await once(mute, 'listening');
    let lines = 0;
    const codes: number[] = [];
    mute.on('connection', (ws) => {
      lines++;
      ws.send('{"event":"said","data":"too early"}');
      ws.on('close', (code) => codes.push(code));
    });
    const socket = client(`ws://127.0.0.1:${(mute.address() as AddressInfo).port}/`, { connectTimeout: 300 });
    const heard: unknown[] = [];
    socket.onAny((...event) => heard.push(event));
    socket.on('connect', (info) => heard.push(info));
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({
      message: 'could not connect: no connection within 300 ms',
      willReconnect: true,
    });
    await next(socket, 'connect_error');
    socket.disconnect();
    expect(heard).toEqual([]);
    expect(lines).toBe(2);
    await until('the end of the first', () => codes.length > 0);
    // it was no goodbye
    expect(codes[0]).toBe(4408);
  });

  it('does not wait for credentials for ever, nor for those of an attempt that was given up', async () => {
    const { talk, url } = await startTalk();
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
    for (const { handshake } of talk.clients) expect(handshake.auth).toEqual({ token: 'in time' });
  });

  it('is not there, and the token neither: what auth throws is told', async () => {
    const line = await lineTo(1);
    const socket = client(`ws://127.0.0.1:${line.port}/`, {
      auth: () => {
        throw new Error('no token today');
      },
    });
    const [error] = await next<ConnectError>(socket, 'connect_error');
    expect(error).toMatchObject({ willReconnect: true, cause: new Error('no token today') });
    expect(line.attempts).toEqual([]);
  });

  it('fails without a close event, as Node 20 has it', async () => {
    class Curt extends WebSocket {
      private wasOpen = false;

      override emit(event: string, ...args: unknown[]): boolean {
        this.wasOpen ||= event === 'open';
        return (event !== 'close' || this.wasOpen) && super.emit(event, ...args);
      }
    }
    const { url, line } = await behind(await startTalk());
    line.isRefusing = true;
    const socket = client(url, { WebSocket: Curt as never });
    for (let failed = 0; failed < 3; failed++)
      expect(await next(socket, 'connect_error')).toMatchObject([{ code: 1006, willReconnect: true }]);
    line.isRefusing = false;
    await next(socket, 'connect');
    line.cut();
    await next(socket, 'disconnect');
    await next(socket, 'connect');
  });
});
