// Compares the two encodings of the envelope protocol: what one message costs to write and to read, and its bytes. In one
// process, without a network. Bytes are base64 text in JSON.
//
// npm run bench:encodings -- [--rounds 12]
import { Buffer } from 'node:buffer';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { median, show, table } from './report.js';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '12' } } });
const dist = join(import.meta.dirname, '../dist/esm');
if (!existsSync(dist)) throw new Error('bench/encodings.js measures dist: run npm run build');
const load = (path) => import(pathToFileURL(join(dist, path)).href);
const { ENVELOPE_WITH_BYTES } = await load('server/transport/encoding.js');
const { MessagePackEncoding } = await load('msgpack/message-pack-encoding.js');
const client = {
  json: (await load('client/message.js')).JSON_CODEC,
  msgpack: (await load('client/msgpack.js')).messagePack(),
};
const server = { json: ENVELOPE_WITH_BYTES, msgpack: new MessagePackEncoding(1_000_000) };
const LIMITS = { maxEventNameLength: 256, maxJsonDepth: 64 };

/** Payloads of about so many bytes. */
const PAYLOADS = {
  text: (size) => 'lorem ipsum '.repeat(Math.ceil(size / 12)).slice(0, size),
  numbers: (size) => Array.from({ length: Math.ceil(size / 9) }, (_, index) => Math.sin(index) * 1e6),
  integers: (size) => Array.from({ length: Math.ceil(size / 3) }, (_, index) => (index * 7919) % 60_000),
  records: (size) =>
    Array.from({ length: Math.ceil(size / 60) }, (_, id) => ({
      id,
      name: `item ${id}`,
      open: id % 2 === 0,
      price: id / 4,
    })),
  bytes: (size) => Buffer.from(Array.from({ length: size }, (_, index) => (index * 31) % 256)),
};

/** What is measured: each returns one call. The client of JSON gets bytes as text, as its server sends them. */
const STEPS = {
  'server writes': (kind, payload) => () => server[kind].event('data', [payload]),
  'server reads': (kind, payload) => {
    const message = server[kind].event('data', [payload]);
    return kind === 'json'
      ? () => server.json.decode(message, false, LIMITS)
      : () => server.msgpack.decode(message, true, LIMITS);
  },
  'client writes': (kind, payload) => {
    const data = kind === 'json' && Buffer.isBuffer(payload) ? payload.toString('base64') : payload;
    return () => client[kind].write({ event: 'data', data });
  },
  'client reads': (kind, payload) => {
    const message = server[kind].event('data', [payload]);
    const received =
      typeof message === 'string'
        ? message
        : message.buffer.slice(message.byteOffset, message.byteOffset + message.length);
    return () => client[kind].read(received);
  },
};

/** Returns the processor time of one call in microseconds. */
function costOf(call, calls) {
  const before = process.cpuUsage();
  for (let i = 0; i < calls; i++) call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

/** Returns how many calls take some milliseconds. */
function countFor(call) {
  for (let calls = 16; ; calls *= 2) if (costOf(call, calls) * calls > 8_000) return calls;
}

const rows = [];
for (const [name, make] of Object.entries(PAYLOADS))
  for (const size of [100, 1_000, 100_000]) {
    const payload = make(size);
    const bytes = (kind) => Buffer.byteLength(server[kind].event('data', [payload]));
    const cells = [];
    for (const step of Object.values(STEPS)) {
      const [json, msgpack] = ['json', 'msgpack'].map((kind) => step(kind, payload));
      const calls = [json, msgpack].map(countFor);
      const ratios = [];
      for (let round = 0; round < Number(values.rounds); round++) {
        const order = round % 2 === 0 ? [0, 1] : [1, 0];
        const costs = [];
        for (const side of order) costs[side] = costOf([json, msgpack][side], calls[side]);
        ratios.push(costs[1] / costs[0]);
      }
      cells.push(`${show(median(ratios))} (${show(Math.min(...ratios))} .. ${show(Math.max(...ratios))})`);
    }
    rows.push([name, size.toLocaleString('en'), ...cells, show(bytes('msgpack') / bytes('json'))]);
  }

console.log(
  `MessagePack / JSON, processor time of one message; medians of ${values.rounds} paired rounds, with the range\n`,
);
console.log(table(['payload', 'about bytes', ...Object.keys(STEPS), 'size'], rows));
