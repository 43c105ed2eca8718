// Counts what an idle connection keeps on the heap, by the classes of the objects: two heap snapshots, divided by the
// connections that were opened between them.
//
// npm run build && node bench/heap.js [ours,barest] [connections, default 2000]
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PEERS } from './peers.js';
import { pause, start } from './processes.js';
import { table } from './report.js';

const [, , names = 'ours,barest', connections = '2000'] = process.argv;
const count = Number(connections);
/** The first connections also make code and tables, which are not counted. */
const BEFORE = 200;
const folder = mkdtempSync(join(tmpdir(), 'heap-'));

/** Returns the bytes and the number of objects by class. */
function classesOf(file) {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(file, 'utf8'));
  const fields = snapshot.meta.node_fields;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const [types] = snapshot.meta.node_types;
  const classes = new Map();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[nodes[at + type]];
    if (kind === 'code' || kind === 'object shape') continue;
    const what = kind.includes('string') ? 'text' : `${kind} ${strings[nodes[at + name]].slice(0, 40)}`;
    const sum = classes.get(what) ?? { objects: 0, bytes: 0 };
    sum.objects++;
    sum.bytes += nodes[at + size];
    classes.set(what, sum);
  }
  return classes;
}

async function measure({ file, args, protocol }) {
  const server = start(file, args);
  const load = start(new URL('./load.js', import.meta.url));
  try {
    const port = await server.ask('port');
    const snapshots = [];
    for (const clients of [BEFORE, BEFORE + count]) {
      await load.ask('connect', { port, clients, protocol });
      while ((await server.ask('clients')) < clients) await pause(20);
      const path = join(folder, `${clients}.heapsnapshot`);
      await server.ask('snapshot', { file: path });
      snapshots.push(classesOf(path));
    }
    return snapshots;
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

try {
  for (const name of names.split(',')) {
    const [before, after] = await measure(PEERS[name]);
    const rows = [...after].map(([what, { objects, bytes }]) => {
      const known = before.get(what) ?? { objects: 0, bytes: 0 };
      return { what, objects: (objects - known.objects) / count, bytes: (bytes - known.bytes) / count };
    });
    const shown = rows.filter(({ bytes }) => bytes >= 8).toSorted((a, b) => b.bytes - a.bytes);
    const total = rows.reduce((sum, { bytes }) => sum + bytes, 0);
    console.log(`\n${name}: ${total.toFixed(0)} bytes per connection\n`);
    const cells = shown.map(({ what, objects, bytes }) => [what, objects.toFixed(1), bytes.toFixed(0)]);
    console.log(table(['class', 'objects per connection', 'bytes'], cells));
  }
} finally {
  rmSync(folder, { recursive: true });
}
