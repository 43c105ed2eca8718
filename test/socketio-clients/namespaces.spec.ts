import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import type { Namespace, Server, Socket } from 'socket.io';
import { until } from '../support/wait.js';
import { describeOurs, describeServers, Settling, startIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type IoClient } from './io-client.js';

/** The gateways of the test in hand. */
const gateways: Counting[] = [];

/** A gateway that notes who comes and goes. */
class Counting extends Settling implements OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer() server!: Namespace | Server;
  readonly joined: string[] = [];
  readonly left: [id: string, reason: string][] = [];

  handleConnection(client: Socket): void {
    this.joined.push(client.id);
    client.on('disconnect', (reason) => this.left.push([client.id, reason]));
  }
  handleDisconnect(client: Socket): void {
    this.left.push([client.id, 'handleDisconnect']);
  }
  /** Resolves when this client is gone. @returns the reason */
  async reasonOf(id: string): Promise<string | undefined> {
    await until(`the end of ${id}`, () => this.left.filter(([one]) => one === id).length === 2);
    return this.left.find(([one, reason]) => one === id && reason !== 'handleDisconnect')?.[1];
  }
  @SubscribeMessage('whoami')
  whoami(@ConnectedSocket() client: Socket): unknown {
    return { id: client.id, nsp: client.nsp.name, gateway: this.constructor.name };
  }
  @SubscribeMessage('tell')
  tell(@ConnectedSocket() client: Socket, @MessageBody() text: string): void {
    client.nsp.emit('told', text);
  }
  @SubscribeMessage('kick')
  kick(@ConnectedSocket() client: Socket, @MessageBody() close: boolean | undefined): void {
    client.emit('last words');
    // to the clients of all namespaces, in the same tick
    if (close === true) for (const gateway of gateways) gateway.server.emit('farewell', 1);
    client.disconnect(close);
  }
}

@WebSocketGateway()
class RootGateway extends Counting {}
@WebSocketGateway({ namespace: '/chat' })
class ChatGateway extends Counting {}
@WebSocketGateway({ namespace: 'deep/name-1' })
class DeepGateway extends Counting {}
@WebSocketGateway({ namespace: /^\/room-\d+$/ })
class RoomGateway extends Counting {}

const providers = [RootGateway, ChatGateway, DeepGateway, RoomGateway];
const NAMES: [name: string, gateway: string][] = [
  ['/', 'RootGateway'],
  ['/chat', 'ChatGateway'],
  ['/deep/name-1', 'DeepGateway'],
  ['/room-1', 'RoomGateway'],
  ['/room-42', 'RoomGateway'],
];

