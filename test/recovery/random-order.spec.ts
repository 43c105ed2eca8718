import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { newSeed } from '../support/random.js';
import { startNode } from './cases.js';
import { interleave } from './random-order.js';

/** A longer run: ROUNDS=5000 npm test -- test/recovery/random-order.spec.ts. A failure reports its seed for SEED=… */
const ROUNDS = Number(process.env['ROUNDS'] ?? 400);

const report = (where: string, figures: object): void =>
  void process.stderr.write(`recovery, ${where}: ${JSON.stringify(figures)}\n`);

describe('clients that lose their connection at random times', () => {
  it('receive each message once and in order, on one node in memory', async () => {
    const nodes = [await startNode({ recovery: true })];
    const outcome = await interleave(nodes, newSeed(), ROUNDS);
    report('in memory', outcome);
    expect(outcome.recovered).toBe(outcome.cuts);
  });
});

describeWithRedis('clients that reconnect to any of three nodes', () => {
  const redis = new RedisServer();
  const clients: { destroy(): void }[] = [];
  beforeAll(() => redis.start());
  afterAll(() => clients.forEach((client) => client.destroy()));

  it('receive each message once and in order, through a Redis stream', async () => {
    const nodes = await Promise.all(
      [1, 2, 3].map(async () => {
        const client = createClient({ url: redis.url });
        clients.push(client);
        client.on('error', () => undefined);
        await client.connect();
        const adapter = createAdapter(tolerant(client), { blockTimeInMs: 200 });
        return startNode({ adapter, recovery: true });
      }),
    );
    const outcome = await interleave(nodes, newSeed(), ROUNDS);
    report('Redis streams, three nodes', outcome);
    expect(outcome.recovered).toBe(outcome.cuts);
  });
});
