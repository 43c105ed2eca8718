// What the limits cost: server CPU per message with every check at work against none, interleaved, median of the paired
// ratios. npm run build && node bench/limits.js [rounds] [other build to compare with instead]
import { fork } from 'node:child_process';
import { once } from 'node:events';

const [, , rounds = '7', other] = process.argv;

function start(file, ...args) {
  const child = fork(new URL(file, import.meta.url), args);
  const ask = async (command, options) => {
    child.send({ command, ...options });
    for (;;) {
      const [answer] = await once(child, 'message');
      if (answer.command === command) return answer.result;
    }
  };
  return { child, ask, ready: once(child, 'message') };
}

const WORKLOADS = {
  'echo, 50 clients x 32 in flight': { clients: 50, depth: 32, messages: 200_000 },
  'echo, 50 clients x 1 in flight': { clients: 50, depth: 1, messages: 60_000 },
  'fan-out to 1,000, one broadcast a tick': { clients: 1_000, broadcasts: 200 },
};

async function measure(variant, { clients, depth, messages, broadcasts }) {
  const server = start('./server.js', ...variant);
  const load = start('./load.js');
  await Promise.all([server.ready, load.ready]);
  const port = await server.ask('port');
  await load.ask('connect', { port, clients });
  const run = async (share) => {
    if (depth !== undefined) return load.ask('echo', { messages: messages * share, depth });
    const times = broadcasts * share;
    await load.ask('expect', { messages: times * clients });
    await server.ask('broadcast', { times });
    await load.ask('received');
  };
  await run(0.5); // the compiler's share
  const before = await server.ask('cpu');
  await run(1);
  const after = await server.ask('cpu');
  server.child.kill();
  load.child.kill();
  const micros = after.user + after.system - before.user - before.system;
  return micros / (messages ?? broadcasts * clients);
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const on = ['on'];
const off = other === undefined ? ['off'] : ['on', other];

for (const [name, workload] of Object.entries(WORKLOADS)) {
  const pairs = [];
  for (let round = 0; round < Number(rounds); round++) {
    const order = round % 2 === 0 ? [on, off] : [off, on];
    const figures = new Map();
    for (const variant of order) figures.set(variant, await measure(variant, workload));
    pairs.push([figures.get(on), figures.get(off)]);
  }
  const ratios = pairs.map(([a, b]) => a / b);
  const show = (value) => value.toFixed(3);
  console.log(
    `${name}: ratio ${show(median(ratios))} (${show(Math.min(...ratios))} to ${show(Math.max(...ratios))}), ` +
      `${show(median(pairs.map(([a]) => a)))} against ${show(median(pairs.map(([, b]) => b)))} µs of server CPU a message`,
  );
}
