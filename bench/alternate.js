// Compares servers that run side by side, each with its own load: they take turns of a fraction of a second, so that what
// else the machine does meets all of them alike. Its ratios are two to three times as tight as those of bench/run.js, which
// starts new processes for each figure.
//
// node bench/alternate.js [options]
//   --only broadcast     one of the workloads below
//   --peers floor,ours   the first one is what the others are compared with
//   --rounds 20          turns of each
//   --against <git ref>  compare this tree with that commit, too
import { parseArgs } from 'node:util';
import { buildOf } from './against.js';
import { otherBuild, PEERS } from './peers.js';
import { pause, start } from './processes.js';
import { median, quotients, show, table } from './report.js';

const LOAD = new URL('./load.js', import.meta.url);
const broadcast = (clients, times, perTick) => ({
  clients,
  count: times * clients,
  async run({ server, load }) {
    await load.ask('expect', { messages: times * clients });
    await server.ask('broadcast', { times, perTick });
    await load.ask('received');
  },
});
const echo = (event, depth, messages, isRequest = false) => ({
  clients: 50,
  count: messages,
  run: ({ load }) => load.ask('echo', { event, depth, messages, isRequest }),
});
const WORKLOADS = {
  broadcast: broadcast(1_000, 60, 1),
  'broadcast to 100': broadcast(100, 500, 1),
  'twenty broadcasts a tick': broadcast(1_000, 400, 20),
  'echo, 1 in flight': echo('echo', 1, 15_000),
  'echo, 32 in flight': echo('echo', 32, 40_000),
  // no gateway takes it, but a listener of the client: what is left is Nest's context of a handler
  'listener, 1 in flight': { ...echo('listen', 1, 15_000), prepare: 'listen' },
  'listener, 32 in flight': { ...echo('listen', 32, 40_000), prepare: 'listen' },
  'request, 1 in flight': echo('ask', 1, 15_000, true),
  'guarded, 1 in flight': echo('guarded', 1, 15_000),
  'guarded, 32 in flight': echo('guarded', 32, 30_000),
};
const WARM_UP = 5;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'broadcast' },
    peers: { type: 'string', default: 'floor,ours,raw' },
    rounds: { type: 'string', default: '20' },
    against: { type: 'string' },
  },
});
const workload = WORKLOADS[values.only];
if (workload === undefined)
  throw new Error(`--only: unknown ${values.only}. Workloads: ${Object.keys(WORKLOADS).join(', ')}`);
const names = values.peers.split(',');
const peers = { ...PEERS };
if (values.against !== undefined) {
  peers[values.against] = otherBuild(buildOf(values.against));
  names.push(values.against);
}

async function open(name) {
  const { file, args, protocol } = peers[name];
  const [server, load] = [start(file, args), start(LOAD)];
  const port = await server.ask('port');
  await load.ask('connect', { port, clients: workload.clients, protocol });
  while ((await server.ask('clients')) < workload.clients) await pause(20);
  if (workload.prepare !== undefined) await server.ask(workload.prepare);
  return { name, server, load };
}

async function measure(sides) {
  const before = await sides.server.ask('cpu');
  await workload.run(sides);
  return ((await sides.server.ask('cpu')) - before) / workload.count;
}

const all = [];
try {
  for (const name of names) all.push(await open(name));
  for (const sides of all) for (let i = 0; i < WARM_UP; i++) await measure(sides);
  const label = 'server CPU µs';
  const rounds = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const figures = {};
    for (const sides of round % 2 === 0 ? all : all.toReversed())
      figures[sides.name] = { figures: { [label]: await measure(sides) } };
    rounds.push(figures);
  }
  const [reference] = names;
  const rows = names.map((name) => {
    const ratios = quotients(rounds, name, reference, label).toSorted((a, b) => a - b);
    const [low, high] = [0.25, 0.75].map((part) => ratios[Math.floor(ratios.length * part)]);
    const each = median(rounds.map((round) => round[name].figures[label]));
    return [name, show(each), show(median(ratios)), `${show(low)} .. ${show(high)}`];
  });
  console.log(table([values.only, label, `of ${reference}`, 'middle half'], rows));
} finally {
  await Promise.all(all.flatMap(({ server, load }) => [server.stop(), load.stop()]));
}
