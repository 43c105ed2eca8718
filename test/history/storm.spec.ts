import { roomHistory } from '../../lib/history/index.js';
import { Bus } from '../support/bus.js';
import { newSeed, Random } from '../support/random.js';
import { startNode } from './gateway.js';
import { SlowStore } from './slow-store.js';
import { storm, type Outcome } from './storm.js';

/** A longer run: ROUNDS=5000 npm test -- test/history/storm.spec.ts. A failure reports its seed for SEED=… */
const ROUNDS = Number(process.env['ROUNDS'] ?? 300);
/** Milliseconds for one run. Other processes share the machine. */
const TIMEOUT = Math.max(900_000, ROUNDS * 60);
const rooms = { 'chat:*': { size: 10_000 } };

const report = (where: string, outcome: Outcome): void =>
  void process.stderr.write(`history, ${where}: ${JSON.stringify(outcome)}\n`);

describe('clients that enter a room during a storm of broadcasts', () => {
  it(
    'receive each message once and in order, on one node in memory',
    async () => {
      const nodes = [await startNode({ history: roomHistory({ rooms }) })];
      report('in memory', await storm(nodes, newSeed(), ROUNDS));
    },
    TIMEOUT,
  );

  it(
    'receive each message once, those of each node in order, on two nodes with a slow store',
    async () => {
      const seed = newSeed();
      const store = new SlowStore(new Random(seed), 20);
      const bus = new Bus();
      const start = () =>
        startNode({ adapter: bus.adapter, history: roomHistory({ rooms, store: store.connect() }) });
      const nodes = [await start(), await start()];
      report('two nodes', await storm(nodes, seed, ROUNDS, () => store.settled()));
      await store.settled();
    },
    TIMEOUT,
  );
});
