import { until } from '../support/wait.js';
import { next } from './fixture.js';
import { connectToServer, httpClient, requests, SESSION, startServer } from './http-server.js';

describe('over HTTP, the client', () => {
  it('opens with its credentials in the body, and knows its transport', async () => {
    const server = await startServer();
    const socket = httpClient(server.port, { auth: { token: 'tök€n', role: 'admin' } });
    expect(socket.transport).toBeUndefined();
    const [info] = await next(socket, 'connect');
    expect(info).toEqual({ missed: false });
    expect([socket.transport, socket.id]).toEqual(['http', 'one']);
    const [{ url, headers, body }] = server.of('open') as [never] as [(typeof server.requests)[number]];
    expect(url).toBe('/chat?room=a%20b&envelope=open');
    expect(headers).toMatchObject({ accept: 'text/event-stream', 'content-type': 'application/json' });
    expect(JSON.parse(body)).toEqual({ token: 'tök€n', role: 'admin' });
  });

  it('sends an object without fields if it has no credentials', async () => {
    const { server, socket } = await connectToServer();
    expect(server.of('open')[0]!.body).toBe('{}');
    expect(socket.disconnect().transport).toBeUndefined();
  });

  it('receives messages, also in pieces, with any characters, and as plain lines of JSON', async () => {
    const { server, socket, events } = await connectToServer();
    const bytes = Buffer.from(`data: ${JSON.stringify({ event: 'said', data: 'ü€𝄞\u2028\r\n' })}\n\n`);
    for (const byte of bytes) {
      server.stream!.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    server.stream!.write(': a comment\nevent: x\n{"event":"said","data":2}\n["unknown",1]\n{"event":"sa');
    server.stream!.write('id","data":3}\r\ndata:{"event":"last"}\n\n');
    await next(socket, 'last');
    expect(events).toEqual([
      ['said', 'ü€𝄞\u2028\r\n'],
      ['said', 2],
      ['said', 3],
      ['last', undefined],
    ]);
  });

  it('sends what one turn emits in one POST, and what comes meanwhile in the next one', async () => {
    const { server, socket } = await connectToServer();
    let answer!: () => void;
    server.script.send.push((exchange) => (answer = () => server.usual(exchange)));
    for (let i = 0; i < 3; i++) socket.emit('say', i);
    await requests(server, 'send', 1);
    for (let i = 3; i < 6; i++) {
      socket.emit('say', i);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(server.of('send')).toHaveLength(1);
    answer();
    await requests(server, 'send', 2);
    expect(server.messages).toEqual([0, 1, 2, 3, 4, 5].map((data) => ({ event: 'say', data })));
    expect(server.of('send').map(({ headers }) => headers)).toMatchObject([
      { 'envelope-line': 'the key', 'envelope-seq': '1', 'content-type': 'application/x-ndjson' },
      { 'envelope-line': 'the key', 'envelope-seq': '2', 'envelope-have': '1' },
    ]);
  });

  it('makes no POST larger than the server accepts', async () => {
    const { server, socket } = await connectToServer({ maxPayload: 120 });
    for (let i = 0; i < 5; i++) socket.emit('say', '€'.repeat(10));
    socket.emit('say', 'x'.repeat(200));
    await requests(server, 'send', 4);
    expect(server.of('send').map(({ body }) => body.trim().split('\n').length)).toEqual([2, 2, 1, 1]);
  });

  it('drops volatile messages while much is on its way', async () => {
    const { server, socket } = await connectToServer();
    server.script.send.push(() => undefined);
    socket.emit('say', 'x'.repeat(70_000));
    expect(socket.volatile.emit('say', 'dropped')).toBe(false);
    await requests(server, 'send', 1);
    server.record(['got', 1]);
    await until('the buffer to be empty', () => socket.volatile.emit('say', 'sent'));
    await requests(server, 'send', 2);
    expect(server.messages).toEqual([{ event: 'say', data: 'sent' }]);
  });

  it('answers requests of the server, and gets answers to its own', async () => {
    const { server, socket } = await connectToServer();
    socket.on('where', () => 'here');
    server.say({ event: 'where', id: 7 });
    await requests(server, 'send', 1);
    expect(server.messages).toEqual([{ event: 'where', ack: 7, data: 'here' }]);
    const answer = socket.emitWithAck('sum', [1, 2]);
    await requests(server, 'send', 2);
    server.say({ ack: (server.messages[1] as { id: number }).id, data: 3 });
    expect(await answer).toBe(3);
  });

  it('says goodbye after its last messages', async () => {
    const { server, socket } = await connectToServer();
    socket.emit('say', 'last words');
    socket.disconnect();
    await requests(server, 'close', 1);
    expect(server.messages).toEqual([{ event: 'say', data: 'last words' }]);
    expect(JSON.parse(server.of('close')[0]!.body)).toEqual({ code: 1000, reason: '' });
    expect(server.of('close')[0]!.headers).toMatchObject({
      'envelope-line': 'the key',
      'content-type': 'application/json',
    });
    await until('the end of the response', () => server.stream!.destroyed);
  });

  it.each([
    [1000, 'io server disconnect', false],
    [1001, 'transport close', true],
    [1008, 'io server disconnect', false],
    [1013, 'transport close', true],
    [4401, 'transport close', true],
    [4000, 'io server disconnect', false],
  ])('hears that the server closes with %d', async (code, reason, willReconnect) => {
    const { server, socket } = await connectToServer();
    server.record(['close', code, 'over']);
    server.stream!.end();
    expect(await next(socket, 'disconnect')).toEqual([reason, { code, reason: 'over', willReconnect }]);
    expect(server.of('on')).toEqual([]);
  });

  it('recovers its session on the next connection', async () => {
    const { server, socket } = await connectToServer();
    server.session = { ...SESSION, recovered: true };
    server.say({ event: 'said', data: 1, offset: '2' });
    server.record(['close', 1001, '']);
    const [info] = await next(socket, 'connect');
    expect([info, socket.recovered]).toEqual([{ missed: false }, true]);
    expect(JSON.parse(server.of('open')[1]!.body)).toEqual({ session: 's', offset: '2' });
  });

  it('answers each beat with a sign of life, unless it sent something', async () => {
    const { server, socket, events } = await connectToServer({ pingInterval: 5_000 });
    server.record(['beat']);
    await requests(server, 'send', 1);
    expect(server.of('send')[0]).toMatchObject({ body: '', headers: { 'envelope-have': '1' } });
    expect(server.of('send')[0]!.headers).not.toHaveProperty('envelope-seq');
    server.record(['beat']);
    await requests(server, 'send', 2);
    socket.emit('say', 1);
    await until('the message', () => server.messages.length === 1);
    server.record(['beat']);
    server.record(['beat']);
    await requests(server, 'send', 4);
    expect(server.of('send').map(({ body }) => body.length > 0)).toEqual([false, false, true, false]);
    expect(events).toEqual([]);
  });
});
