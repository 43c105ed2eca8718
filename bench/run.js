// Ours beside its peers, one workload after the other, all peers of a round in turn, each in fresh processes.
// npm run bench -- [--only <words of a workload's name>] [--rounds 5] [--share 1: of the messages] [--peers ours,raw,…]
//   [--against <git ref>: this tree beside that one] [--profile <folder>: CPU profiles of the servers] [--json <file>]
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { buildOf } from './against.js';
import { isThere, otherBuild, PEERS } from './peers.js';
import { asideRows, overview, RATIO_HEAD, ratioRows, table } from './report.js';
import { WORKLOADS } from './workloads.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    share: { type: 'string', default: '1' },
    peers: { type: 'string' },
    against: { type: 'string' },
    profile: { type: 'string' },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const peers = { ...PEERS };
if (values.against !== undefined) peers[values.against] = otherBuild(buildOf(values.against));
const wanted = values.peers?.split(',');
const unknown = wanted?.filter((name) => peers[name] === undefined) ?? [];
if (unknown.length > 0)
  throw new Error(`--peers: there is no ${unknown.join(', ')}; there are ${Object.keys(peers).join(', ')}`);
const flags = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });

const require = createRequire(import.meta.url);
const version = (name) => `${name} ${require(`${name}/package.json`).version}`;
const heading = [
  new Date().toISOString().slice(0, 10),
  `Node ${process.version}`,
  ...['ws', 'socket.io', '@nestjs/core'].map(version),
  `load average ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')}`,
];
if (!isThere('uWebSockets.js'))
  console.log('Without uWebSockets.js: npm install --no-save @trufflesuite/uws-js-unofficial\n');
console.log(`${heading.join(', ')}; medians of ${rounds} interleaved rounds\n`);

const asides = [];
const results = {};
for (const workload of WORKLOADS.filter(({ name }) => name.includes(values.only))) {
  const peersHere = (wanted ?? workload.peers).filter(isThere);
  const names = values.against === undefined ? peersHere : ['ours', values.against];
  const all = [];
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? names : names.toReversed();
    const figures = {};
    for (const name of order) {
      process.stderr.write(`${workload.name}: round ${round + 1}, ${name}            \r`);
      figures[name] = await workload.run(peers[name], Number(values.share), flags);
    }
    all.push(figures);
  }
  results[workload.name] = all;
  const pairs = names.filter((name) => name !== 'ours').map((name) => ['ours', name]);
  console.log(`${table(RATIO_HEAD, ratioRows(workload.name, all, pairs))}\n`);
  asides.push(...asideRows(workload.name, all));
}
console.log(table(['workload', 'peer', 'beside'], asides));
console.log(`\n${overview(results)}`);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ heading, results }, undefined, 1));
