// Measures how costs grow, and draws the curves: npm run bench:growth -- [options]
//   --rounds 1          rounds of each point; the median counts
//   --only <text>       only panels whose title contains this text
//   --svg <file>        draw the picture, such as docs/growth.svg
//   --json <file>       write the results
//   --from <file>       draw the results of an earlier run
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { drawGrowth } from './growth/chart.js';
import { PANELS } from './growth/panels.js';
import { median, show, table } from './report.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    svg: { type: 'string' },
    json: { type: 'string' },
    from: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const begin = performance.now();

/** Measures all points of a panel in each round, so that a busy moment of the machine does not bend one curve. */
async function measure({ title, at, series, unit, label, scale, growsBy }) {
  const names = Object.keys(series);
  const figures = Object.fromEntries(names.map((name) => [name, at.map(() => [])]));
  for (let round = 0; round < rounds; round++)
    for (const [i, x] of at.entries())
      for (const name of names) {
        process.stderr.write(`${title}: round ${round + 1}, ${name}, ${x}          \r`);
        figures[name][i].push(await series[name](x));
      }
  const curves = Object.fromEntries(names.map((name) => [name, figures[name].map(median)]));
  return { title, unit, label, scale, growsBy, at, curves };
}

async function run() {
  const panels = [];
  for (const panel of PANELS.filter(({ title }) => title.includes(values.only)))
    panels.push(await measure(panel));
  const heading = [
    new Date().toISOString().slice(0, 10),
    `Node ${process.version}`,
    `${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`}`,
    `${Math.round((performance.now() - begin) / 1_000)} s`,
    `load average ${loadavg()[0].toFixed(1)}`,
  ].join(', ');
  return { heading, panels };
}

const results = values.from === undefined ? await run() : JSON.parse(readFileSync(values.from, 'utf8'));
console.log(`${results.heading}\n`);
for (const { title, unit, label, at, curves } of results.panels) {
  const head = [`${title}: ${unit}`, ...at.map((x) => `${x.toLocaleString('en')} ${label}`), 'last / least'];
  const rows = Object.entries(curves).map(([name, points]) => [
    name,
    ...points.map(show),
    // the cost of one more: about 1 where the whole cost grows in proportion
    show(points.at(-1) / Math.min(...points)),
  ]);
  console.log(`${table(head, rows)}\n`);
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, undefined, 1));
if (values.svg !== undefined) writeFileSync(values.svg, drawGrowth(results));
