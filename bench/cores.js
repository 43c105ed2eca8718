// Compares one process with two workers of Node's cluster and @socket.io/cluster-adapter. The machine also runs the load, so
// the figure is CPU time: the time of the busiest worker per message says how many messages the workers can handle, where
// each has a core of its own.
//
// node bench/cores.js [--only <text>] [--rounds 5] [--share 1], after npm run build.
// A share below 0.4 measures functions that are not compiled yet.
import { parseArgs } from 'node:util';
import { pause, start } from './processes.js';
import { RATIO_HEAD, ratioRows, table } from './report.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    share: { type: 'string', default: '1' },
  },
});
const [rounds, share] = [Number(values.rounds), Number(values.share)];
const VARIANTS = { 'one process': 1, 'two workers': 2 };

async function withServer(workers, clients, run) {
  const server = start(new URL('./cores/server.js', import.meta.url), [String(workers)]);
  const load = start(new URL('./load.js', import.meta.url));
  try {
    const port = await server.ask('port');
    await load.ask('connect', { port, clients, protocol: 'envelope' });
    const connected = async () => (await server.ask('clients')).reduce((sum, count) => sum + count, 0);
    while ((await connected()) < clients) await pause(20);
    return await run(server, load);
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

/** Returns the CPU time of the busiest worker and of all processes, in microseconds for each of `count` messages. */
async function costs(server, count, run) {
  const before = await server.ask('cpu');
  await run();
  const used = (await server.ask('cpu')).map((cpu, index) => cpu - before[index]);
  const sum = used.reduce((total, cpu) => total + cpu, 0);
  const figures = {
    'busiest process: CPU µs per message': Math.max(...used) / count,
    'all processes: CPU µs per message': sum / count,
  };
  return { figures };
}

const fanOut = (clients, perTick, times) => (workers) =>
  withServer(workers, clients, async (server, load) => {
    const run = async (count) => {
      await load.ask('expect', { messages: count * clients });
      await server.ask('broadcast', { times: count, perTick });
      await load.ask('received');
    };
    const count = Math.ceil(times * share);
    await run(Math.ceil(count / 2));
    return costs(server, count * clients, () => run(count));
  });

const echo = (clients, depth, messages) => (workers) =>
  withServer(workers, clients, async (server, load) => {
    const count = Math.ceil(messages * share);
    const run = (part) => load.ask('echo', { event: 'echo', depth, messages: Math.ceil(count * part) });
    await run(0.5);
    return costs(server, count, () => run(1));
  });

const WORKLOADS = {
  'echo, 50 clients, 32 in flight': echo(50, 32, 200_000),
  'broadcasts of one worker to 1,000 clients, one a tick': fanOut(1_000, 1, 300),
  'broadcasts of one worker to 1,000 clients, 20 a tick': fanOut(1_000, 20, 4_000),
  'broadcasts of one worker to 20 clients, one a tick': fanOut(20, 1, 10_000),
};

console.log(table(RATIO_HEAD));
for (const [name, run] of Object.entries(WORKLOADS)) {
  if (!name.includes(values.only)) continue;
  const results = [];
  for (let round = 0; round < rounds; round++) {
    const result = {};
    const order = Object.entries(VARIANTS);
    for (const [variant, workers] of round % 2 === 0 ? order : order.toReversed()) {
      process.stderr.write(`${name}: round ${round + 1}, ${variant}            \r`);
      result[variant] = await run(workers);
    }
    results.push(result);
  }
  console.log(table(undefined, ratioRows(name, results, [['two workers', 'one process']])));
}
