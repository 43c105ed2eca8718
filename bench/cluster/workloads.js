// The workloads of the cluster bench. Each starts two new nodes and a new load, warms them up, and returns figures.
import { pause, start as startAt } from '../processes.js';

const start = (file, ...rest) => startAt(new URL(file, import.meta.url), ...rest);

/** Starts two nodes of one side and a load. Calls `run` with them when all clients are connected. */
async function withCluster(
  { redis, profile },
  { side, broker, recovery = '-', protocol, build },
  groups,
  run,
) {
  await redis.clear();
  const execArgv = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const args = [side, broker, recovery, String(redis.port), ...(build === undefined ? [] : [build])];
  const [a, b] = [1, 2].map(() => start('./node.js', args, execArgv));
  const load = start('./load.js');
  try {
    const ports = { a: await a.ask('port'), b: await b.ask('port') };
    await load.ask('connect', {
      side,
      protocol,
      groups: groups.map(({ node, ...group }) => ({ ...group, port: ports[node] })),
      control: ports.a,
      until: groups.at(-1).room,
    });
    return await run({ a, b, load, sample: () => sample(redis, a, b, load) });
  } finally {
    await Promise.all([a.stop(), b.stop(), load.stop()]);
  }
}

async function sample(redis, a, b, load) {
  const cpu = (child) => child.ask('cpu');
  const [info, ...used] = await Promise.all([redis.info(), cpu(a), cpu(b), cpu(load)]);
  return { at: performance.now(), a: used[0], b: used[1], load: used[2], ...info, redis: info.cpu };
}

/** Returns the use between two samples: microseconds, bytes, and the share of one core for each process. */
function between(before, after) {
  const used = (name) => after[name] - before[name];
  const elapsed = 1000 * used('at');
  const names = ['a', 'b', 'redis', 'load'];
  return { used, shares: Object.fromEntries(names.map((name) => [name, used(name) / elapsed])) };
}

function perBroadcast(used, times) {
  return {
    'Redis: CPU µs per broadcast': used('redis') / times,
    'Redis: bytes in per broadcast': used('received') / times,
    'Redis: bytes out per broadcast': used('sent') / times,
  };
}

const everywhere = (count) => [
  { node: 'a', room: 'room', count },
  { node: 'b', room: 'room', count },
];

/** Measures as many broadcasts as the nodes can send, with at most `window` in flight. */
export const throughput = ({ clients, window, warmUp, times }) => ({
  run: (context, variant) =>
    withCluster(context, variant, everywhere(clients), async ({ load, sample }) => {
      const warm = Math.ceil(warmUp * context.share);
      const measured = Math.ceil(times * context.share);
      await load.ask('throughput', { times: warm, window });
      const before = await sample();
      const seconds = await load.ask('throughput', { times: warm + measured, window });
      const { used, shares } = between(before, await sample());
      const deliveries = measured * clients;
      return {
        figures: {
          'receiving node: CPU µs per delivery': used('b') / deliveries,
          'sending node: CPU µs per delivery': used('a') / deliveries,
          'deliveries per second': (2 * deliveries) / seconds,
        },
        shares,
        asides: { 'broadcasts per second': measured / seconds, ...perBroadcast(used, measured) },
      };
    }),
});

/** Measures the time from a client's request to one node until a client of the other node receives the broadcast. */
export const latency = ({ clients, rate, warmUp, times }) => ({
  run: (context, variant) =>
    withCluster(context, variant, everywhere(clients), async ({ load, sample }) => {
      const warm = Math.ceil(warmUp * context.share);
      const measured = Math.ceil(times * context.share);
      await load.ask('latency', { times: warm, rate });
      const before = await sample();
      const latencies = await load.ask('latency', { times: warm + measured, rate });
      const { shares } = between(before, await sample());
      const quantile = (part) =>
        latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))];
      return { figures: { 'p50, ms': quantile(0.5), 'p99, ms': quantile(0.99) }, shares, asides: {} };
    }),
});

/** Measures what a broadcast of another node costs a node, for each number of local recipients in `counts`. */
export const recipients = ({ counts, rate, warmUp, times }) => ({
  run: (context, variant) => {
    const rooms = counts.map((count) => ({ node: 'b', room: `r${count}`, count }));
    const groups = [...rooms, { node: 'b', room: 'end', count: 1 }];
    return withCluster(context, variant, groups, async ({ a, load, sample }) => {
      const measured = Math.ceil(times * context.share);
      const pace = async (room, count) => {
        await load.ask('expect', { room, times: count });
        await a.ask('pace', { room, times: count, rate });
        await load.ask('received');
      };
      for (const { room } of rooms) await pace(room, Math.ceil(warmUp * context.share));
      const before = await sample();
      await pause((1000 * measured) / rate);
      const idle = between(before, await sample());
      const figures = {};
      const asides = {};
      let shares;
      for (const { room, count } of rooms) {
        const from = await sample();
        await pace(room, measured);
        const at = between(from, await sample());
        figures[`receiving node, ${count} recipients: CPU µs per broadcast`] =
          (at.used('b') - idle.used('b')) / measured;
        ({ shares } = at);
        Object.assign(asides, perBroadcast(at.used, measured));
      }
      return { figures, shares, asides };
    });
  },
});

/** Returns what a node sends to Redis for one broadcast. @param side ours|socket.io */
export async function messageOf({ redis }, broker, side = 'ours') {
  await redis.clear();
  const node = start('./node.js', [side, broker, '-', String(redis.port)]);
  const listener = await redis.client.duplicate().connect();
  try {
    await node.ask('port');
    const published = new Promise((resolve) => {
      const onMessage = (payload, channel) => channel.includes('room') && resolve({ channel, payload });
      void listener.pSubscribe(
        'socket.io#*',
        (payload, channel) => onMessage(payload, channel.toString()),
        true,
      );
    });
    await node.ask('pace', { times: 1, rate: 1, room: 'room' });
    if (broker === 'classic') return await published;
    for (;;) {
      const entries = await redis.client.xRange('socket.io', '-', '+');
      const broadcast = entries.find(({ message }) => message.data?.includes('news'));
      if (broadcast !== undefined) return { fields: broadcast.message };
      await pause(10);
    }
  } finally {
    listener.destroy();
    await node.stop();
  }
}
