// Measures everything that docs/performance.md shows, and writes that page, docs/bench.svg and docs/growth.svg:
// npm run bench:page -- [options]
//   --minutes 24     no further round begins when it would end later than this
//   --json <file>    also write the results
//   --from <file>    write the page and the chart of the results of an earlier run, and measure nothing
//   --no-growth      leave docs/growth.svg as it is
//   --no-install     do not install the servers of bench/peers/
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { drawBench } from './page/chart.js';
import { measureRows } from './page/measure.js';
import { LEAST, ROWS } from './page/rows.js';
import { measuredText, replaceMeasured } from './page/text.js';
import { isInstalled, PEERS } from './peers.js';
import { install } from './peers/install.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '24' },
    json: { type: 'string' },
    from: { type: 'string' },
    'no-growth': { type: 'boolean', default: false },
    'no-install': { type: 'boolean', default: false },
  },
});
const root = join(import.meta.dirname, '..');
const until = performance.now() + Number(values.minutes) * 60_000;

function machine() {
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg().map((value) => value.toFixed(1));
  return `${processors.length} cores (${processors[0].model}), ${memory} GB, load average before ${load.join(' ')}`;
}

function versions() {
  const require = createRequire(import.meta.url);
  const of = (from) => (name) => `${name} ${from(`${name}/package.json`).version}`;
  const own = JSON.parse(readFileSync(join(root, 'bench/peers/package.json'), 'utf8')).dependencies;
  const peers = Object.entries(own).map(([name, version]) => `${name} ${version}`);
  return [
    `Node ${process.version}`,
    ...['@nestjs/core', 'ws', 'socket.io'].map(of(require)),
    ...(isInstalled('crossws') ? peers : []),
  ].join(', ');
}

async function measure() {
  const before = { machine: machine(), date: new Date().toISOString().slice(0, 10) };
  if (!values['no-install'] && !Object.keys(PEERS).every(isInstalled)) install();
  if (!values['no-growth'])
    execFileSync(process.execPath, [join(root, 'bench/growth.js'), '--svg', join(root, 'docs/growth.svg')], {
      stdio: 'inherit',
    });
  const rows = [...ROWS, ...LEAST];
  const results = await measureRows(rows, until);
  const absent = [...new Set(rows.flatMap(({ peers }) => peers))].filter((name) => !isInstalled(name));
  return { ...before, versions: versions(), absent, results };
}

const run = values.from === undefined ? await measure() : JSON.parse(readFileSync(values.from, 'utf8'));
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(run));

const page = join(root, 'docs/performance.md');
const text = replaceMeasured(readFileSync(page, 'utf8'), measuredText(run));
writeFileSync(page, await format(text, { ...(await resolveConfig(page)), parser: 'markdown' }));
writeFileSync(join(root, 'docs/bench.svg'), drawBench(run));
console.log(measuredText(run));
