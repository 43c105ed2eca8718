// Measures what the planner of docs/capacity/ counts with, and writes it to docs/capacity/costs.json: npm run bench:capacity
//   --rounds 3         rounds of each figure; the median counts
//   --out <file>       where to write, docs/capacity/costs.json unless given
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { redisCapacity } from './cluster/capacity.js';
import { startRedis } from './cluster/redis.js';
import { messageOf } from './cluster/workloads.js';
import { idleMemory, PANELS } from './growth/panels.js';
import { median } from './report.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    out: { type: 'string', default: 'docs/capacity/costs.json' },
  },
});
const rounds = Number(values.rounds);
const round = (value) => Number(value.toPrecision(2));

async function repeated(name, run) {
  const all = [];
  for (let i = 0; i < rounds; i++) {
    process.stderr.write(`${name}: round ${i + 1} of ${rounds}          \r`);
    all.push(await run());
  }
  return median(all);
}

/** A point of a curve of bench/growth.js. */
const point = (title, series, at) =>
  repeated(`${title}, ${series}`, () => PANELS.find((panel) => panel.title === title).series[series](at));

/** What one server process spends on its clients, in microseconds of CPU and in bytes. */
async function serverCosts(series, program) {
  return {
    connect: round(await point('A storm of clients that connect', series, 2_000)),
    disconnect: round(await point('A storm of clients that disconnect', series, 2_000)),
    // the panel has microseconds per kB; its message has 100 characters
    message: round((await point('An echo, by the size of the message', series, 100)) / 10),
    delivery: round(await point('A broadcast to everybody, by clients', series, 5_000)),
    bytes: round(await repeated(`memory, ${series}`, () => idleMemory(program)(8_000))),
  };
}

/** The line through two points: what a broadcast costs, and what each node that receives it costs. */
function line([few, many], costs) {
  const each = (costs[1] - costs[0]) / (many - few);
  return { broadcast: round(costs[0] - each * few), node: round(each) };
}

/** Microseconds of CPU of Redis for a broadcast, where many arrive together. */
async function redisCosts(context, broker, message) {
  const nodes = [1, 8];
  const costs = [];
  for (const count of nodes)
    costs.push(
      await repeated(`Redis, ${broker}, ${count} nodes`, async () => {
        const load = { message, broker, nodes: count, atOnce: 100, times: Math.ceil(100_000 / count) };
        return (await redisCapacity(context.redis, load)).cpu;
      }),
    );
  return line(nodes, costs);
}

const redis = await startRedis();
if (redis === undefined) {
  console.log('redis-server was not found. Run apt-get install redis-server, or set REDIS_SERVER_PATH.');
  process.exit(1);
}
try {
  const context = { redis };
  const published = await messageOf(context, 'classic');
  const added = await messageOf(context, 'streams');
  const before = JSON.parse(readFileSync(values.out, 'utf8'));
  const costs = {
    measured: {
      date: new Date().toISOString().slice(0, 10),
      node: process.version,
      redis: (await redis.info()).version,
      processor: cpus()[0].model,
      rounds,
      command: 'npm run bench:capacity',
    },
    plain: await serverCosts('Express', {}),
    tls: await serverCosts('TLS', { secure: true }),
    redis: {
      classic: await redisCosts(context, 'classic', published),
      sharded: await redisCosts(context, 'sharded', published),
      streams: await redisCosts(context, 'streams', added),
    },
    // from npm run bench:cluster and node bench/unaddressed.js
    receive: before.receive,
  };
  writeFileSync(values.out, `${JSON.stringify(costs, undefined, 2)}\n`);
  console.log(JSON.stringify(costs, undefined, 2), `\nload average ${loadavg()[0].toFixed(1)}`);
} finally {
  await redis.stop();
}
