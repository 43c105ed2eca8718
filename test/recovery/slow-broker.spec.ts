import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { startNode, type Node } from './cases.js';
import { Returning } from './recovery-client.js';

/** Milliseconds, there and back again. */
const DELAY = 10;
/** Between two messages that others write to the stream. */
const INTERVAL = 2;

describeWithRedis('recovery through a Redis stream that is far away, while others write to it', () => {
  const redis = new RedisServer();
  const ends: (() => unknown)[] = [];
  let line: FaultyNetwork;
  beforeAll(async () => {
    await redis.start();
    line = await FaultyNetwork.to(redis.port);
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    // the adapters' readers look up from the stream now and then only: once the broker has ended, which it does before
    // any `afterAll` of this file, they would come back to it for ever
    await until('the readers have gone', () => line.size === 0);
  });
  afterAll(() => line.close());

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
    const client = await clients[library](`redis://127.0.0.1:${line.port}`);
    const adapter = createAdapter(tolerant(client as object), {
      streamName,
      channelPrefix: streamName,
      blockTimeInMs: 200,
    });
    const node = await startNode({ adapter, recovery: true });
    ends.push(async () => {
      await node.app.close();
      await client.end();
    });
    return node;
  }

  /** What the nodes read, and their clients do not. */
  async function chatter(streamName: string): Promise<() => number> {
    const client = createClient({ url: redis.url });
    await client.connect();
    let count = 0;
    const timer = setInterval(() => {
      count++;
      void client.xAdd(streamName, '*', { nsp: '/elsewhere', type: '2', uid: 'x' });
    }, INTERVAL);
    ends.unshift(() => {
      clearInterval(timer);
      return client.close();
    });
    return () => count;
  }

  it.each(['redis', 'ioredis'] as const)(
    'is not kept waiting by what is written meanwhile: %s',
    async (library) => {
      const streamName = `distant-${library}`;
      const [here, there] = [await start(library, streamName), await start(library, streamName)];
      const count = await chatter(streamName);
      line.delay = DELAY;
      const ada = await new Returning().connect(here.app);
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
      await until('the last', async () => (await ada.settled()).includes('after'));
      expect(ada.events).toEqual(['before', 'away', 'after']);
      line.delay = 0;
    },
  );
});
