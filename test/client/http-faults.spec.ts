import type { ServerResponse } from 'node:http';
import { jest } from '@jest/globals';
import { passUntil, stopClock } from '../support/clock.js';
import { until } from '../support/wait.js';
import { next } from './fixture.js';
import { connectToServer, httpClient, requests, startServer, type Exchange } from './http-server.js';

const ABORTED = { code: 1006, willReconnect: true };
/** Milliseconds. */
const SHORT = { pingTimeout: 400 };

describe('over HTTP, when a POST fails, the client', () => {
  it.each([
    ['an answer that never comes', (response) => void response],
    ['a broken connection', (response) => response.destroy()],
    ['502', (response) => response.writeHead(502).end('<html>')],
    ['408', (response) => response.writeHead(408).end()],
    ['429', (response) => response.writeHead(429).end()],
    ['a redirect', (response) => response.writeHead(307, { Location: '/chat?envelope=send' }).end()],
  ] satisfies [string, (response: ServerResponse) => void][])(
    'sends the same again after %s',
    async (_what, answer) => {
      stopClock();
      const { server, socket } = await connectToServer({ pingTimeout: 1_500 });
      server.script.send.push(({ response }) => answer(response));
      socket.emit('say', 1);
      await requests(server, 'send', 1);
      socket.emit('say', 2);
      await passUntil('the messages', () => server.messages.length === 2);
      expect(server.messages).toEqual([1, 2].map((data) => ({ event: 'say', data })));
      expect(server.of('send').map(({ headers, body }) => [headers['envelope-seq'], body.length])).toEqual([
        ['1', 25],
        ['1', 25],
        ['2', 25],
      ]);
    },
  );

  it('waits as long as Retry-After says, also for longer than a timeout', async () => {
    stopClock();
    const { server, socket } = await connectToServer({ pingTimeout: 900 });
    server.script.send.push(({ response }) => response.writeHead(429, { 'Retry-After': '3' }).end());
    const began = performance.now();
    socket.emit('say', 1);
    await passUntil('the second attempt', () => server.of('send').length === 2);
    expect(performance.now() - began).toBeGreaterThanOrEqual(3_000);
    await until('the message', () => server.messages.length === 1);
  });

  it('learns from the response that a POST was taken whose answer is lost', async () => {
    const { server, socket } = await connectToServer({ pingTimeout: 60_000 });
    server.script.send.push(({ body }) => server.take(body));
    socket.emit('say', 1);
    await until('the message', () => server.messages.length === 1);
    socket.emit('say', 2);
    for (const number of [0, 'x', null, 99, 1, 1]) server.record(['got', number]);
    await until('the next message', () => server.messages.length === 2);
    expect(server.of('send').map(({ headers }) => headers['envelope-seq'])).toEqual(['1', '2']);
  });

  it.each([
    [401, { code: 4401, willReconnect: true }],
    [409, { code: 1002, willReconnect: false }],
    [413, { code: 1009, willReconnect: false }],
    [400, ABORTED],
    [403, ABORTED],
    [404, ABORTED],
  ])('ends the connection after %d', async (status, expected) => {
    const { server, socket } = await connectToServer();
    server.script.send.push(({ response }) => void response.writeHead(status).end());
    socket.emit('say', 1);
    const [, details] = await next(socket, 'disconnect');
    expect(details).toEqual({ ...expected, reason: `HTTP status ${status}` });
  });

  it('gives up after the timeout', async () => {
    const { server, socket } = await connectToServer(SHORT);
    server.script.send.push(
      ...Array.from(
        { length: 50 },
        () =>
          ({ response }: Exchange) =>
            void response.destroy(),
      ),
    );
    const answer = socket.emitWithAck('say', 1);
    const [, details] = await next(socket, 'disconnect');
    expect(details).toMatchObject({ ...ABORTED, reason: 'messages cannot be sent: no answer' });
    await expect(answer).rejects.toThrow('connection lost');
    expect(server.of('send').length).toBeLessThan(10);
    expect(server.messages).toEqual([]);
  });

  it('ends the connection if the server does not know it at a beat', async () => {
    const { server, socket } = await connectToServer({ pingInterval: 5_000 });
    server.script.send.push(({ response }) => response.writeHead(404).end());
    server.record(['beat']);
    const [, details] = await next(socket, 'disconnect');
    expect(details).toEqual({ ...ABORTED, reason: 'HTTP status 404' });
  });
});

