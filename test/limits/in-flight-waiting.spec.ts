import { jest } from '@jest/globals';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, observe } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

let gate = deferred<void>();
beforeEach(() => {
  gate = deferred();
});

@WebSocketGateway({ path: '/ws' })
class SlowGateway {
  clients: EnvelopeSocket[] = [];
  handled = 0;
  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }
  @SubscribeMessage('slow') async slow(): Promise<void> {
    await gate.promise;
  }
  @SubscribeMessage('count') count(@ConnectedSocket() _client: EnvelopeSocket): number {
    return ++this.handled;
  }
}

async function start(
  connectTimeout = 30_000,
): Promise<{ app: TestApp; gateway: SlowGateway; client: TestClient }> {
  const limits = { maxInFlight: 1, messagesPerSecond: false } as const;
  const app = await startApp({ providers: [SlowGateway] }, { adapter: { limits, connectTimeout } });
  const client = await app.connect('/ws');
  return { app, gateway: app.nest.get(SlowGateway), client };
}

expectNoUnhandledErrors();

describe('waiting messages', () => {
  it('without an id are not cancelled by a $cancel without an id', async () => {
    const { client } = await start();
    client.send({ event: 'slow' });
    client.send({ event: 'count', stream: true });
    client.send({ event: '$cancel' });
    await client.ask('$ping');
    gate.resolve();
    expect(await client.next('count')).toEqual({ event: 'count', data: 1 });
  });

  it('pause the connection again after a gateway has resumed it', async () => {
    const { gateway, client } = await start();
    client.send({ event: 'slow' });
    await client.ask('$ping');
    // More than TCP buffers while the server does not read.
    const message = { event: 'count', data: 'x'.repeat(10_000) };
    for (let times = 0; times < 2_000; times++) client.send(message);
    const [socket] = gateway.clients;
    await until('a pause', () => socket!.isPaused);
    socket!.pause();
    socket!.resume();
    await until('another pause', () => socket!.isPaused);
    expect(client.ws.bufferedAmount).toBeGreaterThan(0);
    gate.resolve();
    await until('all handlers', () => gateway.handled === 2_000);
    expect(socket!.isPaused).toBe(false);
  });

  it('leave no timer behind when an observer of the limit disconnects the client', async () => {
    const { app, gateway, client } = await start(80);
    const unsubscribe = observe('limit', ({ socket }) => void (socket as EnvelopeSocket).disconnect());
    const timers = jest.spyOn(globalThis, 'setTimeout');
    try {
      client.send({ event: 'slow' });
      client.send({ event: 'count' });
      expect((await client.ended()).code).toBe(1000);
      gate.resolve();
      await until('the end of the handler', () => gateway.clients[0]!._requests.inFlight === 0);
      expect(timers.mock.calls.filter(([, delay]) => delay === 80)).toEqual([]);
      expect(gateway.handled).toBe(0);
    } finally {
      timers.mockRestore();
      unsubscribe();
    }
    expect(app.log.of('error')).toEqual([]);
  });
});
