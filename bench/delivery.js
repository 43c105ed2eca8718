// Measures what the history of rooms and `@Once()` cost: memory, commands of Redis, and server CPU. Also shows that a message
// that uses neither costs nothing more: each such row has two equal servers beside it, whose ratio is the noise.
//
// npm run bench:delivery -- [options]
//   --rounds 7         rounds of each CPU measurement
//   --only <text>      only rows whose name contains this text
//   --share 1          the share of the messages to send; less than 1 for a quick try
//   --profile <folder> write CPU profiles of the servers
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { startRedis } from './cluster/redis.js';
import {
  answers,
  broadcasts,
  commands,
  keyed,
  memory,
  posts,
  redisMemory,
  requests,
} from './delivery/workloads.js';
import { RATIO_HEAD, ratioRows, show, table } from './report.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', default: '' },
    share: { type: 'string', default: '1' },
    profile: { type: 'string' },
  },
});
const rounds = Number(values.rounds);

const MESSAGES = {
  'no history': { load: { room: 'room' } },
  'of other rooms': { history: 'memory', load: { room: 'room' } },
  memory: { history: 'memory', load: { room: 'kept:room' } },
  Redis: { history: 'redis', usesRedis: true, load: { room: 'kept:room' } },
  'no history, again': { load: { room: 'room' } },
};
const MESSAGE_RATIOS = [
  ['of other rooms', 'no history'],
  ['no history, again', 'no history'],
  ['memory', 'no history'],
  ['Redis', 'no history'],
];
const REQUESTS = {
  'no @Once': { load: { event: 'ask' } },
  'on another handler': { once: 'memory', load: { event: 'ask' } },
  'without a key': { once: 'memory', load: { event: 'once' } },
  memory: { once: 'memory', load: { event: 'once', key: 'new' } },
  Redis: { once: 'redis', usesRedis: true, load: { event: 'once', key: 'new' } },
  'no @Once, again': { load: { event: 'ask' } },
};
const REQUEST_RATIOS = Object.keys(REQUESTS)
  .slice(1)
  .map((name) => [name, 'no @Once']);

/** Each workload takes some seconds for each of its servers. */
const CPU = [
  ...[1, 20].map((perTick) => ({
    name: `broadcast to 10, ${perTick} a tick`,
    ratios: MESSAGE_RATIOS,
    run: broadcasts(MESSAGES, { clients: 10, perTick, slices: 20, count: 20_000, warmUp: 10_000 }),
  })),
  {
    name: 'broadcast to 100, 1 a tick',
    ratios: MESSAGE_RATIOS,
    run: broadcasts(MESSAGES, { clients: 100, perTick: 1, slices: 20, count: 4_000, warmUp: 2_000 }),
  },
  ...[32, 1].map((depth) => ({
    name: `request, 50 clients x ${depth} in flight`,
    ratios: REQUEST_RATIOS,
    run: requests(REQUESTS, { clients: 50, depth, slices: 20, count: 30_000, warmUp: 15_000 }),
  })),
];

const SIZES = [100, 1_000];
const COUNT = 50_000;
const MEMORY = SIZES.flatMap((bytes) => [
  [`${bytes} B, history in memory`, memory({ history: 'memory' }, { bytes, count: COUNT, prefix: 'kept:' })],
  [`${bytes} B, history in Redis`, redisMemory({ bytes, count: COUNT, prefix: 'kept:' })],
  [
    `${bytes} B, log of the recovery in memory`,
    memory({ recovery: true }, { bytes, count: COUNT, prefix: '' }),
  ],
  [`${bytes} B, answer that \`@Once\` keeps in memory`, answers({ bytes, count: COUNT })],
]);

const again = posts(() => 'the same key');
const COMMANDS = [
  ['a broadcast to a room without history', commands({ history: 'redis' }, 2_000, emits('room'))],
  ['a broadcast to a room with history', commands({ history: 'redis' }, 6_400, emits('kept:room'))],
  [
    'a join with `after`',
    commands(
      { history: 'redis' },
      1_000,
      ({ server }, times) => server.ask('enter', { times, room: 'kept:room' }),
      (sides) => emits('kept:room')(sides, 100),
    ),
  ],
  ['a request without a key', commands({ once: 'redis' }, 2_000, keyed(undefined))],
  ['a request with a key, first time', commands({ once: 'redis' }, 2_000, keyed('new'))],
  ['the same again', commands({ once: 'redis' }, 2_000, keyed('same'), (sides) => keyed('same')(sides, 1))],
  ['`POST` with an `Idempotency-Key`, first time', commands({ once: 'redis', httpApi: true }, 500, posts())],
  ['the same again', commands({ once: 'redis', httpApi: true }, 500, again, (sides) => again(sides, 1))],
];

function emits(room) {
  return ({ server }, times) => server.ask('broadcast', { times, perTick: 20, room });
}

const load = () =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
const isWanted = (name) => name.includes(values.only);
const optional = (value, format = show) => (value === undefined ? '' : format(value));

const redis = await startRedis();
if (redis === undefined) {
  console.log('redis-server was not found. Run apt-get install redis-server, or set REDIS_SERVER_PATH.');
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

try {
  const context = { redis, share: Number(values.share), profile: values.profile };
  const version = (name) => createRequire(import.meta.url)(`${name}/package.json`).version;
  console.log(
    `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, Nest ${version('@nestjs/core')}, ` +
      `ws ${version('ws')}, Redis ${(await redis.info()).version}, load average ${load()}\n`,
  );

  const stored = [];
  for (const [name, run] of MEMORY.filter((row) => isWanted(`memory: ${String(row[0])}`))) {
    const { heap, redis: inRedis, counted } = await run(context);
    stored.push([name, ...[heap, inRedis, counted].map((value) => optional(value, Math.round))]);
  }
  if (stored.length > 0)
    console.log(
      `${table(['a stored message', 'bytes of heap', 'bytes of Redis', 'counted for maxBytes'], stored)}\n`,
    );

  const counted = [];
  for (const [name, run] of COMMANDS.filter((row) => isWanted(`commands: ${String(row[0])}`))) {
    const { counts, cpu } = await run(context);
    const texts = counts.map(([command, count]) => `${command} ${Number(count.toFixed(3))}`);
    counted.push([name, texts.join(', ') || 'none', show(cpu)]);
  }
  if (counted.length > 0)
    console.log(`${table(['commands of Redis for', 'commands', 'Redis CPU µs'], counted)}\n`);

  const all = CPU.filter(({ name }) => isWanted(name));
  if (all.length > 0) console.log(table(RATIO_HEAD));
  for (const { name, ratios, run } of all) {
    const results = [];
    for (let round = 0; round < rounds; round++) {
      results.push(await run(context));
      console.error(`${name}: round ${round + 1} of ${rounds}, load average ${load()}`);
    }
    console.log(table(undefined, ratioRows(name, results, ratios)));
  }
  console.log(`\nload average ${load()}`);
} finally {
  await redis.stop();
}
