import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, tolerant, type AdapterFactory } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { until } from '../support/wait.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';

@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await client.join(['red', 'blue']);
    this.server.presence.track(client, client.id);
  }
  handleDisconnect(client: EnvelopeSocket): void {
    this.server.to('red').emit('left', client.id);
    this.server.serverSideEmit('left', client.id);
  }
}

type Native = { destroy(): void; readonly isOpen?: boolean };
type CreateAdapter = (publisher: never, subscriber: never) => unknown;

describeWithRedis('an application that closes before the clients of its broker', () => {
  const clients: Native[] = [];
  beforeAll(() => redis.start());
  afterAll(() => clients.forEach((client) => client.isOpen !== false && client.destroy()));
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  const nodeRedis = async (): Promise<Native> => {
    const client = createClient({ url: redis.url });
    client.on('error', () => undefined);
    clients.push(client);
    return client.connect();
  };
  const ioRedis = async (): Promise<Native> => {
    const client = new Redis(redis.url, { lazyConnect: true });
    client.on('error', () => undefined);
    await client.connect();
    const native = Object.assign(client, { destroy: () => client.disconnect() });
    clients.push(native);
    return native;
  };
  const streams: CreateAdapter = (client) => createStreamsAdapter(tolerant(client), { blockTimeInMs: 100 });

  it.each<[string, () => Promise<Native>, CreateAdapter]>([
    ['classic, redis', nodeRedis, createAdapter],
    ['classic, ioredis', ioRedis, createAdapter],
    ['sharded, redis', nodeRedis, createShardedAdapter],
    ['sharded, ioredis', ioRedis, createShardedAdapter],
    ['streams, redis', nodeRedis, streams],
  ])('has notified the other nodes when close() resolves: %s', async (_, connectClient, createAdapterOf) => {
    const [publisher, subscriber, other, another] = [
      await connectClient(),
      await connectClient(),
      await connectClient(),
      await connectClient(),
    ];
    const start = (publishing: Native, subscribing: Native) =>
      startApp(
        { providers: [Gateway] },
        {
          adapter: { adapter: createAdapterOf(publishing as never, subscribing as never) as AdapterFactory },
        },
      );
    const there = await start(other, another);
    const here = await start(publisher, subscriber);
    for (const node of [there, here]) {
      const { adapter } = node.nest.get(Gateway).server;
      await until('the subscriptions', async () => (await adapter.serverCount()) === 2);
    }
    const received: unknown[] = [];
    there.nest.get(Gateway).server.on('left', (id: unknown) => received.push(id));
    const witness = await there.connect('/ws');
    await witness.settled();
    // The streams adapter reads from the end of the stream until it has read something: it misses what is sent between two
    // such reads.
    await until('the first broadcast', async () => {
      here.nest.get(Gateway).server.to('red').emit('ready');
      await witness.settled();
      return witness.frames.some(({ event }) => event === 'ready');
    });
    for (let i = 0; i < 3; i++) await (await here.connect('/ws')).settled();
    await here.close();
    publisher.destroy();
    subscriber.destroy();
    await witness.until(
      'all events',
      () => witness.frames.filter(({ event }) => event === 'left').length === 3,
    );
    // They travel apart from the events to clients, and the last one may come later than the last event.
    await until('all events between servers', () => received.length >= 3);
    await witness.settled();
    expect(received).toHaveLength(3);
    expect(there.log.of('error')).toEqual([]);
    expect(here.log.of('error')).toEqual([]);
  });

  it('is silent afterwards', async () => {
    const [publisher, subscriber] = [await nodeRedis(), await nodeRedis()];
    const adapter = createShardedAdapter(publisher as never, subscriber as never) as AdapterFactory;
    const app = await startApp({ providers: [Gateway] }, { adapter: { adapter } });
    const { server } = app.nest.get(Gateway);
    await until('the subscription', async () => (await server.adapter.serverCount()) === 1);
    await (await app.connect('/ws')).settled();
    await app.close();
    publisher.destroy();
    subscriber.destroy();
    server.emit('late');
    await new Promise(setImmediate);
    expect(app.log.of('error')).toEqual([]);
  });
});
