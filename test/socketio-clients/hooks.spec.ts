import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import type { Namespace, Server, Socket } from 'socket.io';
import { deferred, until } from '../support/wait.js';
import { describeOurs, describeServers, Settling, startIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type Any } from './io-client.js';

@WebSocketGateway()
class HooksGateway extends Settling implements OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer() server!: Server;
  onClient: (client: Socket) => unknown = () => undefined;
  readonly ends: [connected: boolean, reason: unknown][] = [];
  readonly released = deferred<string>();
  readonly retried: unknown[] = [];

  handleConnection(client: Socket): unknown {
    return this.onClient(client);
  }
  handleDisconnect(client: Socket, reason?: unknown): void {
    this.ends.push([client.connected, reason]);
  }
  @SubscribeMessage('wait')
  wait(): Promise<string> {
    return this.released.promise;
  }
  @SubscribeMessage('release')
  release(@MessageBody() value: string): string {
    this.released.resolve(value);
    return 'released';
  }
  @SubscribeMessage('fails at first')
  failsAtFirst(@MessageBody() data: unknown): unknown {
    this.retried.push(data);
    return this.retried.length < 3 ? undefined : 'at last';
  }
  @SubscribeMessage('żółw, ["x"] 🐢')
  oddName(@MessageBody() data: unknown): unknown {
    return { data };
  }
  @SubscribeMessage('to other')
  toOther(@MessageBody() data: unknown): void {
    this.server.of('/other').emit('from the root', data);
  }
  @SubscribeMessage('emit to the dead')
  emitToTheDead(@ConnectedSocket() client: Socket): void {
    client.disconnect();
    client.emit('late', 1);
    client.to(client.id).emit('late', 2);
    void client.join('room');
    this.server.to('room').emit('late', 3);
  }
}

@WebSocketGateway({ namespace: '/other' })
class OtherGateway extends Settling {
  @WebSocketServer() server!: Namespace;
}

const providers = [HooksGateway, OtherGateway];

describeServers('the life of a client', (server) => {
  let app: IoApp;
  let gateway: HooksGateway;
  beforeEach(async () => {
    app = await startIoApp(server, { providers });
    gateway = app.nest.get(HooksGateway);
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    it('may end in handleConnection, after it was connected', async () => {
      gateway.onClient = (client) => {
        client.emit('too bad', 1);
        client.disconnect(true);
      };
      const client = app.open('/', { transport });
      let connects = 0;
      client.socket.on('connect', () => connects++);
      expect(await client.ended()).toBe('io server disconnect');
      expect([connects, client.of('too bad')]).toEqual([1, [[1]]]);
      // Nest listens for the end only later, so that IoAdapter does not notice this one
      if (server === 'ours') await until('the end', () => gateway.ends.length === 1);
    });

    it('ends with handleDisconnect, and the reason', async () => {
      const client = await app.connect('/', { transport });
      client.leave();
      await until('the end', () => gateway.ends.length === 1);
      const [[connected, reason]] = gateway.ends as [[boolean, unknown]];
      expect(connected).toBe(false);
      // the IoAdapter of Nest 11 passes none
      if (reason !== undefined) expect(reason).toBe('client namespace disconnect');
    });

    it('goes on while a handler waits', async () => {
      const client = await app.connect('/', { transport });
      const waiting = Promise.all([client.ask('wait'), client.ask('wait')]);
      expect(await client.ask('release', 'now')).toEqual(['released']);
      expect(await waiting).toEqual([['now'], ['now']]);
    });

    it('ends while a handler waits, and nothing is sent any more', async () => {
      const client = await app.connect('/', { transport });
      const other = await app.connect('/', { transport });
      client.emit('wait', () => undefined);
      await client.settled();
      client.leave();
      await until('the end', () => gateway.ends.length === 1);
      gateway.released.resolve('late');
      await other.settled();
      expect(client.events).toEqual([]);
    });

    it('gets nothing after disconnect()', async () => {
      const client = await app.connect('/', { transport });
      const other = client.join('/other');
      await other.connected();
      client.emit('emit to the dead');
      expect(await client.ended()).toBe('io server disconnect');
      await other.settled();
      expect(client.events).toEqual([]);
    });

    it('repeats messages that are not acknowledged, where the client wants that', async () => {
      const client = await app.connect('/', { transport, retries: 100, ackTimeout: 50 });
      const value = await client.socket.emitWithAck('fails at first', { n: 1 });
      expect(value).toBe('at last');
      // one more on a busy machine, where the last acknowledgement comes late
      expect(gateway.retried.length).toBeGreaterThanOrEqual(3);
      expect(new Set(gateway.retried.map((data) => JSON.stringify(data)))).toEqual(new Set(['{"n":1}']));
    });

    it('has events of any name', async () => {
      const client = await app.connect('/', { transport });
      expect(await client.ask('żółw, ["x"] 🐢', 1)).toEqual([{ data: 1 }]);
      client.socket.io.engine.write('2[42,"a number as the name"]');
      await client.settled();
      expect(client.events).toEqual([]);
    });

    it('hears what is emitted to another namespace', async () => {
      const client = await app.connect('/', { transport });
      const other = client.join('/other');
      await other.connected();
      client.emit('to other', { n: 1 });
      expect(await other.next('from the root')).toEqual([{ n: 1 }]);
      await client.settled();
      expect(client.events).toEqual([]);
    });
  });
});

describeOurs('handleConnection that fails', () => {
  it.each(TRANSPORTS)('tells the client, and disconnects it, over %s', async (transport) => {
    const app = await startIoApp('ours', { providers });
    app.nest.get(HooksGateway).onClient = async ({ handshake }) => {
      await new Promise(setImmediate);
      if (handshake.auth.mode === 'ws') throw new WsException('not you');
      if (handshake.auth.mode === 'error') throw new Error('secret');
    };
    const root = await app.connect('/other', { transport });
    for (const [mode, message] of [
      ['ws', 'not you'],
      ['error', 'Internal server error'],
    ] as const) {
      const client = app.open('/', { transport, auth: { mode } });
      expect((await client.next('exception'))[0]).toEqual({ status: 'error', message });
      await client.ended();
    }
    const client = await app.connect('/', { transport });
    await client.settled();
    await root.settled();
  });
});

describeOurs('a connection that has left its last namespace', () => {
  it.each(TRANSPORTS)('closes after connectTimeout, over %s', async (transport) => {
    const app = await startIoApp('ours', { providers }, { ours: { connectTimeout: 1_000 } });
    const client = await app.connect('/', { transport });
    const closed = new Promise<Any>((resolve) => client.socket.io.engine.on('close', resolve));
    // the packet DISCONNECT alone: the client itself would close the connection
    client.socket.io.engine.write('1');
    await until('the end', () => app.nest.get(HooksGateway).ends.length === 1);
    expect(await closed).toBe('transport close');
  });
});
