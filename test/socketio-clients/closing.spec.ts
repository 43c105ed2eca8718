import {
  ConnectedSocket,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import type { EnvelopeOptions, EnvelopeSocket } from '../../lib/index.js';
import { until } from '../support/wait.js';
import { describeOurs, Settling, startIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type IoClient } from './io-client.js';

@WebSocketGateway()
class MainGateway extends Settling implements OnGatewayConnection, OnGatewayDisconnect {
  readonly clients: EnvelopeSocket[] = [];
  readonly reasons: string[] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }
  handleDisconnect(_client: EnvelopeSocket, reason?: string): void {
    this.reasons.push(String(reason));
  }
  @SubscribeMessage('hang')
  hang(): Promise<void> {
    return new Promise<void>((resolve) => this.hanging.push(resolve));
  }
  readonly hanging: (() => void)[] = [];

  @SubscribeMessage('expire')
  expire(@ConnectedSocket() client: EnvelopeSocket): void {
    client.expiresAt = Date.now() + 1;
  }
}

@WebSocketGateway({ namespace: 'other' })
class OtherGateway extends Settling {}

@WebSocketGateway({ namespace: 'broken' })
class BrokenGateway {
  async handleConnection(): Promise<void> {
    await Promise.resolve();
    throw new WsException('go away');
  }
}

const start = (ours: EnvelopeOptions = {}): Promise<IoApp> =>
  startIoApp('ours', { providers: [MainGateway, OtherGateway, BrokenGateway] }, { ours });

const exceptionsOf = (client: IoClient): unknown[] => client.of('exception').map(([payload]) => payload);

describeOurs('the end of a Socket.IO client', () => {
  describe.each(TRANSPORTS)('over %s', (transport) => {
    it('names the close code of a bare client in an exception, and leaves other namespaces alone', async () => {
      const app = await start();
      const client = await app.connect('/', { transport });
      const other = client.join('/other');
      await other.connected();
      const gateway = app.nest.get(MainGateway);
      client.emit('expire');
      expect(await client.ended()).toBe('io server disconnect');
      expect(exceptionsOf(client)).toEqual([{ status: 'error', message: 'expired', closeCode: 4401 }]);
      await other.settled();
      expect(gateway.reasons).toEqual(['server namespace disconnect']);
      expect(gateway.clients[0]!.closed).toMatchObject({ code: 4401, initiator: 'server' });
      client.destroy();
    });

    it('follows client.close with a code and a reason', async () => {
      const app = await start();
      const client = await app.connect('/', { transport });
      app.nest.get(MainGateway).clients[0]!.close(4000, 'enough');
      expect(await client.ended()).toBe('io server disconnect');
      expect(exceptionsOf(client)).toEqual([{ status: 'error', message: 'enough', closeCode: 4000 }]);
    });

    it('is one exception and the end of the namespace when handleConnection throws', async () => {
      const app = await start();
      const client = app.open('/broken', { transport });
      const other = client.join('/other');
      await other.connected();
      expect(await client.ended()).toBe('io server disconnect');
      expect(exceptionsOf(client)).toMatchObject([{ status: 'error', message: 'go away' }]);
      await other.settled();
      other.destroy();
    });

    it('is a lost connection after client.terminate', async () => {
      const app = await start();
      const client = await app.connect('/', { transport });
      app.nest.get(MainGateway).clients[0]!.terminate();
      expect(await client.ended()).toBe(transport === 'polling' ? 'transport error' : 'transport close');
      expect(app.nest.get(MainGateway).reasons).toEqual(['forced close']);
    });

    it('refuses messages over the rate, then ends the whole connection', async () => {
      const app = await start({ limits: { messagesPerSecond: 1, messageBurst: 20 } });
      const client = await app.connect('/', { transport });
      const other = client.join('/other');
      await other.connected();
      for (let i = 0; i < 300; i++) client.emit('nothing', i);
      await client.ended();
      await other.ended();
      const [first, ...rest] = exceptionsOf(client);
      expect(first).toEqual({ status: 'error', code: 'rate_limited', message: 'too many messages' });
      expect(rest.at(-1)).toEqual({ status: 'error', message: 'too many messages', closeCode: 1008 });
      expect(app.nest.get(MainGateway).reasons).toEqual(['server namespace disconnect']);
    });

    it('ends a client that reads too slowly', async () => {
      const app = await start({ limits: { maxBufferedBytes: 100_000 } });
      const client = await app.connect('/', { transport });
      const gateway = app.nest.get(MainGateway);
      const [socket] = gateway.clients;
      // nothing is written before the end of the tick
      for (let i = 0; i < 400; i++) socket!.emit('large', 'x'.repeat(50_000));
      await until('the disconnect', () => gateway.reasons.length > 0);
      expect(socket!.closed).toMatchObject({ code: 1013 });
      await client.ended();
    });

    it('is not taken for dead while its messages wait', async () => {
      const app = await start({ limits: { maxInFlight: 1 }, pingInterval: 250, pingTimeout: 1_000 });
      const client = await app.connect('/', { transport });
      const gateway = app.nest.get(MainGateway);
      for (let i = 0; i < 200; i++) client.emit('hang');
      await until('the first message', () => gateway.hanging.length > 0);
      await until('a connection that is not read', () => gateway.clients[0]!.isPaused);
      const { engine } = client.socket.io;
      const since = Date.now();
      await until('some ping intervals', () => Date.now() - since > 1_600);
      expect(gateway.reasons).toEqual([]);
      expect(engine.readyState).toBe('open');
      const release = setInterval(() => gateway.hanging.splice(0).forEach((done) => done()), 1);
      await client.settled();
      clearInterval(release);
      client.destroy();
      await until('the disconnect', () => gateway.reasons.length > 0);
      gateway.hanging.splice(0).forEach((done) => done());
    });
  });
});
