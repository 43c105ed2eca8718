// Compares broadcasts across two nodes and one Redis: this package against Nest + Socket.IO with the same adapter
// package and the same broker. Rounds of both sides alternate, and the result is the median of the paired ratios.
//
// npm run bench:cluster -- [options]
//   --rounds 7         rounds of each workload
//   --only <text>      only workloads whose name contains this text
//   --share 1          the share of the broadcasts to send; less than 1 for a quick try
//   --profile <folder> write CPU profiles of all nodes
//   --against <file>   index.js of another build of this package, compared in place of Socket.IO
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { redisCapacity } from './cluster/capacity.js';
import { startRedis } from './cluster/redis.js';
import { CAPACITY_HEAD, capacityRow, SHARE_HEAD, shareRows } from './cluster/report.js';
import { RATIO_HEAD, ratioRows, table } from './report.js';
import { latency, messageOf, recipients, throughput } from './cluster/workloads.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', default: '' },
    share: { type: 'string', default: '1' },
    profile: { type: 'string' },
    against: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
/** The adapters, and their packages. Redis alone is measured for the first and the last. */
const BROKERS = { classic: 'redis-adapter', sharded: 'redis-adapter', streams: 'redis-streams-adapter' };

const build = values.against && pathToFileURL(values.against).href;
const other = build === undefined ? 'Socket.IO' : 'other';
const peer = build === undefined ? { side: 'socket.io' } : { side: 'ours', build };
const sides = (broker) => ({ ours: { side: 'ours', broker }, [other]: { ...peer, broker } });
const OURS_TO_OTHER = [['ours', other]];
const protocol = 'envelope.v1';
const RECOVERY = {
  'ours, recovery': { side: 'ours', broker: 'streams', recovery: 'recovery', protocol },
  'Socket.IO, recovery': { side: 'socket.io', broker: 'streams', recovery: 'recovery' },
  ours: { side: 'ours', broker: 'streams', protocol },
  'Socket.IO': { side: 'socket.io', broker: 'streams' },
};

/**
 * `clients` is the number of clients per node, `window` the number of broadcasts in flight. Each load takes some
 * seconds.
 */
const LOADS = [
  { clients: 100, window: 1, warmUp: 800, times: 1_000 },
  { clients: 100, window: 32, warmUp: 1_500, times: 2_000 },
  { clients: 500, window: 1, warmUp: 300, times: 300 },
  { clients: 500, window: 32, warmUp: 500, times: 500 },
];

/** `rate` is broadcasts per second, far below the capacity of the nodes. */
const PACES = [
  { clients: 10, rate: 200, warmUp: 400, times: 800 },
  { clients: 100, rate: 50, warmUp: 150, times: 300 },
  { clients: 500, rate: 20, warmUp: 60, times: 160 },
];

const WORKLOADS = [
  ...Object.keys(BROKERS).flatMap((broker) => [
    ...LOADS.map((load) => ({
      name: `throughput, ${broker}, ${load.clients} clients a node, ${load.window} under way`,
      variants: sides(broker),
      ratios: OURS_TO_OTHER,
      ...throughput(load),
    })),
    ...PACES.map((pace) => ({
      name: `latency, ${broker}, ${pace.clients} clients a node, ${pace.rate} a second`,
      variants: sides(broker),
      ratios: OURS_TO_OTHER,
      ...latency(pace),
    })),
    {
      name: `recipients, ${broker}, 500 broadcasts a second`,
      variants: sides(broker),
      ratios: OURS_TO_OTHER,
      ...recipients({ counts: [0, 1, 100], rate: 500, warmUp: 600, times: 1_000 }),
    },
  ]),
  ...LOADS.filter(({ clients }) => clients === 100).map((load) => ({
    name: `recovery, streams, ${load.clients} clients a node, ${load.window} under way`,
    variants: RECOVERY,
    ratios: [
      ['ours, recovery', 'Socket.IO, recovery'],
      ['ours, recovery', 'ours'],
      ['Socket.IO, recovery', 'Socket.IO'],
    ],
    ...throughput(load),
  })),
].filter(({ name }) => name.includes(values.only));

const require = createRequire(import.meta.resolve('@nestjs/platform-socket.io'));
const version = (name) => require(`${name}/package.json`).version;
const load = () =>
  loadavg()
    .map((value) => value.toFixed(2))
    .join(' ');

/** Alternates the order, so that no variant always runs first: a b, b a, b a, a b. */
function order(names, round) {
  const first = Math.floor(round / 2) % names.length;
  const rotated = [...names.slice(first), ...names.slice(0, first)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}

async function measure(context, { name, variants, ratios, run }) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    const result = {};
    for (const variant of order(Object.keys(variants), round))
      result[variant] = await run(context, variants[variant]);
    results.push(result);
    console.error(`${name}: round ${round + 1} of ${rounds}, load average ${load()}`);
  }
  return { ratios: ratioRows(name, results, ratios), shares: shareRows(name, results) };
}

async function measureRedis(context) {
  const rows = [];
  for (const broker of ['classic', 'streams']) {
    const message = await messageOf(context, broker);
    for (const [nodes, atOnce] of [1, 2, 4, 8].flatMap((nodes) =>
      [1, 100].map((atOnce) => [nodes, atOnce]),
    )) {
      const times = Math.ceil(((atOnce === 1 ? 20_000 : 200_000) * context.share) / nodes);
      const all = [];
      for (let round = 0; round < rounds; round++)
        all.push(await redisCapacity(context.redis, { message, broker, nodes, atOnce, times }));
      rows.push(capacityRow([broker, nodes, atOnce], all));
    }
  }
  return rows;
}

const redis = await startRedis();
if (redis === undefined) {
  console.log('redis-server was not found. Run apt-get install redis-server, or set REDIS_SERVER_PATH.');
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

try {
  const context = { redis, share: Number(values.share), profile: values.profile };
  const { version: redisVersion } = await redis.info();
  const packages = [
    'socket.io',
    'socket.io-adapter',
    ...[...new Set(Object.values(BROKERS))].map((name) => `@socket.io/${name}`),
    'redis',
  ];
  console.log(
    `Node ${process.version}, Redis ${redisVersion}, ` +
      `${packages.map((name) => `${name} ${version(name)}`).join(', ')}, load average ${load()}\n`,
  );
  const shares = [];
  if (WORKLOADS.length > 0) console.log(table(RATIO_HEAD));
  for (const workload of WORKLOADS) {
    const measured = await measure(context, workload);
    console.log(table(undefined, measured.ratios));
    shares.push(...measured.shares);
  }
  if (shares.length > 0) console.log(`\n${table(SHARE_HEAD, shares)}`);
  if ('redis alone'.includes(values.only))
    console.log(`\n${table(CAPACITY_HEAD, await measureRedis(context))}`);
  console.log(`\nload average ${load()}`);
} finally {
  await redis.stop();
}
