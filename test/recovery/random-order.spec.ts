import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant, type EnvelopeOptions } from '../../lib/index.js';
import { socketIO } from '../../lib/socketio/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { newSeed } from '../support/random.js';
import { startNode, type Node } from './cases.js';
import { RandomEnvelopeClient, RandomIoClient, type RandomClient } from './random-clients.js';
import { interleave } from './random-order.js';

/** A longer run: ROUNDS=5000 npm test -- test/recovery/random-order.spec.ts. A failure reports its seed for SEED=… */
const ROUNDS = Number(process.env['ROUNDS'] ?? 400);
/** Milliseconds for one run. Other processes share the machine. */
const TIMEOUT = Math.max(900_000, ROUNDS * 60);

const report = (where: string, figures: object): void =>
  void process.stderr.write(`recovery, ${where}: ${JSON.stringify(figures)}\n`);

/** Envelope clients and Socket.IO clients in turn. */
function bothKinds(): { create: (index: number) => RandomClient; close: () => void } {
  const ioClients: RandomIoClient[] = [];
  return {
    create: (index) => {
      if (index < 2) return new RandomEnvelopeClient();
      const client = new RandomIoClient();
      ioClients.push(client);
      return client;
    },
    close: () => ioClients.forEach((client) => client.close()),
  };
}

describe('clients that lose their connection at random times', () => {
  it(
    'receive each message once and in order, on one node in memory',
    async () => {
      const nodes = [await startNode({ recovery: true })];
      const outcome = await interleave(nodes, newSeed(), ROUNDS);
      report('in memory', outcome);
      expect(outcome.recovered).toBe(outcome.cuts);
    },
    TIMEOUT,
  );

  it(
    'receive each message once and in order, on one node in memory, with clients of Socket.IO',
    async () => {
      const nodes = [await startNode({ recovery: true, transports: [socketIO()] })];
      const clients = bothKinds();
      const outcome = await interleave(nodes, newSeed(), ROUNDS, clients.create);
      clients.close();
      report('in memory, both kinds', outcome);
      expect(outcome.recovered).toBe(outcome.cuts);
    },
    TIMEOUT,
  );
});

describeWithRedis('clients that reconnect to any of three nodes', () => {
  const clients: { destroy(): void }[] = [];
  beforeAll(() => redis.start());
  afterAll(() => clients.forEach((client) => client.destroy()));
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  const start = (streamName: string, options: EnvelopeOptions = {}): Promise<Node[]> =>
    Promise.all(
      [1, 2, 3].map(async () => {
        const client = createClient({ url: redis.url });
        clients.push(client);
        client.on('error', () => undefined);
        await client.connect();
        const adapter = createAdapter(tolerant(client), {
          blockTimeInMs: 200,
          streamName,
          channelPrefix: streamName,
        });
        return startNode({ adapter, recovery: true, ...options });
      }),
    );

  it(
    'receive each message once and in order, through a Redis stream',
    async () => {
      const outcome = await interleave(await start('envelope'), newSeed(), ROUNDS);
      report('Redis streams, three nodes', outcome);
      expect(outcome.recovered).toBe(outcome.cuts);
    },
    TIMEOUT,
  );

  it(
    'receive each message once and in order, through a Redis stream, with clients of Socket.IO',
    async () => {
      const both = bothKinds();
      const nodes = await start('both', { transports: [socketIO()] });
      const outcome = await interleave(nodes, newSeed(), ROUNDS, both.create);
      both.close();
      report('Redis streams, three nodes, both kinds', outcome);
      expect(outcome.recovered).toBe(outcome.cuts);
    },
    TIMEOUT,
  );
});
