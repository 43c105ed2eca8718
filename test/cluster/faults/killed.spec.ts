import type { Broker } from '../../support/brokers/broker.js';
import { describeWithPostgres, PostgresServer } from '../../support/brokers/postgres.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { until } from '../../support/wait.js';
import { BACKENDS, type Backend } from './backends.js';
import { startPair, startWorkers } from './node-process.js';
import { outageCases } from './outage-cases.js';

function killing(suite: jest.Describe, title: string, backends: readonly Backend[], broker: Broker): void {
  outageCases(suite, title, backends, async () => {
    await broker.start();
    const nodes = await startPair(backends, broker.url);
    return { nodes, fault: { start: () => broker.kill(), stop: () => broker.start() } };
  });
}

killing(describeWithRedis, 'Redis, killed under load and started again', BACKENDS.redis, new RedisServer());
killing(
  describeWithPostgres,
  'PostgreSQL, killed under load and started again',
  BACKENDS.postgres,
  new PostgresServer(),
);

describe("the primary process of Node's cluster", () => {
  it('stops its workers when it is killed', async () => {
    const { primary, nodes } = await startWorkers(['a', 'b']);
    const client = await nodes[0]!.join('cluster');
    await primary.kill();
    await until('the end of the workers', () => nodes.every(({ isRunning }) => !isRunning));
    await until('the end of the connection', () => client.closed === 1006);
  });
});
