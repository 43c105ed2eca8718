import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeOptions, EnvelopeSocket } from '../../lib/index.js';
import { socketIO } from '../../lib/socketio/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred } from '../support/wait.js';
import { PollingClient, SocketClient } from './raw-engine.js';

@WebSocketGateway()
class Gateway {
  readonly released = deferred();

  @SubscribeMessage('echo')
  echo(@MessageBody() value: unknown): unknown {
    return value;
  }
  @SubscribeMessage('large')
  large(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() length: number): void {
    client.emit('large', 'x'.repeat(length));
  }
  @SubscribeMessage('wait')
  wait(): Promise<void> {
    return this.released.promise;
  }
}

@WebSocketGateway({ path: '/watching' })
class WatchingGateway {
  handleConnection(client: EnvelopeSocket): void {
    client.on('drain', () => undefined);
    client.conn.on('upgrade', () => undefined);
    client.on('disconnect', () => client.pause());
  }
}

const start = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp({ providers: [Gateway, WatchingGateway] }, { adapter: { transports: [socketIO()], ...adapter } });

describe('the flow of a link', () => {
  expectNoUnhandledErrors();

  it('lets a large message wait for the next poll', async () => {
    const app = await start({ limits: { maxBufferedBytes: 10_000 } });
    const client = await PollingClient.open(app.port);
    await client.join();
    await client.post('42["large",50000]');
    expect((await client.next()).length).toBeGreaterThan(50_000);
    await client.post('421["echo",1]');
    expect(await client.next()).toBe('431[1]');
    await client.leave();
  });

  it('takes a pong behind messages that wait', async () => {
    const app = await start({ pingInterval: 400, pingTimeout: 5_000, limits: { maxInFlight: 1 } });
    const client = await SocketClient.open(app.port);
    await client.join();
    expect(await client.raw.message()).toBe('2');
    // the link is held before the pong is read
    client.send(...Array.from({ length: 140 }, () => '42["wait"]'), '3');
    app.nest.get(Gateway).released.resolve();
    for (let ping = 0; ping < 2; ping++) {
      expect(await client.raw.message()).toBe('2');
      client.send('3');
    }
    client.send('421["echo",1]');
    expect(await client.next()).toBe('431[1]');
    await client.leave();
  });

  it('is watched by no namespace that the client has left, and held by none', async () => {
    const app = await start();
    const http = app.nest.getHttpServer() as Server;
    const connection = once(http, 'connection') as Promise<[Socket]>;
    const client = await SocketClient.open(app.port);
    const [tcp] = await connection;
    await client.join();
    const counts = new Set<number>();
    for (let round = 0; round < 5; round++) {
      expect(await client.join('/watching')).toMatch(/^40\/watching,/);
      counts.add(tcp.listenerCount('drain'));
      client.send('41/watching,', '421["echo",1]');
      expect(await client.next()).toBe('431[1]');
    }
    expect(counts.size).toBe(1);
    await client.leave();
  });
});
