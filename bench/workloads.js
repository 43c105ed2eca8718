// The workloads. Each starts a new server and a new load, warms both up, and returns figures.
import { execFileSync } from 'node:child_process';
import { forSocketIO, withCompression, withSocketIO } from './peers.js';
import { pause, start } from './processes.js';

const LOAD = new URL('./load.js', import.meta.url);
const BASIC = ['ours', 'raw', 'WsAdapter', 'Socket.IO', 'uWebSockets.js'];
const WITH_BAREST = [...BASIC, 'barest'];
const WITH_FLOOR = [...BASIC, 'floor'];
const WITH_BATCH = [...BASIC, 'batch'];
const WITH_ROOMS = ['ours', 'raw', 'Socket.IO', 'uWebSockets.js'];
const REQUESTS = { event: 'ask', isRequest: true };

/** The connections of the largest workloads: as many as one process may have open (`ulimit -n`), up to 50,000. */
const OPEN_FILES = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' })) || Infinity;
const MANY = Math.min(50_000, Math.floor((OPEN_FILES - 500) / 1_000) * 1_000);

async function withPeer({ file, args, protocol, othersProtocol }, clients, flags, run) {
  const server = start(file, args, flags);
  const load = start(LOAD);
  try {
    const port = await server.ask('port');
    if (othersProtocol !== undefined) await letOthersEcho(server, port, othersProtocol);
    const empty = await server.ask('memory');
    await load.ask('connect', { port, clients, protocol });
    // handleConnection may not have run for the last of them
    while ((await server.ask('clients')) < clients) await pause(20);
    return await run({ server, load, port, protocol, empty });
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

/** Lets clients of another protocol come, send and go, so that the server's functions have been compiled for both. */
async function letOthersEcho(server, port, protocol) {
  const load = start(LOAD);
  try {
    await load.ask('connect', { port, clients: 50, protocol });
    await load.ask('echo', { event: 'echo', depth: 4, messages: 20_000 });
  } finally {
    await load.stop();
  }
  while ((await server.ask('clients')) > 0) await pause(20);
}

/** Measures the server's CPU time in microseconds for each of `count` units, and how busy both sides were. */
async function costs({ server, load }, count, unit, run) {
  const [server0, load0] = [await server.ask('cpu'), await load.ask('cpu')];
  const begin = performance.now();
  await run();
  const elapsed = (performance.now() - begin) * 1_000;
  const [server1, load1] = [await server.ask('cpu'), await load.ask('cpu')];
  return {
    figures: { [`server CPU µs per ${unit}`]: (server1 - server0) / count },
    asides: {
      'per second': (count / elapsed) * 1e6,
      'server busy %': (100 * (server1 - server0)) / elapsed,
      'load busy %': (100 * (load1 - load0)) / elapsed,
    },
  };
}

function echo(
  name,
  { clients = 50, depth, messages, event = 'echo', isRequest = false, peers = WITH_BATCH },
) {
  return {
    name,
    peers,
    run: (peer, share, flags) =>
      withPeer(peer, clients, flags, async (sides) => {
        const run = (part) =>
          sides.load.ask('echo', { event, depth, isRequest, messages: Math.ceil(messages * share * part) });
        await run(0.5);
        const count = Math.ceil(messages * share);
        return costs(sides, count, 'message', () => run(1));
      }),
  };
}

/** Measures the server's `command`, which sends `times` messages to `to` clients each. */
function sending(name, { clients, command, times, perTick, to, peers, prepare = async () => undefined }) {
  return {
    name,
    peers,
    run: (peer, share, flags) =>
      withPeer(peer, clients, flags, async (sides) => {
        const { server, load } = sides;
        await prepare(server);
        const run = async (part) => {
          const count = Math.ceil(times * share * part);
          await load.ask('expect', { messages: count * to });
          await server.ask(command, { times: count, perTick });
          await load.ask('received');
        };
        await run(0.5);
        return costs(sides, Math.ceil(times * share) * to, 'delivery', () => run(1));
      }),
  };
}

const fanOut = (clients, perTick, times, peers = WITH_FLOOR) =>
  sending(`fan-out to ${clients.toLocaleString('en')}, ${perTick} a tick`, {
    ...{ clients, command: 'broadcast', perTick, times, to: clients, peers },
  });

function idle(clients, peers = WITH_BAREST, { name = 'idle memory', use = async () => undefined } = {}) {
  return {
    name: `${name}, ${clients.toLocaleString('en')} connections`,
    peers,
    run: (peer, _share, flags) =>
      withPeer(peer, clients, ['--expose-gc', ...flags], async (sides) => {
        const { server, empty } = sides;
        await use(sides);
        const full = await server.ask('memory');
        const each = (name) => (full[name] - empty[name]) / clients / 1_000;
        return {
          figures: { 'kB of RSS per connection': each('rss'), 'kB of heap per connection': each('heap') },
          asides: { 'kB outside': each('external') },
        };
      }),
  };
}

const openAndClose = {
  name: 'connect and close, 50 at a time',
  peers: WITH_BAREST,
  run: (peer, share, flags) =>
    withPeer(peer, 1, flags, async (sides) => {
      const { port, protocol, load } = sides;
      const run = (times) => load.ask('openAndClose', { port, protocol, times });
      await run(Math.ceil(4_000 * share));
      const times = Math.ceil(6_000 * share);
      return costs(sides, times, 'connection', () => run(times));
    }),
};

const churn = {
  name: 'join and leave a room',
  peers: WITH_ROOMS,
  run: (peer, share, flags) =>
    withPeer(peer, 10, flags, async (sides) => {
      const run = (times) => sides.server.ask('churn', { times });
      await run(Math.ceil(50_000 * share));
      const times = Math.ceil(200_000 * share);
      return costs(sides, times, 'pair', () => run(times));
    }),
};

/** Measures round trips at a rate far below the capacity of all peers, beside `broadcasts` per second. */
function latency(name, { rate, broadcasts }) {
  return {
    name,
    peers: BASIC,
    run: (peer, share, flags) =>
      withPeer(peer, broadcasts === 0 ? 50 : 500, flags, async ({ server, load }) => {
        const seconds = 4 * share;
        await load.ask('latency', { event: 'echo', rate, seconds: 3 });
        const broadcasting = broadcasts > 0 && broadcastFor(server, seconds, broadcasts);
        const times = await load.ask('latency', { event: 'echo', rate, seconds });
        await broadcasting;
        const at = (part) => times[Math.floor(times.length * part)];
        return { figures: { 'p50 ms': at(0.5), 'p99 ms': at(0.99) }, asides: { answers: times.length } };
      }),
  };
}

async function broadcastFor(server, seconds, perSecond) {
  for (const end = performance.now() + seconds * 1_000; performance.now() < end;) {
    await server.ask('broadcast', { times: 1, perTick: 1 });
    await pause(1_000 / perSecond);
  }
}

/** The same workload with clients of Socket.IO. */
const ofSocketIO = (workload, protocol = 'socket.io') => ({
  name: `${protocol}: ${workload.name}`,
  needsSocketIO: true,
  peers: ['ours', 'Socket.IO'],
  run: (peer, ...rest) => workload.run(forSocketIO(peer, protocol), ...rest),
});

/**
 * The same workload with bare clients, where "ours" has the entry for clients of Socket.IO and had such clients before. The
 * others do not have it, and had other bare clients before. They are alike: what their ratio differs from 1 is noise.
 */
const besideSocketIO = (workload) => ({
  name: `bare clients with the entry on: ${workload.name}`,
  needsSocketIO: true,
  peers: ['ours', 'entry off', 'entry off, again'],
  pairs: [['entry off, again', 'entry off']],
  run: (peer, ...rest) => workload.run(withSocketIO(peer), ...rest),
});

/** The same workload where clients offer compression, and "ours" compresses once for all of them. */
const compressed = (workload, peers = ['ours', 'uncompressed', 'compressed by ws']) => ({
  name: `compressed: ${workload.name}`,
  peers,
  run: (peer, ...rest) => workload.run(withCompression(peer), ...rest),
});

const lists = (clients, perTick, times) =>
  sending(`1.2 kB to ${clients.toLocaleString('en')}, ${perTick} a tick`, {
    ...{ clients, command: 'broadcastList', perTick, times, to: clients },
  });

/** Lets each client send a message and get its answer, and then a broadcast. */
async function exchange({ server, load }) {
  const clients = await server.ask('clients');
  await load.ask('echo', { event: 'echo', depth: 1, messages: clients });
  await load.ask('expect', { messages: clients });
  await server.ask('broadcastList', { times: 1, perTick: 1 });
  await load.ask('received');
}

export const WORKLOADS = [
  echo('echo, 50 clients x 32 in flight', { depth: 32, messages: 300_000 }),
  echo('echo, 50 clients x 1 in flight', { depth: 1, messages: 100_000 }),
  echo('request and answer by id, 50 x 32', {
    ...{ ...REQUESTS, depth: 32, messages: 200_000, peers: ['ours', 'Socket.IO'] },
  }),
  echo('echo with a guard, a pipe and an interceptor, 50 x 32', {
    ...{ event: 'guarded', depth: 32, messages: 150_000 },
  }),
  fanOut(1_000, 1, 300),
  fanOut(1_000, 20, 800),
  sending('5,000 clients in 10,000 rooms of 5, 20 broadcasts a tick', {
    ...{ clients: 5_000, command: 'rooms', times: 40_000, perTick: 20, to: 5, peers: WITH_ROOMS },
    prepare: (server) => server.ask('fill', { size: 5 }),
  }),
  sending('to one of 1,000 clients, 20 a tick', {
    ...{ clients: 1_000, command: 'direct', times: 100_000, perTick: 20, to: 1 },
    peers: BASIC,
  }),
  openAndClose,
  churn,
  idle(1_000, ['ours', 'raw', 'barest', 'WsAdapter', 'Socket.IO']),
  idle(10_000),
  idle(MANY, ['ours', 'raw', 'barest', 'WsAdapter']),
  latency('round trip at 5,000 a second', { rate: 5_000, broadcasts: 0 }),
  latency('round trip beside 100 broadcasts a second to 500', { rate: 500, broadcasts: 100 }),
  fanOut(100, 1, 2_000, ['ours', 'floor']),
  fanOut(MANY, 1, 20, ['ours', 'floor']),
  ofSocketIO(echo('acknowledgement, 50 x 32', { ...REQUESTS, depth: 32, messages: 100_000 })),
  ofSocketIO(echo('acknowledgement, 50 x 1', { ...REQUESTS, depth: 1, messages: 60_000 })),
  ofSocketIO(fanOut(1_000, 20, 400)),
  ofSocketIO(openAndClose),
  ofSocketIO(idle(10_000)),
  ofSocketIO(
    echo('acknowledgement, 50 x 32', { ...REQUESTS, depth: 32, messages: 60_000 }),
    'socket.io polling',
  ),
  besideSocketIO(echo('50 x 32 in flight', { depth: 32, messages: 300_000 })),
  besideSocketIO(echo('50 x 1 in flight', { depth: 1, messages: 100_000 })),
  besideSocketIO(fanOut(1_000, 1, 300)),
  besideSocketIO(fanOut(1_000, 20, 800)),
  compressed(lists(200, 1, 2_000)),
  compressed(lists(1_000, 1, 400)),
  // `ws` takes so long that clients count as slow readers
  compressed(lists(1_000, 20, 800), ['ours', 'uncompressed']),
  compressed(
    idle(1_000, undefined, { name: 'idle memory after messages in both directions', use: exchange }),
  ),
];
