import { describeWithRedis } from '../support/brokers/redis.js';
import { newSeed, Random } from '../support/random.js';
import { EnvelopeSubject, type Cluster } from './envelope-subject.js';
import { Report } from './report.js';
import { play } from './run.js';
import { FAULTS, scheduleOf, type ScheduleOptions } from './schedule.js';

/** Of each cluster, with `npm run soak:delivery`. */
const RUNS = Number(process.env['DELIVERY_RUNS'] ?? 1);
const IS_LONG = process.env['DELIVERY_RUNS'] !== undefined;
/** Milliseconds for all runs of a cluster. */
const TIMEOUT = 900_000 + RUNS * 60_000;

const CLUSTERS: readonly Cluster[] = [
  { adapter: 'streams', library: 'ioredis' },
  { adapter: 'streams', library: 'redis' },
  { adapter: 'classic', library: 'ioredis' },
  { adapter: 'classic', library: 'redis' },
];
const chosen = process.env['DELIVERY_CLUSTER'];
const nameOf = ({ adapter, library }: Cluster): string => `${adapter}, ${library}`;
const clusters = CLUSTERS.filter((cluster) =>
  chosen === undefined ? IS_LONG || cluster === CLUSTERS[0] : nameOf(cluster).startsWith(chosen),
);
/**
 * Without partitions in the short form: ioredis writes a message to the stream once more when its connection is lost during the
 * command, and clients of other nodes then get it twice.
 */
const SHORT: ScheduleOptions = { steps: 60, nodes: 2, faults: FAULTS.filter((kind) => kind !== 'partition') };
const options = IS_LONG || process.env['SEED'] !== undefined ? {} : SHORT;

describeWithRedis.each(clusters.map((cluster) => [nameOf(cluster), cluster] as const))(
  'history, delivery and presence in a cluster that fails: %s',
  (name, cluster) => {
    const subject = new EnvelopeSubject(cluster);
    afterAll(() => subject.close());

    it(
      'lose nothing in silence, and repeat nothing',
      async () => {
        const report = new Report(`${name} adapter`);
        const seeds = new Random(newSeed());
        for (let run = 0; run < RUNS; run++) {
          const seed = run === 0 && process.env['SEED'] !== undefined ? newSeed() : seeds.below(2 ** 31);
          const command = `SEED=${seed} DELIVERY_CLUSTER='${name}' npm test -- test/delivery/delivery.spec.ts --selectProjects nest-12-express`;
          const isGood = await report.add(command, () => play(subject, scheduleOf(seed, options)), IS_LONG);
          if (!isGood) await subject.renew();
        }
        report.print();
        report.assert();
      },
      TIMEOUT,
    );
  },
);
