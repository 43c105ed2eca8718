import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { startNode, type Node } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

describeWithRedis('a node that closes while a client reconnects to it', () => {
  const cleanups: (() => unknown)[] = [];
  beforeAll(() => redis.start());
  afterAll(async () => {
    for (const cleanup of cleanups) await cleanup();
  });
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  async function start(): Promise<Node & { taken: Promise<void>; cleanup(): Promise<void> }> {
    const client = createClient({ url: redis.url });
    await client.on('error', () => undefined).connect();
    // A session is taken from its store with a deletion.
    const taken = new Promise<void>((resolve) => {
      const multi = client.multi.bind(client);
      client.multi = () => {
        resolve();
        return multi();
      };
    });
    const node = await startNode({
      adapter: createAdapter(tolerant(client), { blockTimeInMs: 200 }),
      recovery: true,
    });
    let isClosed = false;
    // Like in applications: the client of the broker closes after everything that uses it.
    const cleanup = async (): Promise<void> => {
      if (isClosed) return;
      isClosed = true;
      await node.app.nest.close();
      await client.close();
    };
    cleanups.push(cleanup);
    return Object.assign(node, { taken, cleanup });
  }

  it('returns the session that it has taken', async () => {
    const [here, there] = [await start(), await start()];
    const ada = await new RecoveringClient().connect(here.app);
    const { id } = ada.hello;
    await ada.cut();
    await here.lost(ada);
    here.server.emit('away');
    redis.stall();
    const refusal = ada.connect(there.app).then(() => undefined, String);
    await there.taken;
    const ended = there.cleanup();
    expect(await refusal).toContain('503');
    redis.resume();
    await ended;
    await ada.connect(here.app);
    expect(ada.hello).toMatchObject({ id, recovered: true });
    expect(await ada.settled()).toEqual(['away']);
  });
});
