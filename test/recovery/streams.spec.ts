import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { recoveryCases, startNode, type Node } from './cases.js';
import { recoveryEdges } from './edge-cases.js';
import { recoveryRights } from './rights-cases.js';
import { recoveryRooms } from './rooms-cases.js';

describeWithRedis('recovery on any node, through a Redis stream', () => {
  const redis = new RedisServer();
  const clients: { destroy(): void }[] = [];
  let stream = 0;

  beforeAll(() => redis.start());
  afterAll(async () => {
    for (const client of clients) client.destroy();
  });

  const start = async (): Promise<Node[]> => {
    const streamName = `stream-${stream++}`;
    return Promise.all(
      [1, 2].map(async () => {
        const client = createClient({ url: redis.url });
        clients.push(client);
        client.on('error', () => undefined);
        await client.connect();
        const adapter = createAdapter(tolerant(client), {
          streamName,
          channelPrefix: streamName,
          blockTimeInMs: 200,
        });
        return startNode({ adapter, recovery: true });
      }),
    );
  };

  recoveryCases(start);
  describe('at a bad moment', () => {
    recoveryEdges(start);
  });
  describe('of clients whose rights have changed', () => {
    recoveryRights(start);
  });
  describe('of clients whose rooms change behind a dead connection', () => {
    recoveryRooms(start);
  });
});
