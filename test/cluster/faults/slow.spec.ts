import type { Broker } from '../../support/brokers/broker.js';
import { describeWithPostgres, PostgresServer } from '../../support/brokers/postgres.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { FaultyNetwork } from '../../support/faulty-network.js';
import { BACKENDS, type Backend } from './backends.js';
import { startPair } from './node-process.js';
import { outages } from './outage-cases.js';

/** Milliseconds, there and back again. */
const DELAY = 50;
const LASTS = 3_000;
/** Milliseconds: the adapters' own. With less, a busy machine makes a slow line one on which nodes are lost. */
const HEARTBEAT_TIMEOUT = 10_000;
const lines: FaultyNetwork[] = [];
afterAll(() => lines.forEach((line) => line.close()));

function slowing(suite: jest.Describe, title: string, backends: readonly Backend[], broker: Broker): void {
  const setUp = async () => {
    await broker.start();
    const line = await FaultyNetwork.to(broker.port);
    lines.push(line);
    const url = broker.url.replace(`:${broker.port}`, `:${line.port}`);
    const nodes = await startPair(backends, url, { heartbeatTimeout: HEARTBEAT_TIMEOUT });
    const fault = { begin: () => (line.delay = DELAY), end: () => (line.delay = 0), lasts: LASTS };
    return { nodes, fault };
  };
  outages(suite, title, backends, setUp, (outcomeOf) => {
    describe.each(backends)('%s', (backend) => {
      it('does not slow down what goes to clients of the node itself', () => {
        const { disorder, waited, crossed } = outcomeOf(backend);
        expect(disorder).toEqual([]);
        // a message gets its place in the log there and back again
        const isKept = backend.includes('recovery');
        expect(waited.median).toBeLessThan(isKept ? crossed.median + DELAY : crossed.median - DELAY);
      });

      it('is there, and all that goes through it comes, late and once', () => {
        const { asked, reports, lost, doubled, crossed, sentMeanwhile, cameLate } = outcomeOf(backend);
        for (const { changes, log } of reports) {
          expect(changes.map(([state]) => state)).toEqual(['connected']);
          expect(log).toEqual([]);
        }
        for (const answers of [asked.fetchSockets, asked.emitWithAck])
          for (const answer of answers)
            expect(answer).toMatchObject({ answers: [expect.anything(), expect.anything()] });
        for (const answer of asked.serverSideEmitWithAck) expect(answer).toMatchObject({ answers: ['b'] });
        expect([lost, doubled]).toEqual([[], []]);
        expect(cameLate).toBe(sentMeanwhile);
        expect(crossed.median).toBeGreaterThanOrEqual(2 * DELAY - 5);
        expect(crossed.max).toBeLessThan(2_000);
      });
    });
  });
}

slowing(describeWithRedis, `Redis, ${DELAY} ms away`, BACKENDS.redis, new RedisServer());
slowing(describeWithPostgres, `PostgreSQL, ${DELAY} ms away`, BACKENDS.postgres, new PostgresServer());
