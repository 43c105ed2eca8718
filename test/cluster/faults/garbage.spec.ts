import { describeWithPostgres, PostgresServer } from '../../support/brokers/postgres.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { newSeed } from '../../support/random.js';
import { begin } from './begin.js';
import { BACKENDS, type Backend } from './backends.js';
import { startPair, startWorkers, type ClusterNode } from './node-process.js';
import { ALL_OF_IT, flood, type Flooded } from './flood.js';
import { pourIntoCluster, pourIntoPostgres, pourIntoRedis, type Pour } from './malformed-senders.js';

/** Milliseconds that a question may take, of which a second is its own: a node that there never was does not answer. */
const IN_TIME = 3_500;
/** Lines of a node's log: each subject is told of five times a minute. */
const SHORT = 12;

/** SEED=... runs it again. A node ends, as Node has it, with the first rejection that nobody hears: it would be missed below. */
const seed = newSeed();

interface Scene {
  nodes: [ClusterNode, ClusterNode];
  pour: Pour;
}

function flooding(
  suite: jest.Describe,
  title: string,
  backends: readonly Backend[],
  setUp: () => Promise<Scene>,
): void {
  const result = begin(suite, async (): Promise<Record<string, Flooded>> => {
    const { nodes, pour } = await setUp();
    return flood(nodes, backends, pour, seed);
  });
  suite(title, () => {
    let flooded: Record<string, Flooded>;
    beforeAll(async () => {
      process.stderr.write(`${title}: SEED=${seed}\n`);
      flooded = await result();
      for (const backend of backends) {
        const { reports, asked, mended, ways } = flooded[backend]!;
        const ended = asked.filter(({ error }) => error !== undefined).length;
        process.stderr.write(
          `${backend}: dropped ${reports.map(({ dropped }) => dropped).join(' and ')}, ` +
            `${reports.map(({ log }) => log.length).join(' and ')} lines in the logs; ` +
            `${ended} of ${asked.length} questions ended by their time, all as before after ${mended} ms; ` +
            `messages ${ways.map(({ phases }) => phases.join('+')).join(', ')}\n`,
        );
      }
    }, ALL_OF_IT);

    describe.each(backends)('%s', (backend) => {
      it('drops it, counts what it drops, and says so a few times', () => {
        for (const { dropped, log } of flooded[backend]!.reports) {
          expect(dropped).toBeGreaterThan(0);
          expect(log.length).toBeLessThan(SHORT);
        }
      });

      it('takes no damaged target for everybody: nobody hears of it, nobody is disconnected', () => {
        const { garbage, closed, reports } = flooded[backend]!;
        expect({ garbage, closed }).toEqual({ garbage: 0, closed: [] });
        for (const { clients, cluster } of reports)
          expect({ clients, state: cluster.state }).toEqual({ clients: 1, state: 'connected' });
      });

      it('goes on meanwhile and afterwards: all messages of both nodes come, once and in order', () => {
        for (const { title, numbers, sent, phases } of flooded[backend]!.ways) {
          // messages of PostgreSQL's overtake each other
          const inOrder = backend === 'postgres' ? [...numbers].sort((one, other) => one - other) : numbers;
          const [first] = inOrder as [number];
          const expected = Array.from({ length: sent - first }, (_, i) => first + i);
          expect({ title, numbers: inOrder }).toEqual({ title, numbers: expected });
          for (const count of phases) expect(count).toBeGreaterThan(0);
        }
      });

      it('ends what is asked meanwhile in time, and afterwards both nodes answer as before', () => {
        const { asked, afterwards } = flooded[backend]!;
        expect(asked.length).toBeGreaterThan(0);
        for (const { time } of asked) expect(time).toBeLessThan(IN_TIME);
        expect(afterwards.error).toBeUndefined();
        expect(afterwards.answers).toHaveLength(2);
      });
    });
  });
}

const redis = new RedisServer();
flooding(describeWithRedis, 'garbage on the channels and streams of Redis', BACKENDS.redis, async () => {
  const { url } = await redis.start();
  const nodes = await startPair(BACKENDS.redis, url);
  return { nodes, pour: await pourIntoRedis(url, BACKENDS.redis, nodes[0]) };
});
const postgres = new PostgresServer();
flooding(describeWithPostgres, 'garbage on the channels of PostgreSQL', BACKENDS.postgres, async () => {
  const { url } = await postgres.start();
  return { nodes: await startPair(BACKENDS.postgres, url), pour: await pourIntoPostgres(url) };
});
flooding(describe, "garbage from a worker of Node's cluster", BACKENDS.cluster, async () => {
  const { nodes } = await startWorkers(['a', 'b', 'c']);
  const [here, there, third] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  return { nodes: [here, there], pour: pourIntoCluster(third) };
});
