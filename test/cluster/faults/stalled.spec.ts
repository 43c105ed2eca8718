import type { Broker } from '../../support/brokers/broker.js';
import { describeWithPostgres, PostgresServer } from '../../support/brokers/postgres.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { BACKENDS, type Backend } from './backends.js';
import { startPair, startWorkers, type ClusterNode } from './node-process.js';
import { outageCases } from './outage-cases.js';

function stalling(suite: jest.Describe, title: string, backends: readonly Backend[], broker: Broker): void {
  outageCases(suite, title, backends, async () => {
    await broker.start();
    const nodes = await startPair(backends, broker.url);
    return { nodes, fault: { start: () => broker.stall(), stop: () => broker.resume() } };
  });
}

stalling(describeWithRedis, 'Redis, stalled under load and resumed', BACKENDS.redis, new RedisServer());
stalling(
  describeWithPostgres,
  'PostgreSQL, stalled under load and resumed',
  BACKENDS.postgres,
  new PostgresServer(),
);
outageCases(
  describe,
  "the primary process of Node's cluster, stalled under load and resumed",
  BACKENDS.cluster,
  async () => {
    const { primary, nodes } = await startWorkers(['a', 'b']);
    const fault = { start: () => primary.signal('SIGSTOP'), stop: () => primary.signal('SIGCONT') };
    return { nodes: nodes as [ClusterNode, ClusterNode], fault };
  },
);
