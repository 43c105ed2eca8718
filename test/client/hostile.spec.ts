import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { DefaultEventsMap } from '../../lib/client/node.js';
import { Random } from '../support/random.js';
import { NAMES, RESERVED } from '../support/names.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { connectToServer, servers } from './hostile-server.js';
import { client, next } from './fixture.js';

const deep = (depth: number): string => `${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`;

const INVALID_FRAMES: readonly (string | Buffer)[] = [
  '',
  ' ',
  'no JSON',
  '{',
  '{"event":"said"',
  'null',
  'true',
  '42',
  '"said"',
  '[]',
  '[{"event":"said","data":"x"}]',
  '{}',
  '{"data":1}',
  '{"event":null,"data":1}',
  '{"event":5}',
  '{"event":{"toString":"said"}}',
  '{"event":["said"]}',
  '{"event":"connect","data":{"missed":true}}',
  '{"event":"disconnect","data":"io server disconnect"}',
  '{"event":"connect_error","data":{"message":"x"}}',
  ...RESERVED.map((event) => JSON.stringify({ event, data: 'x' })),
  '{"event":"$session","data":{"id":"two","recovered":true,"session":"t"}}',
  '{"event":"$session"}',
  '{"event":"$offset","offset":"2"}',
  '{"event":"$any","data":"x"}',
  '{"event":"$state","data":"x"}',
  '{"event":"$what","data":"x","id":1}',
  '{"ack":99}',
  '{"ack":"1","data":1}',
  '{"ack":null}',
  '{"ack":{}}',
  '{"ack":[]}',
  '{"ack":false,"event":"said"}',
  '{"ack":"__proto__","event":"exception"}',
  '{"ack":99,"more":true,"data":1}',
  '{"ack":99,"event":"exception","data":null}',
  '{"event":"$what","offset":5}',
  '{"event":"$what","offset":null}',
  '{"event":"$what","offset":{}}',
  Buffer.from([0xff, 0xfe, 0xfd]),
  Buffer.alloc(0),
  Buffer.from('no JSON'),
  deep(100_000),
  `{"event":${deep(10_000)}}`,
];

