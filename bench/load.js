// The load, in a process of its own.
import { ownCpu, serve } from './processes.js';
import { TEXT } from './servers/common.js';
import { Line, WIRES } from './wire.js';

let wire;
let lines = [];
let received = 0;
let expected;

/** An address of loopback has some 28,000 ports for one server. */
const PER_ADDRESS = 20_000;
const AT_ONCE = 200;

/** Nothing is waited for without an end. */
async function within(promise, what, patience = 120_000) {
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited too long for ${what}: ${received} came`)), patience);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** The first address is the kernel's choice: it finds a free port faster where it may choose. */
function addressOf(index) {
  const address = Math.floor(index / PER_ADDRESS);
  return address === 0 ? undefined : `127.0.0.${1 + address}`;
}

const opened = (port, count, from) =>
  Promise.all(Array.from({ length: count }, (_, i) => Line.open(port, wire, addressOf(from + i))));

serve({
  cpu: ownCpu,
  async connect({ port, clients, protocol }) {
    wire = WIRES[protocol];
    while (lines.length < clients) {
      const count = Math.min(AT_ONCE, clients - lines.length);
      lines.push(...(await within(opened(port, count, lines.length), 'clients to be connected')));
    }
  },
  // so many messages in all, `depth` of each client under way at a time; seconds
  async echo({ event, messages, depth, isAsked }) {
    let ids = 0;
    const shared = wire.emit(event, TEXT);
    const frame = isAsked ? () => wire.ask(event, TEXT, ++ids) : () => shared;
    let sent = 0;
    received = 0;
    const begin = performance.now();
    await within(
      new Promise((resolve) => {
        const send = (line) => sent < messages && (sent++, line.write(frame()));
        const answered = (line) => (++received === messages ? resolve() : send(line));
        for (const line of lines) line.onMessage = answered;
        // the whole of it in one write, as a client does that has much to say
        for (let i = 0; i < depth; i++) for (const line of lines) send(line);
      }),
      `${messages} answers`,
    );
    return (performance.now() - begin) / 1_000;
  },
  expect({ messages }) {
    received = 0;
    expected = new Promise((resolve) => {
      const took = () => ++received === messages && resolve();
      for (const line of lines) line.onMessage = took;
    });
  },
  received: () => within(expected, 'messages'),
  // connects and closes so many, some at a time; seconds
  async comeAndGo({ port, protocol, times }) {
    wire = WIRES[protocol];
    const begin = performance.now();
    for (let done = 0; done < times; done += 50)
      for (const line of await within(opened(port, 50, 0), 'clients')) await line.close();
    return (performance.now() - begin) / 1_000;
  },
  // a message every so often from one client after the other; milliseconds until each came back, sorted
  async latency({ event, rate, seconds }) {
    const frame = wire.emit(event, TEXT);
    const asked = new Map();
    const times = [];
    for (const line of lines)
      line.onMessage = (_, isNews) => {
        const at = asked.get(line);
        if (at === undefined || isNews) return;
        asked.delete(line);
        times.push(performance.now() - at);
      };
    const begin = performance.now();
    let sent = 0;
    await new Promise((resolve) => {
      const timer = setInterval(() => {
        const due = Math.min(seconds * rate, ((performance.now() - begin) * rate) / 1_000);
        for (; sent < due; sent++) {
          const line = lines[sent % lines.length];
          if (asked.has(line)) continue;
          asked.set(line, performance.now());
          line.write(frame);
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
    for (const line of lines) line.drop();
    lines = [];
  },
});
