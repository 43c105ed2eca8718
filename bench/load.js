// The load, in a separate process: many connections that send and count messages.
import { ownCpu, serve } from './processes.js';
import { TEXT } from './servers/common.js';
import { open, PROTOCOLS } from './wire.js';

let wire;
let connections = [];
let received = 0;
let expected;

/** The keys of requests, for the option `key`. */
const KEYS = { new: () => keyOf(++keys), same: () => keyOf(0) };
let keys = 0;
const keyOf = (number) => `${process.pid}_${String(number).padStart(22, '0')}`;

/** One loopback address offers some 28,000 ports for connections to one server. */
const PER_ADDRESS = 20_000;
const AT_ONCE = 200;

/** Rejects after `timeout` milliseconds: a message that never arrives fails the run. */
async function withTimeout(promise, what, timeout = 120_000) {
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`timeout after ${timeout} ms waiting for ${what}: ${received} arrived`)),
      timeout,
    );
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** `undefined` for the first address: the kernel finds a free port faster when it may choose the address. */
function addressOf(index) {
  const address = Math.floor(index / PER_ADDRESS);
  return address === 0 ? undefined : `127.0.0.${1 + address}`;
}

const opened = (port, count, from, secure) =>
  Promise.all(Array.from({ length: count }, (_, i) => open(port, wire, addressOf(from + i), secure)));

serve({
  cpu: ownCpu,
  async connect({ port, clients, protocol, secure }) {
    wire = PROTOCOLS[protocol];
    while (connections.length < clients) {
      const count = Math.min(AT_ONCE, clients - connections.length);
      const added = opened(port, count, connections.length, secure);
      connections.push(...(await withTimeout(added, 'clients to connect')));
    }
  },
  // sends `messages` in all, with `depth` in flight per client; returns seconds
  async echo({ event, messages, depth, isRequest, key, data = TEXT }) {
    let ids = 0;
    const shared = wire.emit(event, data);
    const frame = isRequest ? () => wire.request(event, data, ++ids, KEYS[key]?.()) : () => shared;
    let sent = 0;
    received = 0;
    const begin = performance.now();
    await withTimeout(
      new Promise((resolve) => {
        const send = (connection) => sent < messages && (sent++, connection.write(frame()));
        const onResponse = (connection) => (++received === messages ? resolve() : send(connection));
        for (const connection of connections) connection.onMessage = onResponse;
        for (let i = 0; i < depth; i++) for (const connection of connections) send(connection);
      }),
      `${messages} responses`,
    );
    return (performance.now() - begin) / 1_000;
  },
  expect({ messages }) {
    received = 0;
    expected = new Promise((resolve) => {
      const onMessage = () => ++received === messages && resolve();
      for (const connection of connections) connection.onMessage = onMessage;
    });
  },
  received: () => withTimeout(expected, 'messages'),
  // opens and closes `times` connections, 50 at a time; returns seconds
  async openAndClose({ port, protocol, times }) {
    wire = PROTOCOLS[protocol];
    const begin = performance.now();
    for (let done = 0; done < times; done += 50)
      for (const connection of await withTimeout(opened(port, 50, 0), 'clients')) await connection.close();
    return (performance.now() - begin) / 1_000;
  },
  // sends `rate` messages per second, each from the next client; returns the round-trip times in milliseconds, sorted
  async latency({ event, rate, seconds }) {
    const frame = wire.emit(event, TEXT);
    const sentAt = new Map();
    const times = [];
    for (const connection of connections)
      connection.onMessage = (_, isBroadcast) => {
        const at = sentAt.get(connection);
        if (at === undefined || isBroadcast) return;
        sentAt.delete(connection);
        times.push(performance.now() - at);
      };
    const begin = performance.now();
    let sent = 0;
    await new Promise((resolve) => {
      const timer = setInterval(() => {
        const due = Math.min(seconds * rate, ((performance.now() - begin) * rate) / 1_000);
        for (; sent < due; sent++) {
          const connection = connections[sent % connections.length];
          if (sentAt.has(connection)) continue;
          sentAt.set(connection, performance.now());
          connection.write(frame);
        }
        if (sent >= seconds * rate) {
          clearInterval(timer);
          resolve();
        }
      }, 1);
    });
    return times.toSorted((a, b) => a - b);
  },
  close() {
    for (const connection of connections) connection.drop();
    connections = [];
  },
});
