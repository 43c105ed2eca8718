// What the delivery bench measures. Each measurement starts new servers.
import { randomUUID } from 'node:crypto';
import { start } from '../processes.js';

const SERVER = new URL('./server.js', import.meta.url);
const LOAD = new URL('../load.js', import.meta.url);

const serverOf = (redis, options, flags = []) =>
  start(SERVER, [JSON.stringify(options), ...(redis === undefined ? [] : [String(redis.port)])], flags);

/**
 * Measures the CPU of one server for each variant. All servers of a round run at the same time, and get their load one after
 * the other in many short slices, so that what else the machine does is the same for all of them.
 */
async function inSlices({ redis, profile, share }, variants, { clients, slices, count, warmUp }, run) {
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  await redis?.clear();
  const names = Object.keys(variants);
  const sides = await Promise.all(
    names.map(async (name) => {
      const { usesRedis = false, load: given, ...options } = variants[name];
      const server = serverOf(usesRedis ? redis : undefined, options, flags);
      const load = start(LOAD);
      await load.ask('connect', { port: await server.ask('port'), clients, protocol: 'envelope' });
      return { name, server, load, given, cpu: 0 };
    }),
  );
  const slice = async (side, times) => {
    const before = await side.server.ask('cpu');
    await run(side, times);
    await side.server.ask('settle');
    side.cpu += (await side.server.ask('cpu')) - before;
  };
  try {
    for (const side of sides) await slice(side, Math.ceil(warmUp * share));
    for (const side of sides) side.cpu = 0;
    const times = Math.ceil((count * share) / slices);
    for (let i = 0; i < slices; i++)
      for (const side of i % 2 === 0 ? sides : sides.toReversed()) await slice(side, times);
    return Object.fromEntries(
      sides.map(({ name, cpu }) => [
        name,
        { figures: { 'server CPU µs': cpu / (times * slices) }, asides: {} },
      ]),
    );
  } finally {
    await Promise.all(sides.flatMap(({ server, load }) => [server.stop(), load.stop()]));
  }
}

/** Measures broadcasts to a room of `clients` members: the room `load.room` of each variant. */
export const broadcasts =
  (variants, { clients, perTick, ...sizes }) =>
  (context) =>
    inSlices(context, variants, { clients, ...sizes }, async ({ server, load, given: { room } }, times) => {
      await load.ask('expect', { messages: times * clients });
      await server.ask('broadcast', { times, perTick, room });
      await load.ask('received');
    });

/** Measures requests, `depth` of each client in flight: `load.event` and `load.key` of each variant. */
export const requests =
  (variants, { depth, ...sizes }) =>
  (context) =>
    inSlices(context, variants, sizes, ({ load, given: { event, key } }, messages) =>
      load.ask('echo', { event, key, depth, isRequest: true, messages }),
    );

/** Runs `run` with one server that has seen no message yet. */
async function withServer(context, { usesRedis = false, ...options }, run) {
  await context.redis?.clear();
  const server = serverOf(usesRedis ? context.redis : undefined, options, ['--expose-gc']);
  const load = start(LOAD);
  try {
    const port = await server.ask('port');
    await load.ask('connect', { port, clients: 1, protocol: 'envelope' });
    return await run({ server, load, port });
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

/** Measures the heap for each of `count` stored messages of `bytes` bytes. */
export const memory =
  (options, { bytes, count, prefix }) =>
  (context) =>
    withServer(context, options, async ({ server }) => {
      // the functions that store are compiled
      await server.ask('store', { count: 2_000, bytes, prefix: `${prefix}warm-up:` });
      const before = await server.ask('memory');
      const counted = await server.ask('counted');
      await server.ask('store', { count, bytes, prefix });
      const after = await server.ask('memory');
      return {
        heap: (after.heap - before.heap) / count,
        counted: counted === undefined ? undefined : ((await server.ask('counted')) - counted) / count,
      };
    });

/** Measures the memory of Redis for each of `count` stored messages. */
export const redisMemory =
  ({ bytes, count, prefix }) =>
  (context) =>
    withServer(context, { usesRedis: true, history: 'redis' }, async ({ server }) => {
      const { client } = context.redis;
      await server.ask('store', { count, bytes, prefix });
      let used = 0;
      let length = 0;
      for (const key of await client.keys('*')) {
        used += Number(await client.sendCommand(['MEMORY', 'USAGE', key, 'SAMPLES', '0']));
        length += await client.xLen(key);
      }
      return { redis: used / length };
    });

/** Measures the heap for each of `count` answers that `@Once()` keeps. The request and its answer have `bytes` bytes. */
export const answers =
  ({ bytes, count }) =>
  (context) =>
    withServer(context, { once: 'memory', isUnbounded: true }, async ({ server, load }) => {
      const data = '.'.repeat(bytes);
      const send = (messages) =>
        load.ask('echo', { event: 'once', data, key: 'new', depth: 32, isRequest: true, messages });
      await send(2_000);
      const before = await server.ask('memory');
      await send(count);
      const after = await server.ask('memory');
      return { heap: (after.heap - before.heap) / count };
    });

/** Commands of the bench itself. */
const OWN = new Set(['ping', 'info', 'config|resetstat', 'hello', 'client|setinfo']);

/** Counts the commands that Redis runs for each of `times` actions. */
export const commands =
  (options, times, act, prepare = async () => undefined) =>
  (context) =>
    withServer(context, { usesRedis: true, ...options }, async (sides) => {
      const { client } = context.redis;
      await prepare(sides);
      await sides.server.ask('settle');
      await client.sendCommand(['CONFIG', 'RESETSTAT']);
      const before = await context.redis.info();
      await act(sides, times);
      await sides.server.ask('settle');
      const after = await context.redis.info();
      const lines = String(await client.info('commandstats')).matchAll(/^cmdstat_(\S+):calls=(\d+)/gm);
      const counts = [...lines]
        .filter(([, name]) => !OWN.has(name))
        .map(([, name, calls]) => [name.toUpperCase(), Number(calls) / times]);
      return { counts, cpu: (after.cpu - before.cpu) / times };
    });

/** Sends `times` requests one after the other. */
export const keyed =
  (key) =>
  ({ load }, messages) =>
    load.ask('echo', { event: 'once', key, depth: 1, isRequest: true, messages });

/** Posts `times` messages to the HTTP API. @param keyOf makes the key of each */
export const posts =
  (keyOf = () => randomUUID()) =>
  async ({ port }, times) => {
    for (let i = 0; i < times; i++) {
      const answer = await fetch(`http://127.0.0.1:${port}/envelope/emit`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': keyOf(i) },
        body: JSON.stringify({ to: 'room', event: 'news', data: 'text' }),
      });
      if (!answer.ok) throw new Error(`the HTTP API answered ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  };