describe('a client of a server that violates the protocol', () => {
  expectNoUnhandledErrors();

  it('ignores frames that are no valid message', async () => {
    const { socket, ws, connectionEvents, events } = await connectToServer();
    for (const frame of INVALID_FRAMES) ws.send(frame);
    expect(await socket.emitWithAck('echo', 'still here')).toBe('still here');
    expect(events).toEqual([]);
    expect(connectionEvents).toEqual([['connect', { missed: false }]]);
    expect(socket).toMatchObject({ id: 'one', recovered: false, state: 'open' });
  });

  it('delivers any valid message, regardless of its name and content', async () => {
    const { socket, ws, connectionEvents, events } = await connectToServer();
    const names = [...NAMES.filter((name) => !RESERVED.includes(name)), ''];
    const called: string[] = [];
    for (const name of names) socket.on(name, () => called.push(name));
    for (const name of names) ws.send(JSON.stringify({ event: name }));
    ws.send(
      '{"event":"poison","data":{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}}',
    );
    ws.send(Buffer.from('{"event":"binary","data":"ü"}'));
    ws.send(`{"event":"deep","data":${deep(50_000)}}`);
    ws.send('{"event":"twice","event":"last","data":1,"data":2}');
    ws.send(JSON.stringify({ event: 'long', data: 'x'.repeat(5_000_000) }));
    expect(await socket.emitWithAck('echo', 1)).toBe(1);
    expect(called).toEqual(names);
    expect(events.slice(0, names.length)).toEqual(names.map((name) => [name, undefined]));
    expect(events.map((event) => (event as [string])[0]).slice(names.length)).toEqual([
      'poison',
      'binary',
      'deep',
      'last',
      'long',
    ]);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
    expect(connectionEvents).toEqual([['connect', { missed: false }]]);
  });

  it('answers a valid request exactly once and an invalid one never', async () => {
    const { socket, ws } = await connectToServer();
    const answers: unknown[] = [];
    ws.on('message', (message) => {
      const answer = JSON.parse(String(message)) as { ack?: unknown };
      if ('ack' in answer) answers.push(answer);
    });
    socket.on('question', (data) => data);
    socket.on('question', () => 'the second');
    for (const id of [1, 1, '1', 'x'.repeat(64), -5])
      ws.send(JSON.stringify({ event: 'question', data: id, id }));
    for (const id of ['null', '{}', '[]', 'true']) ws.send(`{"event":"question","id":${id},"data":"no id"}`);
    for (const event of ['$what', 'connect', 'disconnect', '$session'])
      ws.send(JSON.stringify({ event, id: 7 }));
    await socket.emitWithAck('echo', 1);
    await socket.emitWithAck('echo', 1);
    expect(answers).toEqual(
      [1, 1, '1', 'x'.repeat(64), -5].map((id) => ({ event: 'question', data: id, ack: id })),
    );
  });

  it('ignores a message with both id and ack, and answers its id with an exception', async () => {
    const { socket, ws, events } = await connectToServer();
    const answers: unknown[] = [];
    ws.on('message', (message) => {
      const answer = JSON.parse(String(message)) as { ack?: unknown };
      if ('ack' in answer) answers.push(answer);
    });
    socket.on('question', (data) => data);
    const asked = socket.timeout(2_000).emitWithAck('never');
    for (const id of [7, '"x"', 'null', '{}'])
      ws.send(`{"event":"question","id":${id},"ack":1,"data":"both"}`);
    ws.send('{"ack":1,"data":"correct"}');
    expect(await asked).toBe('correct');
    await socket.emitWithAck('echo', 1);
    const data = { status: 'error', message: 'a message must not have both id and ack' };
    expect(answers).toEqual([7, 'x'].map((ack) => ({ event: 'exception', data, ack })));
    expect(events).toEqual([]);
  });

  it('ignores answers to unknown ids and second answers', async () => {
    const { socket, ws } = await connectToServer();
    const answers: unknown[] = [];
    const asked = socket.timeout(2_000).emitWithAck('never');
    void asked.then((answer) => answers.push(answer));
    const stream = socket.stream('never');
    for (const ack of ['"1"', '1.0000001', '"__proto__"', '[1]', '{"a":1}', 'null', 'true'])
      ws.send(`{"ack":${ack},"data":"forged"}`);
    ws.send('{"ack":1,"data":"correct"}');
    ws.send('{"ack":1,"data":"again"}');
    ws.send('{"ack":1,"event":"exception","data":"again"}');
    ws.send('{"ack":2,"data":"first","more":true}');
    ws.send('{"ack":2,"data":"second","more":"yes"}');
    ws.send('{"ack":2,"data":"too late","more":true}');
    const values: unknown[] = [];
    for await (const value of stream) values.push(value);
    expect(await asked).toBe('correct');
    expect(values).toEqual(['first', 'second']);
    for (const data of ['null', '5', '[]', '{"message":5}', '{"message":null}']) {
      const refused = socket.emitWithAck('never').catch((error: unknown) => error);
      // The ids continue: the requests of the echo helper use some of them.
      for (let id = 3; id < 20; id++) ws.send(`{"event":"exception","ack":${id},"data":${data}}`);
      expect(await refused).toMatchObject({ name: 'RequestError', message: 'the request failed' });
    }
    expect(answers).toEqual(['correct']);
  });

  it.each([
    ['no data', '{"event":"$session"}'],
    ['null', '{"event":"$session","data":null}'],
    ['a text', '{"event":"$session","data":"hello"}'],
    [
      'wrong types',
      '{"event":"$session","data":{"id":5,"recovered":"yes","session":{"a":1},"features":"all"},"offset":7}',
    ],
    ['a binary one', Buffer.from('{"event":"$session","data":{"id":[],"recovered":1}}')],
  ])('treats a $session with %s like one of a server that keeps no sessions', async (_what, hello) => {
    const { socket, ws, server, connectionEvents } = await connectToServer(hello);
    expect(socket).toMatchObject({ connected: true, id: undefined, recovered: false });
    const again = once(server, 'connection');
    const reconnected = next(socket, 'connect');
    ws.terminate();
    const [, request] = (await again) as [WebSocket, { headers: Record<string, string> }];
    expect(request.headers['sec-websocket-protocol']).toBe('envelope.v1');
    await reconnected;
    expect(connectionEvents.at(-1)).toEqual(['connect', { missed: true }]);
  });

  it('survives a thousand random frames', async () => {
    const random = new Random(7);
    const { socket, ws, connectionEvents } = await connectToServer();
    const pieces = [
      '"event"',
      '"ack"',
      '"id"',
      '"data"',
      '"offset"',
      '"more"',
      '"$session"',
      '"said"',
      '1',
      '"1"',
    ];
    const signs = ['{', '}', '[', ']', ':', ',', 'null', 'true', '\\u0000', '"', '-', 'e9', ' '];
    const value = (): unknown =>
      random.pick([1, '1', null, true, 'said', '$session', 'connect', {}, [], -0.5, '']);
    socket.on('said', () => 'well');
    for (let i = 0; i < 1_000; i++) {
      const fields = random.some(['event', 'ack', 'id', 'data', 'offset', 'more', 'stream', 'meta']);
      const frame = random.chance(0.5)
        ? JSON.stringify(Object.fromEntries(fields.map((field) => [field, value()])))
        : Array.from({ length: random.below(12) }, () => random.pick(random.pick([pieces, signs]))).join('');
      ws.send(random.chance(0.2) ? Buffer.from(frame) : frame);
    }
    // One of the random frames may have answered this request.
    await socket.emitWithAck('echo', 1).catch(() => undefined);
    expect(await socket.emitWithAck('echo', 'still here')).toBe('still here');
    expect(connectionEvents).toEqual([['connect', { missed: false }]]);
  });

  it('closes without sending anything if the server selects another subprotocol', async () => {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: (offered) => [...offered].at(-1) ?? false,
    });
    servers.push(server);
    await once(server, 'listening');
    const received: string[] = [];
    const closed = new Promise((resolve) => {
      server.on('connection', (ws) => {
        ws.on('message', (message) => received.push(String(message)));
        ws.on('close', resolve);
      });
    });
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const socket = client<DefaultEventsMap, DefaultEventsMap>(url, { auth: 'token' });
    socket.emit('say', 'hi');
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({ code: 1002, willReconnect: false });
    expect(String(error)).toContain('another subprotocol than envelope.v1');
    await closed;
    expect([received, socket.state]).toEqual([[], 'closed']);
  });

  it('reconnects after frames against RFC 6455', async () => {
    const { socket, ws, server, connectionEvents } = await connectToServer();
    const raw = Reflect.get(ws, '_socket') as { write(bytes: Buffer): void };
    // A reserved bit and a reserved opcode.
    raw.write(Buffer.from([0xf3, 0x00]));
    expect(await next(socket, 'disconnect')).toMatchObject([expect.any(String), { code: 1006 }]);
    await once(server, 'connection');
    await next(socket, 'connect');
    expect(connectionEvents.length).toBe(3);
  });
});
