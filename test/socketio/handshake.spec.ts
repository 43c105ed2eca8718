import { IncomingMessage } from 'node:http';
import { requestUpgrade } from '../support/upgrade.js';
import type { ConnectOptions } from '../support/client.js';
import { until } from '../support/wait.js';
import { connectPair, startPair, startServers } from './fixture.js';

const auth = (value: unknown): string =>
  `envelope.auth.${Buffer.from(JSON.stringify(value)).toString('base64url')}`;

describe('handshake', () => {
  it('exposes the upgrade request with headers and query as socket.request', async () => {
    const { app, servers } = await startServers([{ path: '/ws' }]);
    const headers = { 'X-Custom': 'yes', Cookie: 'session=1' };
    const { socket } = await connectPair(app, servers[0]!, '/ws?key=1&key2=%C3%A4%20b', { headers });
    expect(socket.request.constructor.name).toBe(IncomingMessage.name);
    expect(socket.request.method).toBe('GET');
    expect(socket.request.url).toBe('/ws?key=1&key2=%C3%A4%20b');
    expect(socket.request.headers).toMatchObject({
      'x-custom': 'yes',
      cookie: 'session=1',
      upgrade: 'websocket',
    });
    expect(new URL(socket.request.url!, 'ws://host').searchParams.get('key2')).toBe('ä b');
    // HTTP guards read these properties.
    expect(socket.headers).toBe(socket.request.headers);
    expect(socket.url).toBe(socket.request.url);
    expect(socket.query).toEqual({ key: '1', key2: 'ä b' });
    expect(socket.ip).toBe('127.0.0.1');
    expect(socket.conn.remoteAddress).toBe('127.0.0.1');
  });

  it('provides every field of socket.handshake', async () => {
    const { app, servers } = await startServers([{ path: '/ws' }]);
    const before = Date.now();
    const { socket } = await connectPair(app, servers[0]!, '/ws?a=1&token=secret', {
      headers: { 'X-Custom': 'yes' },
    });
    const after = Date.now();
    const { handshake } = socket;
    expect(Object.keys(handshake).sort()).toEqual(
      ['address', 'auth', 'headers', 'issued', 'params', 'query', 'secure', 'time', 'url', 'xdomain'].sort(),
    );
    expect(handshake).toMatchObject({
      address: '127.0.0.1',
      auth: { token: 'secret' },
      headers: { 'x-custom': 'yes', host: `127.0.0.1:${app.port}` },
      params: {},
      query: { a: '1', token: 'secret' },
      secure: false,
      url: '/ws?a=1&token=secret',
      xdomain: false,
    });
    expect(handshake.issued).toBeGreaterThanOrEqual(before);
    expect(handshake.issued).toBeLessThanOrEqual(after);
    expect(Date.parse(handshake.time)).toBe(Math.floor(handshake.issued / 1_000) * 1_000);
    expect(socket.handshake).toBe(handshake);
  });

  it('sets xdomain when the request has an Origin header', async () => {
    const { app, servers } = await startServers([{}]);
    const { socket } = await connectPair(app, servers[0]!, '/', { origin: `http://127.0.0.1:${app.port}` });
    expect(socket.handshake.xdomain).toBe(true);
    expect(socket.handshake.headers.origin).toBe(`http://127.0.0.1:${app.port}`);
  });

  it.each([
    [
      'the auth subprotocol',
      { protocols: ['envelope.v1', auth({ token: 't', room: 1 })] },
      { token: 't', room: 1 },
    ],
    ['the bearer pair', { protocols: ['bearer', 't'] }, { token: 't' }],
    ['the Authorization header', { headers: { Authorization: 'Bearer t' } }, { token: 't' }],
    ['?token=', {}, { token: 'query' }],
    [
      'the first source when several are present',
      { protocols: [auth({ token: 't' }), 'bearer', 'u'], headers: { Authorization: 'Bearer t' } },
      { token: 't' },
    ],
    ...[{}, { session: 's', offset: 'o' }, { token: null }].map((value): [string, ConnectOptions, object] => [
      `the next source when the auth subprotocol has no credentials, ${JSON.stringify(value)}`,
      { protocols: ['envelope.v1', auth(value), 'bearer', 't'] },
      { ...value, token: 't' },
    ]),
    [
      'the header when the auth subprotocol contains only a session',
      {
        protocols: ['envelope.v1', auth({ session: 's', offset: 'o' })],
        headers: { Authorization: 'Bearer t' },
      },
      { session: 's', offset: 'o', token: 't' },
    ],
    [
      'two auth subprotocols of which one contains only a session',
      { protocols: ['envelope.v1', auth({ session: 's', offset: 'o' }), auth({ token: 't', session: 'z' })] },
      { session: 's', offset: 'o', token: 't' },
    ],
    [
      'an auth subprotocol with other credentials, without a further source',
      { protocols: ['envelope.v1', auth({ key: 'k' })], headers: { Authorization: 'Bearer t' } },
      { key: 'k' },
    ],
    [
      'the header when a protocol name follows bearer',
      { protocols: ['bearer', 'envelope.v1'], headers: { Authorization: 'Bearer t' } },
      { token: 't' },
    ],
    [
      'the next source when one is malformed',
      { protocols: ['envelope.auth.bm90IGpzb24', 'bearer', 't'] },
      { token: 't' },
    ],
  ])('reads handshake.auth from %s', async (_, options, expected) => {
    const { app, servers } = await startServers([{}]);
    const { client, socket } = await connectPair(app, servers[0]!, '/?token=query', options);
    expect(socket.handshake.auth).toEqual(expected);
    expect(socket.headers.authorization).toBe(`Bearer ${(expected as { token?: string }).token ?? 't'}`);
    // The server never echoes the token.
    expect(['', 'bearer', 'envelope.v1']).toContain(client.ws.protocol);
  });

  it('leaves handshake.auth empty when the client sends no credentials', async () => {
    const { socket } = await startPair();
    expect(socket.handshake.auth).toEqual({});
    expect(socket.handshake.query).toEqual({});
    expect(socket.headers.authorization).toBeUndefined();
  });

  it('puts the values of :params of the path into handshake.params', async () => {
    const { app, servers } = await startServers([{ path: '/rooms/:room/:seat' }]);
    const { socket } = await connectPair(app, servers[0]!, '/rooms/a%20b/7?x=1');
    expect(socket.handshake.params).toEqual({ room: 'a b', seat: '7' });
    expect(socket.handshake.query).toEqual({ x: '1' });
  });

  it('keeps the handshake readable after the client has disconnected', async () => {
    const { client, socket, server } = await startPair();
    client.ws.terminate();
    await until('the client has disconnected', () => server.sockets.size === 0);
    expect(socket.handshake).toMatchObject({ address: '127.0.0.1', url: '/' });
  });

  it('gives each namespace the query parameters of its own connection', async () => {
    const { app, servers } = await startServers([{}, { namespace: 'chat' }]);
    const main = await connectPair(app, servers[0]!, '/?a=main');
    const chat = await connectPair(app, servers[1]!, '/chat?a=chat&b=1&b=2&__proto__=3&b=3&c');
    expect(main.socket.handshake.query).toEqual({ a: 'main' });
    const { query } = chat.socket.handshake;
    expect(Object.entries(query)).toEqual([
      ['a', 'chat'],
      ['b', ['1', '2', '3']],
      ['__proto__', '3'],
      ['c', ''],
    ]);
    expect(chat.socket.nsp.name).toBe('/chat');
  });

  it('accepts a client without a subprotocol when it offers only unknown ones, and logs how to select one', async () => {
    const { app } = await startServers([{ path: '/ws' }]);
    const token = `base64url.bearer.authorization.${'x'.repeat(40)}`;
    const { status, headers } = await requestUpgrade(app.port, '/ws', {
      'Sec-WebSocket-Protocol': `${token}, chat.v1`,
    });
    expect(status).toBe(101);
    expect(headers).not.toHaveProperty('sec-websocket-protocol');
    const lines = app.log.of('warn').filter((line) => line.includes('subprotocol'));
    expect(lines).toEqual([expect.stringContaining('handleProtocols')]);
    expect(lines[0]).not.toContain(token);
    await requestUpgrade(app.port, '/ws');
    expect(app.log.of('warn').filter((line) => line.includes('subprotocol'))).toHaveLength(1);
  });
});
