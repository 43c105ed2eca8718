import type { Broker } from '../../support/brokers/broker.js';
import { describeWithPostgres, PostgresServer } from '../../support/brokers/postgres.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { startBeforeTests } from './begin.js';
import { BACKENDS, HEARTBEAT, type Backend } from './backends.js';
import { startNodes, startWorkers, type ClusterNode, type Report } from './node-process.js';
import { loseNodes, type Losses } from './lost-node.js';

type Three = [ClusterNode, ClusterNode, ClusterNode];

const NAMES = ['a', 'b', 'c'];
/** Time for a pending request and a busy machine, in milliseconds. */
const MARGIN = 4_000;
/** How long a client of the node itself may wait for a message on a busy machine, in milliseconds. */
const IN_TIME = 2_500;

/** Redis knows its subscribers immediately. The others count nodes by their heartbeats. */
const isNoticedImmediately = (backend: Backend): boolean => /classic|sharded/.test(backend);

const lastOf = (presence: Report['presence'], name: string): string | undefined =>
  presence.filter(([, key]) => key === name).at(-1)?.[0];

function losing(
  suite: jest.Describe,
  title: string,
  backends: readonly Backend[],
  setUp: () => Promise<Three>,
): void {
  const result = startBeforeTests(suite, async (): Promise<Record<string, Losses>> =>
    loseNodes(await setUp(), backends),
  );
  suite(title, () => {
    let losses: Record<string, Losses>;
    beforeAll(async () => {
      losses = await result();
      for (const backend of backends) {
        const { forgotten, presenceLeft, receivedAgain, returned, localDelay, paused } = losses[backend]!;
        const timedOut = paused.filter(({ error }) => error !== undefined).length;
        process.stderr.write(
          `${backend}: killed, not counted after ${forgotten} ms, not present after ${presenceLeft} ms; paused: ` +
            `${timedOut} of ${paused.length} requests timed out; received again after ${receivedAgain} ms, ` +
            `counted and present after ${returned} ms; local delivery ${localDelay.median}/${localDelay.max} ms\n`,
        );
      }
    });

    describe.each(backends)('%s', (backend) => {
      const bound = isNoticedImmediately(backend)
        ? MARGIN
        : HEARTBEAT.heartbeatTimeout + HEARTBEAT.heartbeatInterval + MARGIN;

      it('removes a killed node, and its clients in rooms and presence, in time', () => {
        const { forgotten, presenceLeft, meanwhile, reports, standstill } = losses[backend]!;
        expect(forgotten).toBeLessThan(bound + standstill);
        expect(presenceLeft).toBeLessThan(bound + MARGIN + standstill);
        for (const { time } of meanwhile) expect(time).toBeLessThan(IN_TIME + standstill);
        for (const { cluster } of reports) expect(cluster).toMatchObject({ state: 'connected', nodes: 2 });
        for (const { presence } of reports) expect(lastOf(presence, 'c')).toBe('leave');
      });

      it('ends requests while a node is paused, with the answers of the others', () => {
        const { paused, standstill } = losses[backend]!;
        expect(paused.length).toBeGreaterThan(2);
        for (const { answers, time } of paused) {
          expect(answers).toHaveLength(2);
          expect(time).toBeLessThan(IN_TIME + standstill);
        }
      });

      it('delivers everything to a node that was paused, when it continues', () => {
        const { numbers, reports } = losses[backend]!;
        // A pool has several connections.
        if (backend === 'postgres') numbers.sort((a, b) => a - b);
        const [first] = numbers as [number];
        expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => first + i));
        for (const { presence } of reports) expect(lastOf(presence, 'b')).toBe('join');
      });

      it('serves the clients of the node itself in time, in the order of the calls', () => {
        const { localDelay, disorder, standstill } = losses[backend]!;
        expect(disorder).toEqual([]);
        expect(localDelay.max).toBeLessThan(IN_TIME + standstill);
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
