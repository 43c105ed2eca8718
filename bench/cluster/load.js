// The load, in a separate process: clients of both nodes that check that each message arrives once and in order.
// Both sides use plain WebSocket clients, so that neither load costs more.
import { WebSocket } from 'ws';
import { ownCpu, serve } from '../processes.js';

const PROTOCOLS = {
  ours: {
    url: (port, room) => `ws://127.0.0.1:${port}/ws?room=${room}`,
    encode: (event, data) => JSON.stringify({ event, data }),
    // the lengths of what precedes the name of an event, and its text
    name: '{"event":"'.length,
    text: '{"event":"news","data":"'.length,
    control: () => undefined,
  },
  // the part of Engine.IO 4 and Socket.IO 5 that a client needs to receive events
  'socket.io': {
    url: (port, room) => `ws://127.0.0.1:${port}/ws/?EIO=4&transport=websocket&room=${room}`,
    encode: (event, data) => `42${JSON.stringify(data === undefined ? [event] : [event, data])}`,
    name: '42["'.length,
    text: '42["news","'.length,
    control(socket, text) {
      if (text.startsWith('0')) socket.send('40');
      if (text === '2') socket.send('3');
    },
  },
};
const N = 'n'.charCodeAt(0);
const DIGITS = 8;

let protocol;
const clients = [];
let control;
let expected;
/** When each broadcast was requested. */
const requested = [];
let total = 0;
/** Called for each broadcast message. */
let onNews = () => undefined;
let fail;
const failed = new Promise((_, reject) => (fail = reject));
failed.catch(() => undefined);

class Client {
  next = 0;
  /** Events other than the measured broadcasts. */
  hello = withResolvers();
  knock = withResolvers();
  end = withResolvers();

  constructor(port, room, subprotocol) {
    this.room = room;
    this.socket = new WebSocket(protocol.url(port, room), subprotocol, { perMessageDeflate: false });
    this.socket.on('message', (data) => this.receive(data));
    this.socket.on('error', fail);
    this.socket.on('close', (code, reason) =>
      fail(new Error(`a client was closed: ${code} ${reason.toString()}`)),
    );
  }

  receive(data) {
    const { name, text } = protocol;
    if (data[name] !== N) return this.receiveOther(data.toString());
    let number = 0;
    for (let i = text; i < text + DIGITS; i++) number = number * 10 + data[i] - 48;
    if (number !== this.next) fail(new Error(`a client received ${data.toString()} instead of ${this.next}`));
    this.next++;
    total++;
    onNews(this, number);
  }

  receiveOther(text) {
    protocol.control(this.socket, text);
    for (const name of ['hello', 'knock', 'end']) if (text.includes(`"${name}"`)) this[name].resolve();
  }

  send(event, data) {
    this.socket.send(protocol.encode(event, data));
  }
}

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

async function connect(port, room, count, subprotocol) {
  const connected = [];
  for (let i = 0; i < count; i += 50) {
    const batch = Array.from({ length: Math.min(50, count - i) }, () => new Client(port, room, subprotocol));
    await withTimeout(Promise.all(batch.map(({ hello }) => hello.promise)), 'clients to connect');
    connected.push(...batch);
  }
  return connected;
}

/** Rejects after `timeout` milliseconds: a message that never arrives fails the run. */
async function withTimeout(promise, what, timeout = 60_000) {
  let timer;
  const expired = new Promise((_, reject) => {
    const counts = () => `${total} messages, ${clients.map(({ next }) => next).join(' ')}`;
    timer = setTimeout(
      () => reject(new Error(`timeout after ${timeout} ms waiting for ${what}: ${counts()}`)),
      timeout,
    );
  });
  try {
    return await Promise.race([promise, expired, failed]);
  } finally {
    clearTimeout(timer);
  }
}

function checkCounts(members, times) {
  for (const { next } of members)
    if (next !== times) throw new Error(`a client received ${next} of ${times} messages`);
}

/** Resolves when all clients together have received `goal` messages. */
const reached = (goal, then = () => undefined) =>
  withTimeout(
    new Promise((resolve) => {
      onNews = (client, number) => {
        then(client, number);
        if (total === goal) resolve();
      };
    }),
    `${goal} messages`,
  );

const inRoom = (room) => clients.filter((client) => client.room === room);

serve({
  cpu: ownCpu,
  // connects groups of clients, each to one port and in one room; resolves when the room `until` receives an event that
  // the node at the port `control` sent, so the nodes see each other
  async connect({ side, groups, control: port, until, protocol: subprotocol }) {
    protocol = PROTOCOLS[side];
    for (const group of groups)
      clients.push(...(await connect(group.port, group.room, group.count, subprotocol)));
    [control] = await connect(port, 'control', 1, subprotocol);
    const timer = setInterval(() => control.send('knock', until), 20);
    await withTimeout(
      Promise.all(inRoom(until).map(({ knock }) => knock.promise)),
      'the nodes to see each other',
    );
    clearInterval(timer);
  },
  // resolves when each client has received `times` broadcasts, with at most `window` in flight; returns seconds
  async throughput({ times, window }) {
    const step = clients.length * Math.max(1, Math.floor(window / 4));
    const allow = () => control.send('allow', Math.min(times, Math.floor(total / clients.length) + window));
    const done = reached(times * clients.length, () => {
      if (total % step === 0) allow();
    });
    const begin = performance.now();
    allow();
    await done;
    const seconds = (performance.now() - begin) / 1000;
    checkCounts(clients, times);
    return seconds;
  },
  // a client of the first node requests each broadcast; returns the milliseconds until a client in the middle of the
  // second node's receives it, sorted
  async latency({ times, rate }) {
    const listener = clients[Math.floor((clients.length * 3) / 4)];
    const from = requested.length;
    const latencies = [];
    const done = reached(times * clients.length, (client, number) => {
      if (client === listener) latencies.push(performance.now() - requested[number]);
    });
    const begin = performance.now();
    const timer = setInterval(() => {
      while (
        requested.length < times &&
        requested.length - from < ((performance.now() - begin) * rate) / 1000
      ) {
        requested.push(performance.now());
        control.send('request');
      }
    }, 1);
    await done.finally(() => clearInterval(timer));
    checkCounts(clients, times);
    return latencies.toSorted((a, b) => a - b);
  },
  // prepares for paced broadcasts of another node to `room`; their end arrives in the room `end`
  async expect({ room, times }) {
    const members = inRoom(room);
    for (const client of members) client.next = 0;
    total = 0;
    const [{ end }] = inRoom('end');
    expected = Promise.all([end.promise, members.length > 0 && reached(times * members.length)]).then(() => {
      checkCounts(members, times);
      for (const client of inRoom('end')) client.end = withResolvers();
    });
  },
  received: () => withTimeout(expected, 'paced broadcasts'),
});