describeServers('namespaces', (server) => {
  let app: IoApp;
  const gateway = <G extends Counting>(type: new () => G): G => app.nest.get(type);
  beforeEach(async () => {
    app = await startIoApp(server, { providers });
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    it.each(NAMES)('opens %s', async (name, type) => {
      const client = await app.connect(name, { transport });
      expect(await client.ask('whoami')).toEqual([{ id: client.socket.id, nsp: name, gateway: type }]);
      expect(client.socket.id).toMatch(/^[\w-]{20}$/);
      expect(client.socket.id).not.toBe(client.socket.io.engine.id);
    });

    it.each(['/unknown', '/chat/', '/Chat', '/room-x', '/room-1/2', '/deep', '/chat%20', '/%63hat'])(
      'refuses the unknown namespace %s',
      async (name) => {
        const client = app.open(name, { transport });
        const error = await client.refused();
        expect(error.message).toBe('Invalid namespace');
        expect(error.data).toBeUndefined();
        expect(client.socket.connected).toBe(false);
      },
    );

    it('compares the whole name, a query included', async () => {
      const root = await app.connect('/', { transport });
      // `io('/chat?x=1')` would take the query from the name
      expect((await root.join('/chat?x=1').refused()).message).toBe('Invalid namespace');
    });

    it('keeps the connection on which one namespace was refused', async () => {
      const root = await app.connect('/', { transport });
      const refused = root.join('/unknown');
      expect((await refused.refused()).message).toBe('Invalid namespace');
      const chat = root.join('/chat');
      await chat.connected();
      expect(await root.ask('whoami')).toMatchObject([{ nsp: '/' }]);
      expect(await chat.ask('whoami')).toMatchObject([{ nsp: '/chat' }]);
    });

    it('carries several namespaces on one connection, each with its own id', async () => {
      const root = await app.connect('/', { transport });
      const others = ['/chat', '/deep/name-1', '/room-1', '/room-2'].map((name) => root.join(name));
      await Promise.all(others.map((client) => client.connected()));
      const ids = new Set([root, ...others].map(({ socket }) => socket.id));
      expect(ids.size).toBe(5);
      expect(new Set(others.map(({ socket }) => socket.io.engine.id))).toEqual(
        new Set([root.socket.io.engine.id]),
      );
      others[2]!.emit('tell', 'to room 1');
      others[0]!.emit('tell', 'to chat');
      expect(await others[2]!.next('told')).toEqual(['to room 1']);
      expect(await others[0]!.next('told')).toEqual(['to chat']);
      await Promise.all([root, ...others].map((client) => client.settled()));
      expect([root, ...others].map((client) => client.of('told').length)).toEqual([0, 1, 0, 1, 0]);
    });

    it('lets a client leave one namespace and join it again', async () => {
      const root = await app.connect('/', { transport });
      const chat = root.join('/chat');
      await chat.connected();
      const first = chat.socket.id!;
      chat.leave();
      expect(chat.reason).toBe('io client disconnect');
      expect(await gateway(ChatGateway).reasonOf(first)).toBe('client namespace disconnect');
      expect(await root.ask('whoami')).toMatchObject([{ nsp: '/' }]);
      chat.socket.connect();
      await chat.connected();
      expect(chat.socket.id).not.toBe(first);
      expect(await chat.ask('whoami')).toEqual([
        { id: chat.socket.id, nsp: '/chat', gateway: 'ChatGateway' },
      ]);
      expect(gateway(RootGateway).left).toEqual([]);
      expect(gateway(ChatGateway).joined).toEqual([first, chat.socket.id]);
    });

    it('ends all namespaces when the client closes the connection', async () => {
      const root = await app.connect('/', { transport });
      const chat = root.join('/chat');
      await chat.connected();
      const ids = [root.socket.id!, chat.socket.id!];
      root.socket.io.engine.close();
      expect(await root.ended()).toBe('forced close');
      expect(await chat.ended()).toBe('forced close');
      expect(await gateway(RootGateway).reasonOf(ids[0]!)).toBe('transport close');
      expect(await gateway(ChatGateway).reasonOf(ids[1]!)).toBe('transport close');
    });

    it('leaves one namespace by disconnect(), and closes nothing else', async () => {
      const root = await app.connect('/', { transport });
      const chat = root.join('/chat');
      await chat.connected();
      const id = chat.socket.id!;
      chat.emit('kick');
      expect(await chat.ended()).toBe('io server disconnect');
      expect(chat.of('last words')).toHaveLength(1);
      expect(await gateway(ChatGateway).reasonOf(id)).toBe('server namespace disconnect');
      expect(await root.ask('whoami')).toMatchObject([{ nsp: '/' }]);
      chat.reason = undefined;
      chat.socket.connect();
      await chat.connected();
      expect(await chat.ask('whoami')).toMatchObject([{ nsp: '/chat' }]);
    });

    it('closes the connection by disconnect(true)', async () => {
      const root = await app.connect('/', { transport });
      const chat = root.join('/chat');
      await chat.connected();
      const ids = [root.socket.id!, chat.socket.id!];
      gateways.splice(0, Infinity, gateway(RootGateway), gateway(ChatGateway));
      chat.emit('kick', true);
      await Promise.all([root.ended(), chat.ended()]);
      expect([root.reason, chat.reason]).toEqual(['io server disconnect', 'io server disconnect']);
      expect(chat.of('last words')).toHaveLength(1);
      expect([root.of('farewell'), chat.of('farewell')]).toEqual([[[1]], [[1]]]);
      expect(await gateway(RootGateway).reasonOf(ids[0]!)).toBe('server namespace disconnect');
      expect(await gateway(ChatGateway).reasonOf(ids[1]!)).toBe('server namespace disconnect');
    });

    it('disconnects all clients of one namespace', async () => {
      const clients = await Promise.all([1, 2, 3].map(() => app.connect('/', { transport })));
      const chats = clients.map((client) => client.join('/chat'));
      await Promise.all(chats.map((client) => client.connected()));
      gateway(ChatGateway).server.disconnectSockets();
      expect(await Promise.all(chats.map((client) => client.ended()))).toEqual(
        chats.map(() => 'io server disconnect'),
      );
      for (const client of clients) expect(await client.ask('whoami')).toMatchObject([{ nsp: '/' }]);
    });
  });

  it('opens a connection for each client with forceNew, and shares one without', async () => {
    const root = await app.connect('/');
    const forced = await app.connect('/chat');
    expect(forced.socket.io).not.toBe(root.socket.io);
    const first = await app.connect('/', { forceNew: false });
    const second = await app.connect('/chat', { forceNew: false });
    const third = await app.connect('/', { forceNew: false });
    expect(second.socket.io).toBe(first.socket.io);
    expect(third.socket.io).not.toBe(first.socket.io);
    expect(third.socket.id).not.toBe(first.socket.id);
  });

  it('knows the namespace of a RegExp by its own name', async () => {
    const [one, other] = await Promise.all([app.connect('/room-1'), app.connect('/room-2')]);
    one.emit('tell', 'one');
    other.emit('tell', 'other');
    expect(await one.next('told')).toEqual(['one']);
    expect(await other.next('told')).toEqual(['other']);
    await Promise.all([one.settled(), other.settled()]);
    expect([one.of('told'), other.of('told')]).toEqual([[['one']], [['other']]]);
  });

  it('emits to all namespaces of a RegExp by the server of its gateway', async () => {
    const clients = await Promise.all(['/room-1', '/room-1', '/room-2'].map((name) => app.connect(name)));
    gateway(RoomGateway).server.emit('to all', 1, 'two');
    for (const client of clients) expect(await client.next('to all')).toEqual([1, 'two']);
  });
});

