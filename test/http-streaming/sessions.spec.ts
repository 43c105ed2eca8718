import type { IncomingMessage } from 'node:http';
import { observe } from '../../lib/index.js';
import { RecoveringClient } from '../recovery/recovery-client.js';
import { until } from '../support/wait.js';
import { startStreaming } from './fixture.js';
import { HttpLine, post, type Down } from './http-client.js';

interface Session {
  id: string;
  session: string;
  recovered: boolean;
  features: string[];
}

const sessionOf = (line: HttpLine): Session => line.messages[0]!.data as unknown as Session;
const offsetOf = (messages: readonly Down[]): string =>
  messages.flatMap(({ offset }) => offset ?? []).at(-1)!;

describe('the session of a client over HTTP', () => {
  it('is that of `envelope.v1`, and names the transport', async () => {
    const { app, gateway, port } = await startStreaming({ recovery: true });
    const line = await HttpLine.open(port, { auth: { token: 'ada' } });
    expect(sessionOf(line)).toMatchObject({ recovered: false, session: expect.any(String) as string });
    expect(sessionOf(line).features).toContain('http');
    const { last } = gateway;
    expect(last.conn.transport.name).toBe('http');
    expect(last.protocol).toBe('envelope.v1');
    expect(() => last.ws).toThrow('the client uses "http"');
    expect(last.handshake).toMatchObject({ url: '/ws', query: {}, auth: { token: 'ada' } });
    expect(last.user).toEqual({ id: 'ada' });
    const socket = await app.connect('/ws', { protocols: ['envelope.v1'] });
    expect((await socket.next('$session')).data).toMatchObject({
      features: expect.arrayContaining(['http']) as string[],
    });
  });

  it('reads the query and the credentials as at an upgrade', async () => {
    const { gateway, port } = await startStreaming();
    await HttpLine.open(port, { path: '/ws?a=1&token=query&b=%20', auth: { session: 'x', token: null } });
    expect(gateway.last.handshake).toMatchObject({
      url: '/ws?a=1&token=query&b=%20',
      query: { a: '1', token: 'query', b: ' ' },
    });
    expect(gateway.last.user).toEqual({ id: 'query' });
    await HttpLine.open(port, { path: '/ws?token=query', headers: { Authorization: 'Bearer header' } });
    expect(gateway.last.user).toEqual({ id: 'header' });
    await HttpLine.open(port, { auth: { token: 'body' }, headers: { Authorization: 'Bearer header' } });
    expect(gateway.last.user).toEqual({ id: 'body' });
    // of a WebSocket, not of this transport
    await HttpLine.open(port, {
      headers: { 'Sec-WebSocket-Protocol': 'envelope.v1+msgpack, bearer, protocol' },
    });
    expect(gateway.last.user).toBeUndefined();
  });

  it('is refused by guards and checks as at an upgrade, with status and body', async () => {
    const refused: number[] = [];
    const stop = observe('upgrade.refuse', ({ status }) => refused.push(status));
    const { gateway, port } = await startStreaming({
      verifyClient: ({ req }: { req: IncomingMessage }) => req.url?.includes('stop') !== true,
      allowRequest: (request, decide) => decide(null, request.url?.includes('leave') !== true),
    });
    await expect(HttpLine.open(port, { auth: { token: 'wrong' } })).rejects.toThrow(
      '401 {"message":"who are you?"',
    );
    await expect(HttpLine.open(port, { path: '/ws?stop' })).rejects.toThrow('401');
    await expect(HttpLine.open(port, { path: '/ws?leave' })).rejects.toThrow('403');
    stop();
    expect(refused).toEqual([401, 401, 403]);
    expect(gateway.connected).toEqual([]);
  });

  it('is refused by a check whose headers HTTP cannot carry', async () => {
    const headers = { 'X-Broken': '\u4e00', 'X Name': 'a', 'X-Lines': 'a\r\nX-Other: b' };
    const { port } = await startStreaming({
      verifyClient: (_, done) => done(false, 403, 'no', headers),
    });
    const answer = await post(port, '/ws?envelope=open', '{}', { 'Content-Type': 'application/json' });
    expect(answer).toMatchObject({ status: 403, headers: { 'x-lines': 'a X-Other: b' } });
    expect(JSON.parse(answer.text)).toMatchObject({ message: 'no' });
  });

  it('is recovered over HTTP after a lost connection, in order and without gaps', async () => {
    const { gateway, port } = await startStreaming({ recovery: true, pingTimeout: 50 });
    const line = await HttpLine.open(port, { auth: { token: 'ada' } });
    const { id, session } = sessionOf(line);
    gateway.server.to('room').emit('news', 1);
    await line.next('news');
    line.cut();
    gateway.server.to('room').emit('news', 2);
    expect(await gateway.endOf(gateway.last)).toEqual(['transport close', 1006]);
    gateway.server.to('room').emit('news', 3);
    const again = await HttpLine.open(port, {
      auth: { token: 'ada', session, offset: offsetOf(line.messages) },
    });
    expect(sessionOf(again)).toMatchObject({ id, recovered: true });
    expect([(await again.next('news')).data, (await again.next('news')).data]).toEqual([2, 3]);
    // of another user
    const eve = await HttpLine.open(port, {
      auth: { token: 'eve', session: sessionOf(again).session, offset: offsetOf(again.messages) },
    });
    expect(sessionOf(eve).recovered).toBe(false);
  });

  it('moves from a WebSocket to HTTP, and back, while the former connection is still open', async () => {
    const { app, gateway, port } = await startStreaming({ recovery: true });
    const ada = await new RecoveringClient({ token: 'ada' }).connect(app);
    gateway.server.to('room').emit('news', 1);
    const first = await ada.client.next('news');
    const line = await HttpLine.open(port, {
      auth: { token: 'ada', session: ada.hello.session, offset: (first as Down).offset },
    });
    expect(sessionOf(line)).toMatchObject({ id: ada.hello.id, recovered: true });
    expect(await ada.client.ended()).toMatchObject({ code: 1000, reason: 'resumed on another connection' });
    gateway.server.to('room').emit('news', 2);
    const { offset } = await line.next('news');
    const back = await app.connect('/ws', {
      protocols: ['envelope.v1', authOf({ token: 'ada', session: sessionOf(line).session, offset })],
    });
    expect((await back.next('$session')).data).toMatchObject({ id: ada.hello.id, recovered: true });
    expect(await line.closed()).toEqual(['close', 1000, 'resumed on another connection']);
  });

  it('is renewed by $auth, and ends with 4401 when its token expires', async () => {
    const { gateway, port } = await startStreaming();
    const line = await HttpLine.open(port, { auth: { token: 'ada' } });
    await line.send({ event: '$auth', data: { token: 'ada' }, id: 1 });
    expect(await line.next(1)).toMatchObject({ event: '$auth' });
    await line.send({ event: '$auth', data: { token: 'eve' }, id: 2 });
    expect((await line.next(2)).data).toMatchObject({ statusCode: 403 });
    gateway.last.expiresAt = Date.now() + 20;
    expect((await line.closed()).slice(0, 2)).toEqual(['close', 4401]);
  });

  it('ends with 1001 when the application closes, and further requests are refused', async () => {
    const { app, gateway, port } = await startStreaming({ pingTimeout: 60_000 });
    const line = await HttpLine.open(port);
    const lost = await HttpLine.open(port);
    lost.cut();
    await until('the end of the response', () => !gateway.last._connection.outbox.writable);
    const closing = app.nest.close();
    expect(await line.closed()).toEqual(['close', 1001, 'server shutting down']);
    const status = await post(port, '/ws?envelope=open', '{}', { 'Content-Type': 'application/json' }).then(
      (answer) => answer.status,
      () => 503, // the server has closed already
    );
    expect(status).toBe(503);
    await closing;
    expect(gateway.disconnected.map(([, reason]) => reason)).toEqual([
      'server shutting down',
      'server shutting down',
    ]);
  });
});

function authOf(auth: object): string {
  return `envelope.auth.${Buffer.from(JSON.stringify(auth)).toString('base64url')}`;
}
