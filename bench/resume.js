// Lets all clients of a server lose their connections and resume their sessions at once, and measures for how long that
// holds the event loop: the CPU time of its turns, which other programs on the machine do not change, and how long another
// client waits for an echo meanwhile. Linux only: each client has a loopback address of its own, and /proc is read.
//
// node bench/resume.js [options], after npm run build
//   --clients 5000     clients that resume
//   --entries 100000   messages in the log
//   --rooms 1000       the rooms that the messages go to in turn; each client is in one. 0: to all clients
//   --rounds 5         rounds of each storm
//   --against <file>   index.js of another build of this package, to be measured as well
//   --profile <folder> write CPU profiles of the servers
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { pause, start } from './processes.js';
import { median, show, table } from './report.js';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '5000' },
    entries: { type: 'string', default: '100000' },
    rooms: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
    against: { type: 'string' },
    profile: { type: 'string' },
  },
});
const [clients, entries, rooms, rounds] = ['clients', 'entries', 'rooms', 'rounds'].map((name) =>
  Number(values[name]),
);
const flags = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];

/** A turn that reads more requests than this is one in which the storm arrives: Node parses HTTP in it. */
const ARRIVAL = 50;

const STORMS = {
  'new sessions': { entries: 0, isNew: true },
  'resumes, nothing missed': { entries: 0 },
  [`resumes, ${entries} messages in the log`]: { entries },
};
const BUILDS = { ours: [], ...(values.against && { other: [pathToFileURL(values.against).href] }) };

/** Lets one storm pass over a new server. Returns the worst turns in milliseconds. */
async function measure(build, storm) {
  const server = start(new URL('./resume/server.js', import.meta.url), build, flags);
  const load = start(new URL('./resume/load.js', import.meta.url));
  try {
    const port = await server.ask('port');
    await load.ask('connect', { port, clients, rooms });
    await load.ask('cut');
    while ((await server.ask('clients')) > 1) await pause(20);
    await server.ask('fill', { entries: storm.entries, rooms });
    await pause(300);
    const echoes = load.ask('watch');
    await server.ask('watch');
    const missed = storm.isNew ? 0 : Math.floor(storm.entries / (rooms || 1));
    const { recovered, seconds } = await load.ask('storm', { port, missed, isNew: storm.isNew === true });
    const turns = await server.ask('watched');
    await load.ask('endWatch');
    if (recovered !== (storm.isNew ? 0 : clients)) throw new Error(`${recovered} clients were recovered`);
    const arrivals = turns.filter(({ requests }) => requests > ARRIVAL);
    const later = turns.filter(({ requests }) => requests <= ARRIVAL);
    const worst = (list) => Math.max(0, ...list.map(({ cpu }) => cpu));
    return {
      arrival: worst(arrivals),
      requests: Math.max(0, ...arrivals.map(({ requests }) => requests)),
      later: worst(later),
      above: later.filter(({ cpu }) => cpu > 20).length,
      echo: (await echoes)[0],
      seconds,
    };
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

const all = {};
for (let round = 0; round < rounds; round++)
  for (const [build, args] of Object.entries(BUILDS))
    for (const [name, storm] of Object.entries(STORMS)) {
      process.stderr.write(`round ${round + 1}: ${build}, ${name}                    \r`);
      ((all[name] ??= {})[build] ??= []).push(await measure(args, storm));
    }

const load = loadavg()
  .map((value) => value.toFixed(1))
  .join(' ');
console.log(`${clients} clients at once, Node ${process.version}, load average ${load}, ${rounds} rounds\n`);
const rows = Object.entries(all).flatMap(([name, builds]) =>
  Object.entries(builds).map(([build, results]) => {
    const cell = (part) => {
      const figures = results.map((result) => result[part]);
      return `${show(median(figures))} (${show(Math.min(...figures))} .. ${show(Math.max(...figures))})`;
    };
    return [name, build, ...['arrival', 'requests', 'later', 'above', 'echo', 'seconds'].map(cell)];
  }),
);
const HEAD = [
  ...['storm', 'build', 'worst turn that reads requests: CPU ms', 'its requests', 'worst other turn: CPU ms'],
  ...['of those above 20 ms', 'slowest echo, ms', 'seconds'],
];
console.log(table(HEAD, rows));
