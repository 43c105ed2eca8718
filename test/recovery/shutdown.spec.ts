import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { startNode, type Node } from './cases.js';
import { Returning } from './recovery-client.js';

describeWithRedis('a node that ends while a client is coming back to it', () => {
  const redis = new RedisServer();
  const ends: (() => unknown)[] = [];
  beforeAll(() => redis.start());
  afterAll(async () => {
    for (const end of ends) await end();
  });

  async function start(): Promise<Node & { asked: Promise<void>; end(): Promise<void> }> {
    const client = createClient({ url: redis.url });
    await client.on('error', () => undefined).connect();
    // a session is taken out of its store with the deletion of it
    const asked = new Promise<void>((resolve) => {
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
    let isOver = false;
    // as applications do: the broker's client goes when everything that uses it has gone
    const end = async (): Promise<void> => {
      if (isOver) return;
      isOver = true;
      await node.app.nest.close();
      await client.close();
    };
    ends.push(end);
    return Object.assign(node, { asked, end });
  }

  it('gives the session back that it has taken', async () => {
    const [here, there] = [await start(), await start()];
    const ada = await new Returning().connect(here.app);
    const { id } = ada.hello;
    await ada.cut();
    await here.lost(ada);
    here.server.emit('away');
    redis.stall();
    const refusal = ada.connect(there.app).then(() => undefined, String);
    await there.asked;
    const ended = there.end();
    expect(await refusal).toContain('503');
    redis.resume();
    await ended;
    await ada.connect(here.app);
    expect(ada.hello).toMatchObject({ id, recovered: true });
    expect(await ada.settled()).toEqual(['away']);
  });
});
