import { describeWithPostgres, PostgresServer } from '../../support/brokers/postgres.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { newSeed } from '../../support/random.js';
import { startBeforeTests } from './begin.js';
import { BACKENDS, type Backend } from './backends.js';
import { startPair, startWorkers, type ClusterNode } from './node-process.js';
import { flood, type FloodResult } from './flood.js';
import { sendToCluster, sendToPostgres, sendToRedis, type SendGarbage } from './malformed-senders.js';

/** How long a request may take, in milliseconds. Its own timeout is one second: a node that never existed never answers. */
const REQUEST_TIME = 3_500;
/** The maximum number of log lines of a node. Each subject is logged five times per minute. */
const MAX_LOG_LINES = 12;

/** SEED=... repeats a run. A node process exits at its first unhandled rejection, and the tests would notice that. */
const seed = newSeed();

interface Scene {
  nodes: [ClusterNode, ClusterNode];
  sendGarbage: SendGarbage;
}

function flooding(
  suite: jest.Describe,
  title: string,
  backends: readonly Backend[],
  setUp: () => Promise<Scene>,
): void {
  const result = startBeforeTests(suite, async (): Promise<Record<string, FloodResult>> => {
    const { nodes, sendGarbage } = await setUp();
    return flood(nodes, backends, sendGarbage, seed);
  });
  suite(title, () => {
    let results: Record<string, FloodResult>;
    beforeAll(async () => {
      process.stderr.write(`${title}: SEED=${seed}\n`);
      results = await result();
      for (const backend of backends) {
        const { reports, requests, recoveredAfter, deliveries } = results[backend]!;
        const timedOut = requests.filter(({ error }) => error !== undefined).length;
        process.stderr.write(
          `${backend}: dropped ${reports.map(({ dropped }) => dropped).join(' and ')}, ` +
            `${reports.map(({ log }) => log.length).join(' and ')} lines in the logs; ` +
            `${timedOut} of ${requests.length} requests timed out, recovered after ${recoveredAfter} ms; ` +
            `messages ${deliveries.map(({ phases }) => phases.join('+')).join(', ')}\n`,
        );
      }
    });

    describe.each(backends)('%s', (backend) => {
      it('drops and counts malformed messages, and logs a few lines', () => {
        for (const { dropped, log } of results[backend]!.reports) {
          expect(dropped).toBeGreaterThan(0);
          expect(log.length).toBeLessThan(MAX_LOG_LINES);
        }
      });

      it('delivers no malformed message, and disconnects no client', () => {
        const { garbage, closed, reports } = results[backend]!;
        expect({ garbage, closed }).toEqual({ garbage: 0, closed: [] });
        for (const { clients, cluster } of reports)
          expect({ clients, state: cluster.state }).toEqual({ clients: 1, state: 'connected' });
      });

      it('delivers all messages of both nodes meanwhile and afterwards, once and in order', () => {
        for (const { title, numbers, sent, phases } of results[backend]!.deliveries) {
          // Messages through PostgreSQL may overtake each other.
          const inOrder = backend === 'postgres' ? [...numbers].sort((one, other) => one - other) : numbers;
          const [first] = inOrder as [number];
          const expected = Array.from({ length: sent - first }, (_, i) => first + i);
          expect({ title, numbers: inOrder }).toEqual({ title, numbers: expected });
          for (const count of phases) expect(count).toBeGreaterThan(0);
        }
      });

      it('ends requests in time meanwhile, and afterwards both nodes answer again', () => {
        const { requests, afterwards, standstill } = results[backend]!;
        expect(requests.length).toBeGreaterThan(0);
        for (const { time } of requests) expect(time).toBeLessThan(REQUEST_TIME + standstill);
        expect(afterwards.error).toBeUndefined();
        expect(afterwards.answers).toHaveLength(2);
      });
    });
  });
}

const redis = new RedisServer();
flooding(
  describeWithRedis,
  'malformed messages on the channels and streams of Redis',
  BACKENDS.redis,
  async () => {
    const { url } = await redis.start();
    const nodes = await startPair(BACKENDS.redis, url);
    return { nodes, sendGarbage: await sendToRedis(url, BACKENDS.redis, nodes[0]) };
  },
);
const postgres = new PostgresServer();
flooding(
  describeWithPostgres,
  'malformed messages on the channels of PostgreSQL',
  BACKENDS.postgres,
  async () => {
    const { url } = await postgres.start();
    return { nodes: await startPair(BACKENDS.postgres, url), sendGarbage: await sendToPostgres(url) };
  },
);
flooding(describe, "malformed messages of a worker of Node's cluster", BACKENDS.cluster, async () => {
  const { nodes } = await startWorkers(['a', 'b', 'c']);
  const [here, there, third] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  return { nodes: [here, there], sendGarbage: sendToCluster(third) };
});
