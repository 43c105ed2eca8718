// What is measured: for each panel of the picture one or more series, and how to measure a point of it.
import { pause, start } from '../processes.js';
import { MEMBERS } from '../servers/common.js';

const SERVER = new URL('./server.js', import.meta.url);
const PLAIN = new URL('../servers/plain.js', import.meta.url);
const LOAD = new URL('../load.js', import.meta.url);
/** So that memory can be measured. */
const GC = ['--expose-gc'];
const PROTOCOL = { protocol: 'envelope' };

/** Starts a server and a load, and stops both after `run`. @param program options of server.js, or a kind of plain.js */
async function withServer(program, clients, run) {
  const server =
    typeof program === 'string' ? start(PLAIN, [program]) : start(SERVER, [JSON.stringify(program)], GC);
  const load = start(LOAD);
  const { secure } = program;
  const until = async (count) => {
    while ((await server.ask('clients')) !== count) await pause(10);
  };
  try {
    const port = await server.ask('port');
    const connect = async (count) => {
      await load.ask('connect', { port, clients: count, secure, ...PROTOCOL });
      await until(count);
    };
    const disconnect = async () => {
      await load.ask('close');
      await until(0);
    };
    await connect(clients);
    return await run({ server, load, connect, disconnect });
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

/** Returns the server's CPU time in microseconds for each of `count` units. */
async function cpuPer(count, server, run) {
  const before = await server.ask('cpu');
  await run();
  return ((await server.ask('cpu')) - before) / count;
}

/** Runs `run` once to warm up, and once to be measured. */
async function warm(count, server, run) {
  await run();
  return cpuPer(count, server, run);
}

/** Echoes messages of `size` characters: at most 40 MB, at most 8,000 messages. */
const echoOf = (program) => (size) =>
  withServer(program, 20, ({ server, load }) => {
    const messages = Math.max(60, Math.min(8_000, Math.floor(40e6 / size)));
    const data = 'x'.repeat(size);
    const kilobytes = (messages * size) / 1_000;
    return warm(kilobytes, server, () => load.ask('echo', { event: 'echo', depth: 1, messages, data }));
  });

/** A broadcast to everybody, as often as makes 60,000 deliveries. */
const broadcast = (program) => (clients) =>
  withServer(program, clients, ({ server, load }) => {
    const times = Math.max(6, Math.round(60_000 / clients));
    return warm(times * clients, server, async () => {
      await load.ask('expect', { messages: times * clients });
      await server.ask('broadcast', { times, perTick: 1 });
      await load.ask('received');
    });
  });

/** A broadcast to one of `count` rooms of five members each, of 1,000 clients. */
const broadcastToRooms = (count) =>
  withServer({}, 1_000, async ({ server, load }) => {
    await server.ask('fill', { count });
    const times = 10_000;
    return warm(times * MEMBERS, server, async () => {
      await load.ask('expect', { messages: times * MEMBERS });
      await server.ask('rooms', { times, count });
      await load.ask('received');
    });
  });

/** Clients join `count` rooms and leave them, as often as makes 20,000 pairs. */
const joinAndLeave = (count) =>
  withServer({}, 1_000, ({ server }) => {
    const times = Math.max(1, Math.round(20_000 / (count * MEMBERS)));
    return warm(times * count * MEMBERS, server, async () => {
      for (let i = 0; i < times; i++) {
        await server.ask('fill', { count });
        await server.ask('empty', { count });
      }
    });
  });

/** 1,000 clients in `count` rooms disconnect together. */
const leaveAll = (count) =>
  withServer({}, 1_000, async ({ server, disconnect }) => {
    await server.ask('fill', { count });
    return cpuPer(1_000, server, disconnect);
  });

const echoWith = (handlers) =>
  withServer({ handlers }, 50, ({ server, load }) =>
    warm(30_000, server, () => load.ask('echo', { event: 'echo', depth: 8, messages: 30_000 })),
  );

/** Some clients come and go, so that the server's functions are compiled; then `count` come, or go, as fast as they can. */
const storm = (program, isArrival) => (count) =>
  withServer(program, 500, async ({ server, connect, disconnect }) => {
    await disconnect();
    await connect(500);
    await disconnect();
    if (isArrival) return cpuPer(count, server, () => connect(count));
    await connect(count);
    return cpuPer(count, server, disconnect);
  });
const arrivalWith = (handlers) => storm({ handlers }, true)(1_000);

/** Returns the bytes of RSS that each of `count` idle connections takes. */
export const idleMemory = (program) => (count) =>
  withServer(program, 500, async ({ server, connect, disconnect }) => {
    await disconnect();
    const empty = await server.ask('memory');
    await connect(count);
    const full = await server.ask('memory');
    return (full.rss - empty.rss) / count;
  });

const EXPRESS = {};
const FASTIFY = { fastify: true };
const SECURE = { secure: true };

export const PANELS = [
  {
    title: 'An echo, by the size of the message',
    unit: 'µs per kB',
    scale: 'log',
    at: [100, 1_000, 10_000, 100_000, 1_000_000],
    label: 'characters',
    series: {
      'hand-written ws': echoOf('raw'),
      Express: echoOf(EXPRESS),
      Fastify: echoOf(FASTIFY),
      TLS: echoOf(SECURE),
    },
  },
  {
    title: 'A broadcast to everybody, by clients',
    unit: 'µs per delivery',
    at: [10, 100, 1_000, 5_000],
    label: 'clients',
    series: {
      'hand-written ws': broadcast('raw'),
      Express: broadcast(EXPRESS),
      Fastify: broadcast(FASTIFY),
      TLS: broadcast(SECURE),
    },
  },
  {
    title: 'Rooms of five, 20 broadcasts a tick, by rooms',
    unit: 'µs each',
    at: [10, 100, 1_000, 10_000, 100_000],
    label: 'rooms',
    series: { 'a delivery to one of them': broadcastToRooms, 'a join and a leave': joinAndLeave },
  },
  {
    title: 'Clients leave all their rooms, by rooms',
    unit: 'µs per client',
    at: [200, 2_000, 20_000, 100_000],
    label: 'rooms of five',
    growsBy: 'each client is in more rooms',
    series: { 'a client that disconnects': leaveAll },
  },
  {
    title: 'An echo, by handlers of the gateway',
    unit: 'µs per message',
    at: [1, 10, 100, 1_000],
    label: 'handlers',
    series: { Express: echoWith },
  },
  {
    title: 'A client connects, by handlers of the gateway',
    unit: 'µs per client',
    at: [1, 10, 100, 1_000],
    label: 'handlers',
    series: { Express: arrivalWith },
  },
  {
    title: 'A storm of clients that connect',
    unit: 'µs per client',
    scale: 'log',
    at: [100, 500, 2_000, 8_000],
    label: 'clients',
    series: {
      'hand-written ws': storm('raw', true),
      Express: storm(EXPRESS, true),
      Fastify: storm(FASTIFY, true),
      TLS: storm(SECURE, true),
    },
  },
  {
    title: 'A storm of clients that disconnect',
    unit: 'µs per client',
    at: [100, 500, 2_000, 8_000],
    label: 'clients',
    series: {
      'hand-written ws': storm('raw', false),
      Express: storm(EXPRESS, false),
      Fastify: storm(FASTIFY, false),
      TLS: storm(SECURE, false),
    },
  },
];
