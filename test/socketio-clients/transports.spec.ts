import { Controller, Get } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { FaultyNetwork } from '../support/faulty-network.js';
import { deferred, until } from '../support/wait.js';
import { describeServers, Settling, startIoApp, type IoApp, type IoAppOptions } from './fixture.js';
import { TRANSPORTS, type IoClient } from './io-client.js';

@WebSocketGateway()
class TransportGateway extends Settling implements OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer() server!: Server;
  readonly numbers = new Map<string, number[]>();
  readonly reasons: string[] = [];
  readonly sockets: Socket[] = [];
  disconnects = 0;

  handleConnection(client: Socket): void {
    this.sockets.push(client);
    this.numbers.set(client.id, []);
    client.on('disconnect', (reason) => this.reasons.push(reason));
  }
  handleDisconnect(): void {
    this.disconnects++;
  }
  @SubscribeMessage('number')
  number(@ConnectedSocket() client: Socket, @MessageBody() [n]: [number, unknown]): number {
    this.numbers.get(client.id)!.push(n);
    client.emit('back', n, Buffer.from([n % 256]));
    return n;
  }
  @SubscribeMessage('size')
  size(@MessageBody() data: string | Buffer): number {
    return data.length;
  }
  @SubscribeMessage('big')
  big(@MessageBody() length: number): string {
    return 'x'.repeat(length);
  }
}

@WebSocketGateway({ namespace: '/other' })
class OtherGateway extends TransportGateway {}

@Controller()
class HttpController {
  @Get('hello')
  hello(): string {
    return 'from a controller';
  }
}

/** An engine's message of this many bytes, without the id of a request. */
const messageOf = (bytes: number): string => {
  const head = '2["size","';
  // the engine writes one more byte
  return `${head}${'x'.repeat(bytes - head.length - 3)}"]`;
};

