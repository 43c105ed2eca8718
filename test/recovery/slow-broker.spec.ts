import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { startNode, type Node } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

/** The added delay in each direction, in milliseconds. */
const DELAY = 10;
/** The interval between two messages that others write to the stream, in milliseconds. */
const INTERVAL = 2;

describeWithRedis('recovery through a slow Redis stream, while others write to it', () => {
  const redis = new RedisServer();
  const cleanups: (() => unknown)[] = [];
  let network: FaultyNetwork;
  beforeAll(async () => {
    await redis.start();
    network = await FaultyNetwork.to(redis.port);
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
    // The readers of the adapters check the stream only at intervals. After the end of the broker, which comes before
    // any `afterAll` of this file, they would retry forever.
    await until('the end of the readers', () => network.size === 0);
  });
  afterAll(() => network.close());

  const clients = {
    redis: async (url: string) => {
      const client = createClient({ url });
      await client.on('error', () => undefined).connect();
      return Object.assign(client, { end: () => client.close() });
    },
    ioredis: async (url: string) => {
      const client = new Redis(url).on('error', () => undefined);
      return Object.assign(client, { end: () => client.quit() });
    },
  };

  async function start(library: keyof typeof clients, streamName: string): Promise<Node> {
    const client = await clients[library](`redis://127.0.0.1:${network.port}`);
    const adapter = createAdapter(tolerant(client as object), {
      streamName,
      channelPrefix: streamName,
      blockTimeInMs: 200,
    });
    const node = await startNode({ adapter, recovery: true });
    cleanups.push(async () => {
      await node.app.close();
      await client.end();
    });
    return node;
  }

  /** Writes messages that the nodes read, and their clients do not receive. */
  async function writeOther(streamName: string): Promise<() => number> {
    const client = createClient({ url: redis.url });
    await client.connect();
    let count = 0;
    const timer = setInterval(() => {
      count++;
      void client.xAdd(streamName, '*', { nsp: '/elsewhere', type: '2', uid: 'x' });
    }, INTERVAL);
    cleanups.unshift(() => {
      clearInterval(timer);
      return client.close();
    });
    return () => count;
  }

  it.each(['redis', 'ioredis'] as const)(
    'does not wait for messages written meanwhile: %s',
    async (library) => {
      const streamName = `distant-${library}`;
      const [here, there] = [await start(library, streamName), await start(library, streamName)];
      const count = await writeOther(streamName);
      network.delay = DELAY;
      const ada = await new RecoveringClient().connect(here.app);
      here.server.emit('before');
      await ada.client.next('before');
      await ada.cut();
      await here.lost(ada);
      here.server.emit('away');
      const written = count();
      await ada.connect(there.app);
      expect(count()).toBeGreaterThan(written);
      expect(ada.hello.recovered).toBe(true);
      here.server.emit('after');
      await until('the last event', async () => (await ada.settled()).includes('after'));
      expect(ada.events).toEqual(['before', 'away', 'after']);
      network.delay = 0;
    },
  );
});
