import { ConnectedSocket, SubscribeMessage, WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import type { IncomingMessage } from 'node:http';
import type { Namespace, Socket } from 'socket.io';
import { Manager } from 'socket.io-client';
import { deferred, until } from '../support/wait.js';
import { describeServers, Settling, startIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS } from './io-client.js';

type Next = (error?: Error & { data?: unknown }) => void;

/** The middlewares of the test in hand. */
let middlewares: ((socket: Socket, next: Next) => void)[] = [];
/** The steps of an admission, in order. */
let steps: string[] = [];

class Admitting extends Settling implements OnGatewayInit {
  afterInit(server: Namespace): void {
    for (const index of [0, 1])
      server.use((socket, next) => {
        const middleware = middlewares[index];
        if (middleware === undefined) next();
        else middleware(socket, next);
      });
  }
  handleConnection(client: Socket): void {
    steps.push(`connected ${client.nsp.name}`);
  }
  handleDisconnect(client: Socket): void {
    steps.push(`disconnected ${client.nsp.name}`);
  }
  @SubscribeMessage('handshake')
  handshake(@ConnectedSocket() { handshake }: Socket): unknown {
    const { auth, query, headers, address, url, secure, xdomain, time, issued } = handshake;
    return { auth, query, headers, address, url, secure, xdomain, time: typeof time, issued: typeof issued };
  }
  @SubscribeMessage('data')
  data(@ConnectedSocket() client: Socket): unknown {
    return client.data;
  }
}

@WebSocketGateway()
class RootGateway extends Admitting {}
@WebSocketGateway({ namespace: '/chat' })
class ChatGateway extends Admitting {}
const providers = [RootGateway, ChatGateway];

const refuse = (message: string, data?: unknown): Parameters<Next>[0] =>
  Object.assign(new Error(message), data === undefined ? {} : { data });

describeServers('admission', (server) => {
  beforeEach(() => {
    middlewares = [];
    steps = [];
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    let app: IoApp;
    beforeEach(async () => {
      app = await startIoApp(server, { providers });
    });

    it('shows auth, query and headers in the handshake', async () => {
      const client = await app.connect('/', {
        transport,
        auth: { token: 'secret', deep: { list: [1] } },
        query: { room: '42', text: 'ż &=?' },
        extraHeaders: { 'X-Test': 'header' },
      });
      const [handshake] = await client.ask('handshake');
      expect(handshake).toMatchObject({
        auth: { token: 'secret', deep: { list: [1] } },
        query: { room: '42', text: 'ż &=?', EIO: '4' },
        headers: { 'x-test': 'header', host: `127.0.0.1:${app.port}` },
        address: '127.0.0.1',
        secure: false,
        xdomain: false,
        time: 'string',
        issued: 'number',
      });
      expect(handshake.url).toMatch(/^\/socket\.io\/\?/);
    });

    it('has an empty object as auth without any', async () => {
      const client = await app.connect('/', { transport });
      expect((await client.ask('handshake'))[0].auth).toEqual({});
    });

    it('calls a function for auth at each connect', async () => {
      let n = 0;
      const auth = (give: (auth: object) => void): void => give({ n: ++n });
      const client = await app.connect('/', { transport, auth });
      expect((await client.ask('handshake'))[0].auth).toEqual({ n: 1 });
      client.leave();
      client.socket.connect();
      await client.connected();
      expect((await client.ask('handshake'))[0].auth).toEqual({ n: 2 });
    });

    it('has auth for each namespace, and the query of the connection', async () => {
      const root = await app.connect('/', { transport, auth: { token: 'root' }, query: { a: '1' } });
      const chat = root.join('/chat', { auth: { token: 'chat' } });
      await chat.connected();
      expect((await root.ask('handshake'))[0]).toMatchObject({ auth: { token: 'root' }, query: { a: '1' } });
      expect((await chat.ask('handshake'))[0]).toMatchObject({ auth: { token: 'chat' }, query: { a: '1' } });
    });

    it.each([
      ['a message', refuse('no'), 'no', undefined],
      ['a message and data', refuse('no', { code: 401, list: [1] }), 'no', { code: 401, list: [1] }],
      ['data that is a text', refuse('no', 'text'), 'no', 'text'],
      ['an object that is no Error', { name: 'Unauthorized', message: 'no', data: 1 }, 'no', 1],
    ])('refuses by a middleware with %s', async (_name, error, message, data) => {
      middlewares = [(_socket, next) => next(error)];
      const client = app.open('/', { transport });
      const refusal = await client.refused();
      expect(refusal.message).toBe(message);
      expect(refusal.data).toEqual(data);
      expect(client.socket.connected).toBe(false);
      expect(steps).toEqual([]);
    });

    it('runs middlewares one after the other, before the connection', async () => {
      middlewares = [
        (socket, next) => {
          steps.push('first');
          socket.data.first = socket.handshake.auth.token as string;
          setImmediate(next);
        },
        (socket, next) => {
          steps.push('second');
          socket.data.second = true;
          next();
        },
      ];
      const client = await app.connect('/', { transport, auth: { token: 't' } });
      expect(steps).toEqual(['first', 'second', 'connected /']);
      expect(await client.ask('data')).toEqual([{ first: 't', second: true }]);
    });

    it('skips the middlewares behind one that refuses', async () => {
      middlewares = [(_socket, next) => next(refuse('no')), () => steps.push('second')];
      await app.open('/', { transport }).refused();
      expect(steps).toEqual([]);
    });

    it('lets a refused client try again on the same connection', async () => {
      middlewares = [
        ({ handshake }, next) => next(handshake.auth.token === 'right' ? undefined : refuse('no')),
      ];
      const root = await app.connect('/', { transport, auth: { token: 'right' } });
      const { id } = root.socket.io.engine;
      const chat = root.join('/chat', { auth: { token: 'wrong' } });
      expect((await chat.refused()).message).toBe('no');
      chat.socket.auth = { token: 'right' };
      chat.error = undefined;
      chat.socket.connect();
      await chat.connected();
      expect(chat.socket.io.engine.id).toBe(id);
      expect(steps).toEqual(['connected /', 'connected /chat']);
    });

    it('refuses one namespace and admits another', async () => {
      middlewares = [({ nsp }, next) => next(nsp.name === '/chat' ? refuse('not here') : undefined)];
      const root = await app.connect('/', { transport });
      expect((await root.join('/chat').refused()).message).toBe('not here');
      await root.settled();
      expect(steps).toEqual(['connected /']);
    });

    it('admits namespaces independently of each other', async () => {
      const slow = deferred();
      middlewares = [({ nsp }, next) => void (nsp.name === '/' ? slow.promise.then(() => next()) : next())];
      const root = app.open('/', { transport });
      const chat = root.join('/chat');
      await chat.connected();
      await chat.settled();
      expect(steps).toEqual(['connected /chat']);
      slow.resolve();
      await root.connected();
      expect(steps).toEqual(['connected /chat', 'connected /']);
    });

    it('admits no client that has gone meanwhile', async () => {
      const entered = deferred<() => void>();
      const chat = await app.connect('/chat', { transport });
      middlewares = [(_socket, next) => entered.resolve(() => next())];
      chat.join('/');
      const next = await entered.promise;
      chat.socket.io.engine.close();
      await until('the end', () => steps.includes('disconnected /chat'));
      middlewares = [];
      next();
      const other = await app.connect('/', { transport });
      await other.settled();
      expect(steps).toEqual(['connected /chat', 'disconnected /chat', 'connected /']);
    });

    it.each([
      ['joins no namespace', []],
      ['was refused in its only namespace', ['0/unknown,', '0{"token":"wrong"}']],
    ] as [string, string[]][])('closes a connection that %s', async (_name, packets) => {
      // long enough for a client to join on a busy machine
      const options = { connectTimeout: 1_000 };
      const short = await startIoApp(server, { providers }, { reference: options, ours: options });
      const joined = await short.connect('/');
      middlewares = [(_socket, next) => next(refuse('no'))];
      const transports = transport === 'upgraded' ? undefined : [transport];
      const manager = new Manager(short.url(), { reconnection: false, ...(transports && { transports }) });
      manager.on('open', () => packets.forEach((packet) => manager.engine.write(packet)));
      const closed = new Promise((resolve) => manager.on('close', resolve));
      manager.open();
      expect(await closed).toBe('transport close');
      expect(joined.socket.connected).toBe(true);
    });
  });

  describe('by allowRequest', () => {
    const seen: string[] = [];
    const allowRequest = (
      request: IncomingMessage,
      done: (error: string | null | undefined, isAllowed: boolean) => void,
    ): void => {
      seen.push(String(request.url).replace(/.*transport=(\w+).*/, '$1'));
      setImmediate(() => done(null, request.headers['x-pass'] === 'yes'));
    };
    let app: IoApp;
    beforeEach(async () => {
      seen.splice(0);
      app = await startIoApp(server, { providers }, { reference: { allowRequest }, ours: { allowRequest } });
    });

    it.each(TRANSPORTS)('admits over %s, and asks once', async (transport) => {
      const client = await app.connect('/', { transport, extraHeaders: { 'X-Pass': 'yes' } });
      await client.settled();
      expect(seen).toEqual([transport === 'websocket' ? 'websocket' : 'polling']);
    });

    it.each(TRANSPORTS)('refuses over %s', async (transport) => {
      const client = app.open('/', { transport });
      const error = await client.refused();
      expect(error.message).toBe(transport === 'websocket' ? 'websocket error' : 'xhr poll error');
      if (transport !== 'websocket') expect(error.description).toBe(403);
      expect(steps).toEqual([]);
    });
  });
});
