import { createClient } from 'redis';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { Child } from '../support/child.js';
import { until } from '../support/wait.js';

/** The duration of the outage, in milliseconds. */
const OUTAGE = 1_000;
/** The maximum processor time in seconds. A busy loop would use all of it. */
const IDLE = 0.5;

describeWithRedis('a reader of a Redis stream, with a client that buffers no commands', () => {
  const redis = new RedisServer();
  beforeEach(() => redis.start());

  async function waitForReader(): Promise<void> {
    const client = await createClient({ url: redis.url }).connect();
    try {
      const list = (): Promise<string> => client.sendCommand<string>(['CLIENT', 'LIST']);
      await until('the reader', async () => /cmd=xread/.test(await list()));
    } finally {
      await client.close();
    }
  }

  it.each(['redis', 'ioredis'] as const)(
    'uses no processor time while Redis is unreachable, and reconnects: %s',
    async (library) => {
      const settings = { url: redis.url, library };
      const child = await Child.start('stream-reader', { settings });
      await waitForReader();
      await redis.kill();
      await child.ask('cpu');
      await new Promise((resolve) => setTimeout(resolve, OUTAGE));
      expect(await child.ask('cpu')).toBeLessThan(IDLE);
      await redis.start();
      await waitForReader();
    },
  );
});