describeServers('transports', (server) => {
  const start = (options?: IoAppOptions): Promise<IoApp> =>
    startIoApp(
      server,
      { providers: [TransportGateway, OtherGateway], controllers: [HttpController] },
      options,
    );
  const gatewayOf = (app: IoApp): TransportGateway => app.nest.get(TransportGateway);

  describe.each(TRANSPORTS)('over %s', (transport) => {
    it('keep the messages of many clients complete and in order, both ways, also during upgrades', async () => {
      const app = await start();
      const count = 150;
      const clients = Array.from({ length: 6 }, () => app.open('/', { transport }));
      const acks = clients.map((): number[] => []);
      for (let n = 0; n < count; n++) {
        clients.forEach((client, index) =>
          client.emit('number', n, Buffer.from([n % 256]), (m: number) => acks[index]!.push(m)),
        );
        if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(clients.map((client) => client.connected()));
      await Promise.all(clients.map((client) => client.settled()));
      const numbers = Array.from({ length: count }, (_, n) => n);
      for (const [index, client] of clients.entries()) {
        expect(gatewayOf(app).numbers.get(client.socket.id!)).toEqual(numbers);
        expect(acks[index]).toEqual(numbers);
        expect(client.of('back').map(([n, bytes]) => [n as number, (bytes as Uint8Array)[0]])).toEqual(
          numbers.map((n) => [n, n % 256]),
        );
      }
    });

    it('carry pings, and keep an idle client', async () => {
      const options = { pingInterval: 100, pingTimeout: 4_000 };
      const app = await start({ reference: options, ours: options });
      const client = await app.connect('/', { transport });
      let pings = 0;
      const third = deferred();
      client.socket.io.on('ping', () => ++pings === 3 && third.resolve());
      await third.promise;
      await client.settled();
      expect(gatewayOf(app).reasons).toEqual([]);
    });

    it('end a client that no longer answers', async () => {
      // long enough for a client to join on a busy machine
      const options = { pingInterval: 100, pingTimeout: 3_000 };
      const app = await start({ reference: options, ours: options });
      const client = await app.connect('/', { transport });
      const other = client.join('/other');
      await other.connected();
      client.socket.io.engine.transport.send = () => undefined;
      await until('the end', () => gatewayOf(app).disconnects === 1);
      await until('the end of the other', () => app.nest.get(OtherGateway).disconnects === 1);
      expect(gatewayOf(app).reasons).toEqual(['ping timeout']);
      expect(app.nest.get(OtherGateway).reasons).toEqual(['ping timeout']);
    });

    it('tell the client that the server shuts down', async () => {
      const app = await start();
      const clients = await Promise.all([1, 2, 3].map(() => app.connect('/', { transport })));
      const others = clients.map((client) => client.join('/other'));
      await Promise.all(others.map((client) => client.connected()));
      const gateway = gatewayOf(app);
      const other = app.nest.get(OtherGateway);
      if (transport === 'polling')
        await until('waiting polls', () => gateway.sockets.every(({ conn }) => conn.transport.writable));
      const ended = Promise.all([...clients, ...others].map((client) => client.ended()));
      await app.nest.close();
      expect(await ended).toEqual(Array.from({ length: 6 }, () => 'transport close'));
      expect(gateway.reasons).toEqual(Array.from({ length: 3 }, () => 'server shutting down'));
      expect(other.reasons).toEqual(Array.from({ length: 3 }, () => 'server shutting down'));
      expect([gateway.disconnects, other.disconnects]).toEqual([3, 3]);
    });

    it('reconnect to another server after the shutdown of the first', async () => {
      const first = await start();
      const network = await FaultyNetwork.to(first.port);
      try {
        const reconnecting = { reconnection: true, reconnectionDelay: 20, port: network.port };
        const client = await first.connect('/', { transport, ...reconnecting });
        const { id } = client.socket;
        const second = await start();
        network.target = second.port;
        await first.nest.close();
        expect(await client.ended()).toMatch(/^transport (close|error)$/);
        await client.until('the reconnect', () => client.socket.connected);
        await client.settled();
        expect(client.socket.id).not.toBe(id);
        expect(gatewayOf(second).sockets).toHaveLength(1);
      } finally {
        network.close();
      }
    });

    it('take messages up to maxHttpBufferSize, and close the connection on more', async () => {
      const options = { maxHttpBufferSize: 20_000 };
      const app = await start({ reference: options, ours: options });
      const witness = await app.connect('/', { transport });
      const client = await app.connect('/', { transport });
      client.socket.io.engine.write(messageOf(20_000));
      await client.settled();
      expect(client.socket.connected).toBe(true);
      client.socket.io.engine.write(messageOf(20_001));
      expect(await client.ended()).toBe(transport === 'polling' ? 'transport error' : 'transport close');
      await until('the end', () => gatewayOf(app).disconnects === 1);
      await witness.settled();
    });

    it('take many messages that are larger than maxHttpBufferSize together', async () => {
      const options = { maxHttpBufferSize: 20_000 };
      const app = await start({ reference: options, ours: options });
      const client = await app.connect('/', { transport });
      const sizes = await Promise.all(
        Array.from({ length: 20 }, (_, n) => client.ask('size', 'x'.repeat(5_000 + n))),
      );
      expect(sizes).toEqual(Array.from({ length: 20 }, (_, n) => [5_000 + n]));
    });

    it('carry big texts and bytes, both ways', async () => {
      const app = await start();
      const client = await app.connect('/', { transport });
      expect(await client.ask('size', 'ż'.repeat(400_000))).toEqual([400_000]);
      expect(await client.ask('size', Buffer.alloc(700_000))).toEqual([700_000]);
      const [text] = await client.ask('big', 1_500_000);
      expect(text).toHaveLength(1_500_000);
    });
  });

  it('stay on polling where the server offers no other', async () => {
    const transports: ('polling' | 'websocket')[] = ['polling'];
    const app = await start({ reference: { transports }, transport: { transports } });
    const client = app.open('/', { transport: 'upgraded' });
    await client.until('connect', () => client.socket.connected);
    await client.settled();
    expect(client.transport).toBe('polling');
    expect((await app.open('/', { transport: 'websocket' }).refused()).message).toBe('websocket error');
  });

  it('refuse polling where the server offers only WebSockets', async () => {
    const transports: ('polling' | 'websocket')[] = ['websocket'];
    const app = await start({ reference: { transports }, transport: { transports } });
    await (await app.connect('/', { transport: 'websocket' })).settled();
    const error = await app.open('/', { transport: 'polling' }).refused();
    expect(error.message).toBe('xhr poll error');
    expect(error.description).toBe(400);
  });

  it('use another path, and leave the routes of the application alone', async () => {
    const path = '/live/io';
    const app = await start({ reference: { path }, transport: { path } });
    for (const transport of TRANSPORTS) {
      const client: IoClient = await app.connect('/', { transport, path });
      await client.settled();
    }
    const error = await app.open('/', { transport: 'polling' }).refused();
    expect(error.description).toBe(404);
    expect((await app.open('/', { transport: 'websocket' }).refused()).message).toBe('websocket error');
    const get = async (route: string): Promise<[number, string]> => {
      const response = await fetch(app.url(route), { headers: { Connection: 'close' } });
      return [response.status, await response.text()];
    };
    expect(await get('/hello')).toEqual([200, 'from a controller']);
    expect((await get('/live/iox'))[0]).toBe(404);
    expect((await get('/live'))[0]).toBe(404);
    expect((await get('/live/io/?EIO=4&transport=polling'))[0]).toBe(200);
  });
});
