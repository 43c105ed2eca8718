import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { recoveryCases, startNode, type Node } from './cases.js';
import { recoveryEdgeCases } from './edge-cases.js';
import { recoveryRightsCases } from './rights-cases.js';
import { recoveryRoomsCases } from './rooms-cases.js';

describeWithRedis('recovery on any node, through a Redis stream', () => {
  const clients: { destroy(): void }[] = [];
  let stream = 0;

  beforeAll(() => redis.start());
  afterAll(async () => {
    for (const client of clients) client.destroy();
  });
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

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
    recoveryEdgeCases(start);
  });
  describe('of clients whose permissions have changed', () => {
    recoveryRightsCases(start);
  });
  describe('of clients whose rooms change while their connection is dead', () => {
    recoveryRoomsCases(start);
  });
});