describe('over HTTP, when the response ends, the client', () => {
  it('asks for what followed, and drops a record that was cut', async () => {
    const { server, socket, events } = await connectToServer();
    server.say({ event: 'said', data: 1 });
    await next(socket, 'said');
    server.stream!.write('data: {"event":"said","data":2}');
    server.stream!.destroy();
    await requests(server, 'on', 1);
    expect(server.of('on')[0]).toMatchObject({
      body: '',
      headers: { 'envelope-line': 'the key', 'envelope-have': '2', accept: 'text/event-stream' },
    });
    server.say({ event: 'said', data: 3 });
    await next(socket, 'said');
    server.record(['more', 3]);
    server.stream!.end();
    await requests(server, 'on', 2);
    server.say({ event: 'said', data: 4 });
    await next(socket, 'said');
    expect(server.of('on')[1]!.headers['envelope-have']).toBe('3');
    expect(events.map(([, data]) => data)).toEqual([1, 3, 4]);
    expect(socket.connected).toBe(true);
  });

  it('asks again with pauses, until the timeout', async () => {
    const { server, socket } = await connectToServer({ pingTimeout: 1_000 });
    const cut = ({ response }: Exchange): void => {
      server.begin(response, 1);
      server.record(['got', 0]);
      response.end();
    };
    server.script.on.push(...Array.from({ length: 50 }, () => cut));
    const began = performance.now();
    server.stream!.end();
    const [, details] = await next(socket, 'disconnect');
    expect(details).toEqual({ ...ABORTED, reason: 'the response was lost' });
    expect(performance.now() - began).toBeGreaterThan(999);
    expect(server.of('on').length).toBeLessThan(9);
  });

  it.each([
    ['404', 404, ABORTED],
    ['403', 403, ABORTED],
    ['401', 401, { code: 4401, willReconnect: true }],
  ])('ends the connection after %s', async (_what, status, expected) => {
    const { server, socket } = await connectToServer();
    server.script.on.push(({ response }) => void response.writeHead(status).end());
    server.stream!.end();
    const [, details] = await next(socket, 'disconnect');
    expect(details).toEqual({ ...expected, reason: `HTTP status ${status}` });
  });

  it('asks again after 503 and after a broken connection', async () => {
    const { server, socket } = await connectToServer();
    server.script.on.push(
      ({ response }) => response.writeHead(503).end(),
      ({ response }) => response.destroy(),
    );
    server.stream!.end();
    await requests(server, 'on', 3);
    server.say({ event: 'said', data: 1 });
    expect(await next(socket, 'said')).toEqual([1]);
  });

  it('ends the connection if the server skips messages', async () => {
    const { server, socket } = await connectToServer();
    server.script.on.push(({ response }) => server.begin(response, 7));
    server.stream!.end();
    const [, details] = await next(socket, 'disconnect');
    expect(details).toEqual({ ...ABORTED, reason: 'messages are missing' });
  });

  it('hears of a close that it missed', async () => {
    const { server, socket } = await connectToServer();
    server.script.on.push(({ response }) => {
      server.begin(response, 1);
      server.record(['close', 1013, 'too slow']);
    });
    server.stream!.destroy();
    const [, details] = await next(socket, 'disconnect');
    expect(details).toEqual({ code: 1013, reason: 'too slow', willReconnect: true });
  });
});

