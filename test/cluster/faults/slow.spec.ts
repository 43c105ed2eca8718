import type { Broker } from '../../support/brokers/broker.js';
import { describeWithPostgres, PostgresServer } from '../../support/brokers/postgres.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { FaultyNetwork } from '../../support/faulty-network.js';
import { BACKENDS, type Backend } from './backends.js';
import { startPair } from './node-process.js';
import { outages } from './outage-cases.js';

/** The added delay in each direction, in milliseconds. */
const DELAY = 50;
const LASTS = 3_000;
/** Milliseconds, the default of the adapters. With less, a busy machine loses nodes over a slow network. */
const HEARTBEAT_TIMEOUT = 10_000;
const networks: FaultyNetwork[] = [];
afterAll(() => networks.forEach((network) => network.close()));

function slowing(suite: jest.Describe, title: string, backends: readonly Backend[], broker: Broker): void {
  const setUp = async () => {
    await broker.start();
    const network = await FaultyNetwork.to(broker.port);
    networks.push(network);
    const url = broker.url.replace(`:${broker.port}`, `:${network.port}`);
    const nodes = await startPair(backends, url, { heartbeatTimeout: HEARTBEAT_TIMEOUT });
    const fault = { start: () => (network.delay = DELAY), stop: () => (network.delay = 0), lasts: LASTS };
    return { nodes, fault };
  };
  outages(suite, title, backends, setUp, (outcomeOf) => {
    describe.each(backends)('%s', (backend) => {
      it('does not delay messages to clients of the node itself', () => {
        const { disorder, localDelay, crossed } = outcomeOf(backend);
        expect(disorder).toEqual([]);
        // A message waits for its offset in the log: a round trip more than a message between nodes, at most.
        const hasRecovery = backend.includes('recovery');
        expect(localDelay.median).toBeLessThan(
          hasRecovery ? crossed.median + 2 * DELAY : crossed.median - DELAY,
        );
      });

      it('keeps the broker connected, and delivers every message late and once', () => {
        const { results, reports, lost, duplicated, crossed, sentMeanwhile, arrivedLate, standstill } =
          outcomeOf(backend);
        for (const { changes, log } of reports) {
          expect(changes.map(([state]) => state)).toEqual(['connected']);
          expect(log).toEqual([]);
        }
        for (const answers of [results.fetchSockets, results.emitWithAck])
          for (const answer of answers)
            expect(answer).toMatchObject({ answers: [expect.anything(), expect.anything()] });
        for (const answer of results.serverSideEmitWithAck) expect(answer).toMatchObject({ answers: ['b'] });
        expect([lost, duplicated]).toEqual([[], []]);
        expect(arrivedLate).toBe(sentMeanwhile);
        expect(crossed.median).toBeGreaterThanOrEqual(2 * DELAY - 5);
        expect(crossed.max).toBeLessThan(2_000 + standstill);
      });
    });
  });
}

slowing(describeWithRedis, `Redis, ${DELAY} ms away`, BACKENDS.redis, new RedisServer());
slowing(describeWithPostgres, `PostgreSQL, ${DELAY} ms away`, BACKENDS.postgres, new PostgresServer());
