import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import type { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import type { TestClient } from '../support/client.js';
import { until } from '../support/wait.js';
import { describeOurs, Settling, startIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type Any, type IoClient } from './io-client.js';

type Ack = (...values: unknown[]) => void;

@WebSocketGateway({ path: '/mixed' } as object)
class MixedGateway extends Settling implements OnGatewayConnection {
  @WebSocketServer() server!: EnvelopeServer;
  readonly sockets: Record<string, EnvelopeSocket> = {};

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    const name = String(client.handshake.query.name ?? client.handshake.auth.name);
    this.sockets[name] = client;
    client.data.name = name;
    client.user = { id: `user of ${name}` };
    await client.join('room');
  }
  @SubscribeMessage('tell')
  tell(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: unknown): void {
    client.to('room').emit('told', data);
  }
  @SubscribeMessage('reply')
  reply(@MessageBody() data: unknown): unknown {
    return { replied: data };
  }
}

describeOurs('bare clients and clients of Socket.IO in one room', () => {
  let app: IoApp;
  let gateway: MixedGateway;
  beforeEach(async () => {
    app = await startIoApp('ours', { providers: [MixedGateway] });
    gateway = app.nest.get(MixedGateway);
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    let io: IoClient;
    let bare: TestClient;
    beforeEach(async () => {
      io = await app.connect('/mixed', { transport, query: { name: 'io' } });
      bare = await app.bare('/mixed?name=bare');
      await bare.settled();
      await io.settled();
      expect(Object.keys(gateway.sockets)).toEqual(['io', 'bare']);
    });

    it('hear each other', async () => {
      io.emit('tell', { from: 'io' });
      expect(await bare.next('told')).toEqual({ event: 'told', data: { from: 'io' } });
      bare.send({ event: 'tell', data: { from: 'bare' } });
      expect(await io.next('told')).toEqual([{ from: 'bare' }]);
      expect(io.of('told')).toHaveLength(1);
    });

    it.each([
      ['no argument', [], undefined],
      ['null', [null], null],
      ['one argument', [{ a: 1 }], { a: 1 }],
      ['a list', [[1, 2]], [1, 2]],
      ['several arguments', [1, 'two', [3]], [1, 'two', [3]]],
    ] as [string, Any[], Any][])('get %s each in their way', async (_name, args, data) => {
      gateway.server.to('room').emit('news', ...args);
      expect(await io.next('news')).toEqual(args);
      expect((await bare.next('news')).data).toEqual(data);
    });

    it('are answered each in their way', async () => {
      expect(await io.ask('reply', 1)).toEqual([{ replied: 1 }]);
      expect(await bare.ask('reply', 1, 'id')).toEqual({ event: 'reply', data: { replied: 1 }, ack: 'id' });
      io.emit('reply', 2);
      bare.send({ event: 'reply', data: 2 });
      expect((await bare.next('reply')).data).toEqual({ replied: 2 });
      await io.settled();
      expect(io.of('reply')).toEqual([]);
    });

    it('answer a request to their room together', async () => {
      io.socket.on('question', (...args: Any[]) => (args.pop() as Ack)({ io: args }));
      const answers = gateway.server.to('room').timeout(4_000).emitWithAck('question', 1, 2);
      const { id, data } = await bare.next('question');
      bare.send({ ack: id, data: { bare: data as unknown } });
      expect(await answers).toHaveLength(2);
      expect(await answers).toEqual(expect.arrayContaining([{ io: [1, 2] }, { bare: [1, 2] }]));
    });

    it('may leave a request to their room open', async () => {
      io.socket.on('question', (ack: Ack) => ack('from io'));
      const [error, answers] = await new Promise<Any[]>((resolve) => {
        gateway.server
          .to('room')
          // one client answers within it, also on a busy machine
          .timeout(3_000)
          .emit('question', (...given: unknown[]) => resolve(given));
      });
      expect(error).toBeInstanceOf(Error);
      expect(answers).toEqual(['from io']);
    });

    it('are fetched, moved and disconnected together', async () => {
      const sockets = await gateway.server.in('room').fetchSockets();
      expect(sockets.map(({ data }) => (data as Any).name as string).sort()).toEqual(['bare', 'io']);
      gateway.server.in('room').socketsJoin('second');
      gateway.server.in('second').socketsLeave('room');
      gateway.server.to('room').emit('first');
      gateway.server.to('second').emit('second');
      await io.next('second');
      await bare.next('second');
      expect(io.of('first')).toEqual([]);
      expect(bare.frames.filter(({ event }) => event === 'first')).toEqual([]);
      gateway.server.in('second').disconnectSockets();
      expect(await io.ended()).toBe('io server disconnect');
      await bare.ended();
      await until('both are gone', () => gateway.server.sockets.size === 0);
    });

    it('show their transport', () => {
      const { io: one, bare: other } = gateway.sockets;
      expect(one!.conn.transport.name).toBe(transport === 'polling' ? 'polling' : 'websocket');
      expect(other!.conn.transport.name).toBe('websocket');
    });

    it('are refused the same: an exception each in their way', async () => {
      bare.send({ event: 'unknown', id: 1 });
      expect((await bare.answer(1)).event).toBe('exception');
      io.emit('unknown', () => undefined);
      await io.settled();
      expect(io.events).toEqual([]);
    });

    it('exclude each other by id', async () => {
      gateway.server.except(gateway.sockets.io!.id).emit('to bare');
      gateway.server.to(gateway.sockets.io!.id).emit('to io');
      await bare.next('to bare');
      await io.next('to io');
      await io.settled();
      await bare.settled();
      expect(io.of('to bare')).toEqual([]);
      expect(bare.frames.filter(({ event }) => event === 'to io')).toEqual([]);
    });
  });
});
