import type { Broker } from '../../support/brokers/broker.js';
import { describeWithPostgres, PostgresServer } from '../../support/brokers/postgres.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { begin } from './begin.js';
import { BACKENDS, HEARTBEAT, type Backend } from './backends.js';
import { startNodes, startWorkers, type ClusterNode, type Report } from './node-process.js';
import { ALL_OF_IT, lose, type Losses } from './lost-node.js';

type Three = [ClusterNode, ClusterNode, ClusterNode];

const NAMES = ['a', 'b', 'c'];
/** Milliseconds: a question that was under way, and some for a busy machine. */
const SPARE = 4_000;
/** That a client of the node itself may wait for a message, if the machine is busy. */
const IN_TIME = 2_500;

/** Redis knows at once who listens; others count nodes by their heartbeats. */
const isMissedAtOnce = (backend: Backend): boolean => /classic|sharded/.test(backend);

const lastOf = (presence: Report['presence'], name: string): string | undefined =>
  presence.filter(([, key]) => key === name).at(-1)?.[0];

function losing(
  suite: jest.Describe,
  title: string,
  backends: readonly Backend[],
  setUp: () => Promise<Three>,
): void {
  const result = begin(suite, async (): Promise<Record<string, Losses>> => lose(await setUp(), backends));
  suite(title, () => {
    let losses: Record<string, Losses>;
    beforeAll(async () => {
      losses = await result();
      for (const backend of backends) {
        const { forgotten, left, heardAgain, returned, waited, paused } = losses[backend]!;
        const ended = paused.filter(({ error }) => error !== undefined).length;
        process.stderr.write(
          `${backend}: killed, not counted after ${forgotten} ms, not present after ${left} ms; stood still: ` +
            `${ended} of ${paused.length} questions ended by their time; heard again after ${heardAgain} ms, ` +
            `counted and present after ${returned} ms; local delivery ${waited.median}/${waited.max} ms\n`,
        );
      }
    }, ALL_OF_IT);

    describe.each(backends)('%s', (backend) => {
      const bound = isMissedAtOnce(backend)
        ? SPARE
        : HEARTBEAT.heartbeatTimeout + HEARTBEAT.heartbeatInterval + SPARE;

      it('misses a node that is killed within the bound, and its clients in rooms and presence', () => {
        const { forgotten, left, meanwhile, reports } = losses[backend]!;
        expect(forgotten).toBeLessThan(bound);
        expect(left).toBeLessThan(bound + SPARE);
        for (const { time } of meanwhile) expect(time).toBeLessThan(IN_TIME);
        for (const { cluster } of reports) expect(cluster).toMatchObject({ state: 'connected', nodes: 2 });
        for (const { presence } of reports) expect(lastOf(presence, 'c')).toBe('leave');
      });

      it('ends what is asked while a node stands still, with what the others answer', () => {
        const { paused } = losses[backend]!;
        expect(paused.length).toBeGreaterThan(2);
        for (const { answers, time } of paused) {
          expect(answers).toHaveLength(2);
          expect(time).toBeLessThan(IN_TIME);
        }
      });

      it('has a node that stood still back, with all that was sent to it meanwhile', () => {
        const { numbers, reports } = losses[backend]!;
        // a pool has many lines
        if (backend === 'postgres') numbers.sort((a, b) => a - b);
        const [first] = numbers as [number];
        expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => first + i));
        for (const { presence } of reports) expect(lastOf(presence, 'b')).toBe('join');
      });

      it("serves the node's own clients in time, in the order of the calls", () => {
        const { waited, disorder } = losses[backend]!;
        expect(disorder).toEqual([]);
        expect(waited.max).toBeLessThan(IN_TIME);
      });
    });
  });
}

const startThree = async (backends: readonly Backend[], broker: Broker): Promise<Three> => {
  const { url } = await broker.start();
  return (await startNodes(NAMES, backends, url)) as Three;
};
const redis = new RedisServer();
const postgres = new PostgresServer();
losing(describeWithRedis, 'a node behind Redis', BACKENDS.redis, () => startThree(BACKENDS.redis, redis));
losing(describeWithPostgres, 'a node behind PostgreSQL', BACKENDS.postgres, () =>
  startThree(BACKENDS.postgres, postgres),
);
losing(
  describe,
  "a worker of Node's cluster",
  BACKENDS.cluster,
  async () => (await startWorkers(NAMES)).nodes as Three,
);