describeOurs('packets of namespaces that do not fit', () => {
  it.each(TRANSPORTS)('are ignored, over %s', async (transport) => {
    const app = await startIoApp('ours', { providers });
    const root = await app.connect('/', { transport });
    const { engine } = root.socket.io;
    // Socket.IO's server closes the connection, though its own client sends CONNECT twice at times
    engine.write('0');
    engine.write('0{"token":"other"}');
    // a message that crossed disconnect() on its way
    engine.write('2/deep/name-1,["whoami"]');
    engine.write('1/deep/name-1,');
    engine.write('3/deep/name-1,7["x"]');
    await root.settled();
    expect(app.nest.get(RootGateway).joined).toEqual([root.socket.id]);
    expect(app.nest.get(DeepGateway).joined).toEqual([]);
    expect(root.socket.connected).toBe(true);
  });
});

describeOurs('namespaces of paths', () => {
  @WebSocketGateway({ path: '/ws', namespace: 'chat' } as object)
  class PathGateway extends Counting {}
  @WebSocketGateway({ path: '/rooms/:room' } as object)
  class ParamsGateway extends Counting {
    @SubscribeMessage('params')
    params(@ConnectedSocket() client: { params: unknown }): unknown {
      return client.params;
    }
  }

  let app: IoApp;
  beforeEach(async () => {
    app = await startIoApp('ours', { providers: [PathGateway, ParamsGateway] });
  });

  it.each(TRANSPORTS)('are whole paths, over %s', async (transport) => {
    const client = await app.connect('/ws/chat', { transport });
    expect(await client.ask('whoami')).toMatchObject([{ nsp: '/ws/chat' }]);
    for (const name of ['/', '/ws', '/chat', '/rooms', '/rooms/1/2'])
      expect((await app.open(name, { transport }).refused()).message).toBe('Invalid namespace');
  });

  it.each(TRANSPORTS)('have parameters, over %s', async (transport) => {
    const one = await app.connect('/rooms/42', { transport });
    const other = one.join('/rooms/b%20c');
    await other.connected();
    expect(await one.ask('params')).toEqual([{ room: '42' }]);
    expect(await other.ask('params')).toEqual([{ room: 'b c' }]);
  });

  it('are shared by bare clients', async () => {
    const bare = await app.bare('/ws/chat');
    const client: IoClient = await app.connect('/ws/chat');
    client.emit('tell', 'from Socket.IO');
    expect(await bare.next('told')).toEqual({ event: 'told', data: 'from Socket.IO' });
    expect(await client.next('told')).toEqual(['from Socket.IO']);
    bare.send({ event: 'tell', data: 'from bare' });
    expect(await client.next('told')).toEqual(['from bare']);
    expect(await bare.next('told')).toEqual({ event: 'told', data: 'from bare' });
  });
});
