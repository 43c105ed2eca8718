import { createClient } from 'redis';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { Child } from '../support/child.js';
import { until } from '../support/wait.js';

/** Milliseconds without a broker. */
const OUTAGE = 1_000;
/** Seconds of processor time that they may take, those of a busy loop being all of them. */
const IDLE = 0.5;

describeWithRedis('a reader of a Redis stream, with a client that keeps nothing for later', () => {
  const redis = new RedisServer();
  beforeEach(() => redis.start());

  async function isRead(): Promise<void> {
    const client = await createClient({ url: redis.url }).connect();
    try {
      const list = (): Promise<string> => client.sendCommand<string>(['CLIENT', 'LIST']);
      await until('the reader is there', async () => /cmd=xread/.test(await list()));
    } finally {
      await client.close();
    }
  }

  it.each(['redis', 'ioredis'] as const)(
    'leaves the process its time while Redis is away, and comes back: %s',
    async (library) => {
      const settings = { url: redis.url, library };
      const child = await Child.start('stream-reader', { settings });
      await isRead();
      await redis.kill();
      await child.ask('cpu');
      await new Promise((resolve) => setTimeout(resolve, OUTAGE));
      expect(await child.ask('cpu')).toBeLessThan(IDLE);
      await redis.start();
      await isRead();
    },
  );
});
