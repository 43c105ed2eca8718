import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { WebSocket } from 'ws';
import type { EnvelopeServer } from '../../lib/index.js';
import { socketIO } from '../../lib/socketio/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { closeBody, OP, RawClient } from '../support/raw-client.js';
import { countResources } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import { PollingClient, SocketClient } from './raw-engine.js';

@WebSocketGateway()
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('echo')
  echo(value: unknown): unknown {
    return value;
  }
}

const start = (): Promise<TestApp> =>
  startApp({ providers: [Gateway] }, { adapter: { transports: [socketIO()] } });

describe('a WebSocket of Socket.IO', () => {
  expectNoUnhandledErrors();

  it.each(['has ended it', 'shuts down'])(
    'does not hold up the end of the application if the client keeps it open after the server %s',
    async (cause) => {
      const app = await start();
      const client = await SocketClient.open(app.port);
      await client.join();
      if (cause === 'has ended it') {
        client.send('4garbage');
        expect(await client.next()).toBeUndefined();
      }
      expect(countResources(app)).toMatchObject({ connections: 1 });
      const begin = performance.now();
      await app.nest.close();
      // ws itself waits for half a minute
      expect(performance.now() - begin).toBeLessThan(15_000);
      expect(countResources(app)).toMatchObject({ connections: 0, sockets: 0 });
    },
  );

  it('sends what waits before the answer to a close frame, and nothing behind that', async () => {
    const app = await start();
    const { server } = app.nest.get(Gateway);
    const client = await SocketClient.open(app.port);
    await client.join();
    const { raw } = client;
    const [socket] = server.sockets.values();
    raw.tcp.pause();
    let parts = 0;
    while (socket!.bufferedAmount < 100_000) {
      server.emit('part', 'x'.repeat(10_000), parts++);
      await new Promise((resolve) => setImmediate(resolve));
    }
    raw.send({ opcode: OP.close, payload: closeBody(1000, 'bye') });
    const webSocket = Reflect.get(Reflect.get(socket!._connection, 'link') as object, 'ws') as WebSocket;
    await until('the close frame', () => webSocket.readyState === WebSocket.CLOSING);
    server.emit('late');
    await new Promise((resolve) => setImmediate(resolve));
    raw.tcp.resume();
    for (let part = 0; part < parts; part++) expect((await raw.message()).endsWith(`,${part}]`)).toBe(true);
    expect(await raw.close()).toEqual({ code: 1000, reason: 'bye' });
    expect(await raw.ended()).toHaveLength(0);
  });

  it('is probed only after the one before has closed', async () => {
    const app = await start();
    const client = await PollingClient.open(app.port);
    const path = `/socket.io/?EIO=4&transport=websocket&sid=${client.sid}`;
    const first = await RawClient.connect(app.port, path);
    // the engine gives up this WebSocket, and the client keeps it open
    first.text('garbage');
    expect((await first.frame()).opcode).toBe(OP.close);
    for (let i = 0; i < 3; i++) await expect(RawClient.connect(app.port, path)).rejects.toThrow('400');
    first.tcp.destroy();
    await until('the first one to close', async () => {
      const second = await RawClient.connect(app.port, path).catch(() => undefined);
      second?.tcp.destroy();
      return second !== undefined;
    });
    await client.leave();
  });
});