describe('over HTTP, when the server is silent, the client', () => {
  it('gives up after the time of two beats, and says so', async () => {
    const began = performance.now();
    const { server, socket } = await connectToServer({ pingInterval: 500 });
    const [, details] = await next(socket, 'disconnect');
    expect(details).toMatchObject(ABORTED);
    expect(performance.now() - began).toBeGreaterThan(999);
    await requests(server, 'close', 1);
    expect(JSON.parse(server.of('close')[0]!.body)).toMatchObject({ code: 4408 });
  });

  it('stays as long as beats come', async () => {
    stopClock();
    const { server, socket, events } = await connectToServer(
      { pingInterval: 2_000 },
      { pingInterval: 1_000 },
    );
    for (let beats = 1; beats <= 20; beats++) {
      jest.advanceTimersByTime(250);
      server.record(['beat']);
      // the answer to the beat
      await requests(server, 'send', beats);
    }
    expect([socket.connected, events]).toEqual([true, []]);
    // beats are signs of life, so that the client asks for none
    expect(server.messages).toEqual([]);
  });
});

describe('over HTTP, when it cannot connect, the client', () => {
  it.each([
    [401, false],
    [403, false],
    [404, false],
    [429, true],
    [503, true],
  ])('reports status %d', async (status, willReconnect) => {
    const server = await startServer();
    server.script.open.push(({ response }) => response.writeHead(status, { 'Retry-After': '2' }).end('{}'));
    const socket = httpClient(server.port);
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({ status, code: 1006, willReconnect, cause: { status, retryAfter: 2_000 } });
    expect((error as Error).message).toBe(`could not connect: HTTP status ${status}`);
  });

  it.each([
    ['a page of a portal', (response) => response.writeHead(200).end('<html>log in</html>')],
    ['a message before its key', (response) => response.writeHead(200).end('data: {"event":"$session"}\n\n')],
    ['a redirect', (response) => response.writeHead(302, { Location: '/' }).end()],
    ['nothing', (response) => response.destroy()],
  ] satisfies [string, (response: ServerResponse) => void][])(
    'does not take %s for a connection',
    async (_what, answer) => {
      const server = await startServer();
      server.script.open.push(({ response }) => answer(response));
      const socket = httpClient(server.port);
      const [error] = await next(socket, 'connect_error');
      expect(error).toMatchObject({ status: undefined, code: 1006, willReconnect: true });
      await next(socket, 'connect');
    },
  );

  it('tells why nobody listens there', async () => {
    const server = await startServer();
    const { port } = server;
    await new Promise((resolve) => server.http.close(resolve));
    const [error] = await next(httpClient(port), 'connect_error');
    expect(error).toMatchObject({ willReconnect: true, cause: { cause: { code: 'ECONNREFUSED' } } });
  });

  it('gives up a response that a proxy holds back, and does not come back without a pause', async () => {
    stopClock();
    const server = await startServer();
    server.script.open.push(...Array.from({ length: 20 }, () => () => undefined));
    const socket = httpClient(server.port, {
      connectTimeout: 300,
      reconnectionDelay: 200,
      reconnectionDelayMax: 200,
    });
    const errors: unknown[] = [];
    socket.on('connect_error', (error) => errors.push(error.message));
    const began = performance.now();
    await passUntil('four failures', () => errors.length === 4);
    expect(errors[0]).toBe('could not connect: no connection within 300 ms');
    expect(performance.now() - began).toBeGreaterThan(1_199);
    expect(server.of('open')).toHaveLength(4);
  });

  it('stops while it connects', async () => {
    const server = await startServer();
    server.script.open.push(() => undefined);
    const socket = httpClient(server.port);
    await requests(server, 'open', 1);
    const { response } = server.of('open')[0]!;
    socket.disconnect();
    await until('the end of the request', () => response.destroyed);
    expect([socket.state, server.requests.length]).toEqual(['closed', 1]);
  });

  it('gives a connection up that brings no session', async () => {
    const server = await startServer();
    server.script.open.push(({ response }) => server.begin(response));
    const socket = httpClient(server.port, { connectTimeout: 1_000 });
    await next(socket, 'connect_error');
    const again = next(socket, 'connect');
    await requests(server, 'close', 1);
    expect(JSON.parse(server.of('close')[0]!.body)).toMatchObject({ code: 4408 });
    await again;
    expect(socket.id).toBe('one');
  });
});
