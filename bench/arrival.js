// Measures what a broadcast of another node costs a node that has no client in its room, with Redis: a client of Redis alone,
// this package and Socket.IO, each in new processes in turn. Another process sends the bytes that a real node sends.
//
// node bench/arrival.js [--rounds 3] [--seconds 2] [--only classic], after npm run build
import { parseArgs } from 'node:util';
import { startRedis } from './cluster/redis.js';
import { messageOf } from './cluster/workloads.js';
import { pause, start } from './processes.js';
import { median, show, table } from './report.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
  },
});
const NODE = new URL('./cluster/node.js', import.meta.url);
const ALONE = new URL('./cluster/client-alone.js', import.meta.url);
const SIDES = {
  'a client of Redis': (broker, port) => start(ALONE, [broker, port]),
  ours: (broker, port) => start(NODE, ['ours', broker, '-', port]),
  'Socket.IO': (broker, port) => start(NODE, ['socket.io', broker, '-', port]),
};
/** Broadcasts per second, and how many of them arrive together. */
const RATES = [
  { rate: 500, together: 1 },
  { rate: 5_000, together: 50 },
];

const redis = await startRedis();
if (redis === undefined) {
  console.log('redis-server was not found. Run apt-get install redis-server, or set REDIS_SERVER_PATH.');
  process.exit(1);
}

const senders = {
  classic: ({ channel, payload }) => redis.client.publish(channel, payload),
  streams: ({ fields }) => redis.client.xAdd('socket.io', '*', fields),
};

async function send(broker, message, { rate, together }, seconds) {
  const count = Math.ceil((rate * seconds) / together);
  const begin = performance.now();
  for (let i = 0; i < count; i++) {
    await Promise.all(Array.from({ length: together }, () => senders[broker](message)));
    await pause(Math.max(0, begin + ((i + 1) * 1_000 * together) / rate - performance.now()));
  }
  await pause(200);
  return count * together;
}

async function measure(broker, side, message, pace) {
  await redis.clear();
  const child = SIDES[side](broker, String(redis.port));
  try {
    await child.ask('port');
    const seconds = Number(values.seconds);
    await send(broker, message, pace, seconds / 2);
    const before = await child.ask('cpu');
    const count = await send(broker, message, pace, seconds);
    return ((await child.ask('cpu')) - before) / count;
  } finally {
    await child.stop();
  }
}

try {
  const rows = [];
  for (const broker of ['classic', 'streams'].filter((name) => name.includes(values.only))) {
    const own = await messageOf({ redis }, broker);
    const theirs = await messageOf({ redis }, broker, 'socket.io');
    for (const pace of RATES) {
      const results = {};
      for (let round = 0; round < Number(values.rounds); round++)
        for (const side of Object.keys(SIDES))
          (results[side] ??= []).push(await measure(broker, side, side === 'Socket.IO' ? theirs : own, pace));
      const cells = Object.values(results).map(
        (all) => `${show(median(all))} (${show(Math.min(...all))} .. ${show(Math.max(...all))})`,
      );
      rows.push([broker, pace.rate, ...cells]);
    }
  }
  console.log(table(['adapter', 'a second', ...Object.keys(SIDES).map((side) => `${side}: CPU µs`)], rows));
} finally {
  await redis.stop();
}
