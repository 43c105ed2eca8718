// The load, in a process of its own: clients of both nodes that count what they get and see that it is what was sent,
// each message once and in order. Plain WebSocket clients on both sides, so that neither load costs more.
import { WebSocket } from 'ws';
import { ownCpu, serve } from '../processes.js';

const WIRES = {
  ours: {
    url: (port, room) => `ws://127.0.0.1:${port}/ws?room=${room}`,
    encode: (event, data) => JSON.stringify({ event, data }),
    // what comes before the name of an event, and before its text
    name: '{"event":"'.length,
    text: '{"event":"news","data":"'.length,
    control: () => undefined,
  },
  // as much of Engine.IO 4 and Socket.IO 5 as a client needs that only listens
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

let wire;
const clients = [];
let control;
let expected;
/** When each broadcast was asked for. */
const asked = [];
let total = 0;
/** Called at every message of the broadcasts. */
let onNews = () => undefined;
let fail;
const failed = new Promise((_, reject) => (fail = reject));
failed.catch(() => undefined);

class Client {
  next = 0;
  /** The events that are no broadcasts under measurement. */
  hello = withResolvers();
  knock = withResolvers();
  end = withResolvers();

  constructor(port, room, protocol) {
    this.room = room;
    this.socket = new WebSocket(wire.url(port, room), protocol, { perMessageDeflate: false });
    this.socket.on('message', (data) => this.take(data));
    this.socket.on('error', fail);
    this.socket.on('close', (code, reason) =>
      fail(new Error(`a client was closed: ${code} ${reason.toString()}`)),
    );
  }

  take(data) {
    const { name, text } = wire;
    if (data[name] !== N) return this.takeOther(data.toString());
    let number = 0;
    for (let i = text; i < text + DIGITS; i++) number = number * 10 + data[i] - 48;
    if (number !== this.next) fail(new Error(`a client got ${data.toString()} in the place of ${this.next}`));
    this.next++;
    total++;
    onNews(this, number);
  }

  takeOther(text) {
    wire.control(this.socket, text);
    for (const name of ['hello', 'knock', 'end']) if (text.includes(`"${name}"`)) this[name].resolve();
  }

  send(event, data) {
    this.socket.send(wire.encode(event, data));
  }
}

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

async function connect(port, room, count, protocol) {
  const made = [];
  for (let i = 0; i < count; i += 50) {
    const batch = Array.from({ length: Math.min(50, count - i) }, () => new Client(port, room, protocol));
    await within(Promise.all(batch.map(({ hello }) => hello.promise)), 'clients to be connected');
    made.push(...batch);
  }
  return made;
}

/** Nothing is waited for without an end: what did not arrive fails the run. */
async function within(promise, what, patience = 60_000) {
  let timer;
  const expired = new Promise((_, reject) => {
    const counts = () => `${total} messages, ${clients.map(({ next }) => next).join(' ')}`;
    timer = setTimeout(() => reject(new Error(`waited too long for ${what}: ${counts()}`)), patience);
  });
  try {
    return await Promise.race([promise, expired, failed]);
  } finally {
    clearTimeout(timer);
  }
}

function checkCounts(members, times) {
  for (const { next } of members)
    if (next !== times) throw new Error(`a client got ${next} of ${times} messages`);
}

/** So many messages have come to all clients together. */
const reached = (goal, then = () => undefined) =>
  within(
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
  // groups of clients, each of one port and in one room; goes on when those in `until` hear of the node at `control`
  async connect({ side, groups, control: port, until, protocol }) {
    wire = WIRES[side];
    for (const group of groups)
      clients.push(...(await connect(group.port, group.room, group.count, protocol)));
    [control] = await connect(port, 'control', 1, protocol);
    const timer = setInterval(() => control.send('knock', until), 20);
    await within(Promise.all(inRoom(until).map(({ knock }) => knock.promise)), 'the way to the other node');
    clearInterval(timer);
  },
  // until all clients have so many broadcasts in all; no more than `window` are under way
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
  // a client of the first node asks for each broadcast; milliseconds until one in the middle of the second has it
  async latency({ times, rate }) {
    const listener = clients[Math.floor((clients.length * 3) / 4)];
    const from = asked.length;
    const latencies = [];
    const done = reached(times * clients.length, (client, number) => {
      if (client === listener) latencies.push(performance.now() - asked[number]);
    });
    const begin = performance.now();
    const timer = setInterval(() => {
      while (asked.length < times && asked.length - from < ((performance.now() - begin) * rate) / 1000) {
        asked.push(performance.now());
        control.send('shout');
      }
    }, 1);
    await done.finally(() => clearInterval(timer));
    checkCounts(clients, times);
    return latencies.toSorted((a, b) => a - b);
  },
  // another node paces broadcasts to a room, and says so in the room `end`
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
  received: () => within(expected, 'what was paced'),
});
