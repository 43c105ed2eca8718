import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import type { Namespace, Server, Socket } from 'socket.io';
import { deferred, until } from '../support/wait.js';
import { describeServers, Settling, startIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type Any, type IoClient } from './io-client.js';

@WebSocketGateway()
class ApiGateway extends Settling implements OnGatewayConnection {
  @WebSocketServer() server!: Server;
  /** Runs with each new client, before its messages. */
  onClient: (client: Socket) => void = () => undefined;
  socket!: Socket;
  readonly handled: unknown[] = [];

  handleConnection(client: Socket): void {
    this.socket = client;
    this.onClient(client);
  }
  @SubscribeMessage('handled')
  handle(@MessageBody() data: unknown): string {
    this.handled.push(data);
    return 'by the handler';
  }
  @SubscribeMessage('emit')
  emit(@ConnectedSocket() client: Socket, @MessageBody() args: unknown[]): void {
    client.emit('emitted', ...args);
  }
}

@WebSocketGateway({ namespace: '/other' })
class OtherGateway extends Settling {
  @WebSocketServer() server!: Namespace;
}

describeServers('the API of a socket', (server) => {
  let app: IoApp;
  let gateway: ApiGateway;
  beforeEach(async () => {
    app = await startIoApp(server, { providers: [ApiGateway, OtherGateway] });
    gateway = app.nest.get(ApiGateway);
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    const connect = (onClient?: (client: Socket) => void): Promise<IoClient> => {
      if (onClient !== undefined) gateway.onClient = onClient;
      return app.connect('/', { transport });
    };

    it('calls listeners for all events with all arguments', async () => {
      const any: unknown[][] = [];
      const client = await connect((socket) => {
        socket.onAny((...args: unknown[]) => any.push(['any', ...args.map((arg) => typeof arg)]));
        socket.prependAny((...args: unknown[]) => any.push(['first', args.length]));
        socket.on('heard', () => any.push(['heard']));
      });
      client.emit('heard', 1, 'two');
      await until('the first message', () => any.length === 3);
      client.emit('unknown');
      await client.ask('handled', 1);
      expect(any).toEqual([
        ['first', 3],
        ['any', 'string', 'number', 'string'],
        ['heard'],
        ['first', 1],
        ['any', 'string'],
        ['first', 3],
        ['any', 'string', 'number', 'function'],
      ]);
      gateway.socket.offAny();
      await client.settled();
      expect(any).toHaveLength(7);
    });

    it('calls listeners for all outgoing events with all arguments', async () => {
      const outgoing: unknown[][] = [];
      const client = await connect((socket) => {
        socket.onAnyOutgoing((...args: unknown[]) => outgoing.push(args));
      });
      client.emit('emit', [1, { two: 2 }, null]);
      await client.next('emitted');
      gateway.server.emit('broadcast', 1, 2);
      await client.next('broadcast');
      gateway.socket.emit('nothing');
      await client.next('nothing');
      expect(outgoing).toEqual([['emitted', 1, { two: 2 }, null], ['broadcast', 1, 2], ['nothing']]);
    });

    it('lets the middlewares of a socket see, change and refuse messages', async () => {
      const errors: string[] = [];
      const client = await connect((socket) => {
        socket.use((message, next) => {
          if (message[0] === 'forbidden') return next(new Error('not allowed'));
          if (message[0] === 'handled') message[1] = { changed: message[1] as unknown };
          setImmediate(next);
        });
        socket.on('error', (error) => errors.push(error.message));
        socket.on('heard', (...args: unknown[]) => gateway.handled.push(args));
      });
      const acks: Any[] = [];
      client.emit('forbidden', 1, (...values: Any[]) => acks.push(values));
      client.emit('heard', 1, 'two');
      expect(await client.ask('handled', 1)).toEqual(['by the handler']);
      await client.settled();
      expect(gateway.handled).toEqual([[1, 'two'], { changed: 1 }]);
      expect(errors).toEqual(['not allowed']);
      expect(acks).toEqual([]);
      expect(client.socket.connected).toBe(true);
    });

    it('has data, state, namespace and server', async () => {
      const client = await connect((socket) => {
        expect([socket.connected, socket.disconnected, socket.recovered]).toEqual([true, false, false]);
        socket.data.user = { id: 1 };
      });
      const { socket } = gateway;
      expect(socket.id).toBe(client.socket.id);
      expect(socket.data).toEqual({ user: { id: 1 } });
      expect(socket.nsp.name).toBe('/');
      expect([...socket.rooms]).toEqual([socket.id]);
      expect(socket.nsp.sockets.get(socket.id)).toBe(socket);
      client.leave();
      await until('the end', () => socket.disconnected);
      expect([socket.connected, socket.disconnected]).toEqual([false, true]);
      expect(socket.data).toEqual({ user: { id: 1 } });
    });

    it('shows the connection', async () => {
      const upgraded = deferred<string>();
      const first: string[] = [];
      const client = await connect(({ conn }) => {
        first.push(conn.transport.name);
        conn.on('upgrade', ({ name }: { name: string }) => upgraded.resolve(name));
      });
      const { conn } = gateway.socket;
      expect(first).toEqual([transport === 'websocket' ? 'websocket' : 'polling']);
      if (transport === 'upgraded') expect(await upgraded.promise).toBe('websocket');
      const last = transport === 'polling' ? 'polling' : 'websocket';
      expect([conn.transport.name, conn.protocol, conn.readyState]).toEqual([last, 4, 'open']);
      expect(conn.remoteAddress).toBe('127.0.0.1');
      expect(gateway.socket.client.conn.transport.name).toBe(last);
      expect(gateway.server.engine.clientsCount).toBe(1);
      const closed = new Promise((resolve) => conn.once('close', resolve));
      client.socket.io.engine.close();
      expect(await closed).toBe('transport close');
      expect(conn.readyState).toBe('closed');
    });

    it('shows the same connection in all namespaces', async () => {
      const client = await connect();
      const other = client.join('/other');
      await other.connected();
      const [socket] = [...app.nest.get(OtherGateway).server.sockets.values()];
      expect(socket!.conn.transport.name).toBe(gateway.socket.conn.transport.name);
      expect(Reflect.get(socket!.conn, 'id')).toBe(Reflect.get(gateway.socket.conn, 'id'));
      expect(gateway.server.engine.clientsCount).toBe(1);
    });

    it('shows the first request', async () => {
      gateway.onClient = ({ request, handshake }) => {
        expect(request.headers['user-agent']).toBe('test');
        expect(request.headers).toEqual(handshake.headers);
        expect(request.method).toBe('GET');
        expect(request.url).toMatch(/^\/socket\.io\/\?.*EIO=4/);
        expect(request.socket.remoteAddress ?? '127.0.0.1').toBe('127.0.0.1');
      };
      const client = await app.connect('/', { transport, extraHeaders: { 'User-Agent': 'test' } });
      await client.settled();
      expect(gateway.socket.request.headers['user-agent']).toBe('test');
    });

    it('tells the reason of an end to disconnecting and disconnect', async () => {
      const client = await connect();
      const { socket } = gateway;
      await socket.join('room');
      const seen: unknown[] = [];
      const ended = new Promise<void>((resolve) => {
        socket.on('disconnecting', (reason) => seen.push(['disconnecting', reason, socket.rooms.size]));
        socket.on('disconnect', (reason) => {
          seen.push(['disconnect', reason, socket.rooms.size]);
          resolve();
        });
      });
      client.leave();
      await ended;
      expect(seen).toEqual([
        ['disconnecting', 'client namespace disconnect', 2],
        ['disconnect', 'client namespace disconnect', 0],
      ]);
    });

    it('removes listeners', async () => {
      const calls: number[] = [];
      const listener = (n: number): void => void calls.push(n);
      const client = await connect((socket) => socket.on('heard', listener));
      client.emit('heard', 1);
      await client.settled();
      gateway.socket.off('heard', listener);
      client.emit('heard', 2);
      await client.settled();
      expect(calls).toEqual([1]);
      expect(gateway.socket.listenerCount('heard')).toBe(0);
    });
  });
});
