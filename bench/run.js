// Compares this package with its peers, one workload after the other. Each round runs all peers in turn, each in new
// processes.
//
// npm run bench -- [options]
//   --only <text>       only workloads whose name contains this text
//   --rounds 5          rounds of each workload
//   --share 1           the share of the messages to send; less than 1 for a quick try
//   --peers ours,raw,…  only these peers
//   --against <git ref> compare this tree with that commit
//   --profile <folder>  write CPU profiles of the servers
//   --json <file>       write the results
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { buildOf } from './against.js';
import { measureRounds } from './measure.js';
import { hasSocketIO, isInstalled, otherBuild, PEERS } from './peers.js';
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
  throw new Error(`--peers: unknown ${unknown.join(', ')}. Known peers: ${Object.keys(peers).join(', ')}`);
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
const absent = Object.keys(PEERS).filter((name) => !isInstalled(name));
if (absent.length > 0)
  console.log(
    `Not installed, and not measured: ${absent.join(', ')}. To add them: node bench/peers/install.js\n`,
  );
console.log(`${heading.join(', ')}; medians of ${rounds} interleaved rounds\n`);

if (!hasSocketIO)
  console.log('This build has no entry for clients of Socket.IO: its workloads are left out.\n');

const asides = [];
const results = {};
const chosen = WORKLOADS.filter(
  ({ name, needsSocketIO }) => name.includes(values.only) && (hasSocketIO || !needsSocketIO),
);
for (const workload of chosen) {
  // other peers do not speak Socket.IO
  const able = workload.needsSocketIO
    ? workload.peers.filter((name) => wanted?.includes(name) !== false)
    : (wanted ?? workload.peers);
  const installed = able.filter(isInstalled);
  if (installed.length < 2 && values.against === undefined) continue;
  const names = values.against === undefined ? installed : ['ours', values.against];
  const all = await measureRounds(workload, Object.fromEntries(names.map((name) => [name, peers[name]])), {
    ...{ rounds, share: Number(values.share), flags },
  });
  results[workload.name] = all;
  const pairs = names.filter((name) => name !== 'ours').map((name) => ['ours', name]);
  pairs.push(...(workload.pairs ?? []).filter((pair) => pair.every((name) => names.includes(name))));
  console.log(`${table(RATIO_HEAD, ratioRows(workload.name, all, pairs))}\n`);
  asides.push(...asideRows(workload.name, all));
}
console.log(table(['workload', 'peer', 'other figures'], asides));
console.log(`\n${overview(results)}`);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ heading, results }, undefined, 1));
