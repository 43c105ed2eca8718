// Servers that run side by side, each with its own load: they take turns of a fraction of a second, so that what else the
// machine does meets all of them alike. The ratios are two to three times as tight as those of new processes for each figure.
import { pause, start } from './processes.js';

const LOAD = new URL('./load.js', import.meta.url);
const WARM_UP = 5;

/** What a turn measures: server CPU time. */
export const LABEL = 'server CPU µs';

/** Measures the server's `command`, which sends `times` messages to `to` clients each. */
const sending = (command, { clients, times, perTick, to = clients, prepare }) => ({
  clients,
  prepare,
  count: times * to,
  unit: 'delivery',
  async run({ server, load }) {
    await load.ask('expect', { messages: times * to });
    await server.ask(command, { times, perTick });
    await load.ask('received');
  },
});
const broadcast = (clients, times, perTick) => sending('broadcast', { clients, times, perTick });
const echo = (event, depth, messages, isRequest = false) => ({
  clients: 50,
  count: messages,
  unit: 'message',
  run: ({ load }) => load.ask('echo', { event, depth, messages, isRequest }),
});
// no gateway takes it, but a listener of the client: what is left is Nest's context of a handler
const listener = (depth, messages) => ({ ...echo('listen', depth, messages), prepare: ['listen'] });
const CHURN = 20_000;

export const TURNS = {
  broadcast: broadcast(1_000, 60, 1),
  'broadcast to 100': broadcast(100, 500, 1),
  'twenty broadcasts a tick': broadcast(1_000, 400, 20),
  'echo, 1 in flight': echo('echo', 1, 15_000),
  'echo, 32 in flight': echo('echo', 32, 40_000),
  'listener, 1 in flight': listener(1, 15_000),
  'listener, 32 in flight': listener(32, 40_000),
  'request, 1 in flight': echo('ask', 1, 15_000, true),
  'request, 32 in flight': echo('ask', 32, 40_000, true),
  'guarded, 1 in flight': echo('guarded', 1, 15_000),
  'guarded, 32 in flight': echo('guarded', 32, 30_000),
  'rooms of five': sending('rooms', {
    ...{ clients: 5_000, times: 6_000, perTick: 20, to: 5, prepare: ['fill', { size: 5 }] },
  }),
  'to one of 1,000': sending('direct', { clients: 1_000, times: 20_000, perTick: 20, to: 1 }),
  'join and leave': {
    clients: 10,
    count: CHURN,
    unit: 'pair',
    run: ({ server }) => server.ask('churn', { times: CHURN }),
  },
};

async function open({ file, args, protocol }, workload) {
  const [server, load] = [start(file, args), start(LOAD)];
  const port = await server.ask('port');
  await load.ask('connect', { port, clients: workload.clients, protocol });
  while ((await server.ask('clients')) < workload.clients) await pause(20);
  if (workload.prepare !== undefined) await server.ask(...workload.prepare);
  return { server, load };
}

async function measure(workload, sides) {
  const before = await sides.server.ask('cpu');
  await workload.run(sides);
  return ((await sides.server.ask('cpu')) - before) / workload.count;
}

/**
 * Lets servers take turns.
 *
 * @param name one of {@link TURNS}
 * @param peers the servers by name
 * @param rounds turns of each
 * @returns for each round the figures of each server, by name
 */
export async function takeTurns(name, peers, rounds) {
  const workload = TURNS[name];
  const all = new Map();
  try {
    for (const [peer, server] of Object.entries(peers)) all.set(peer, await open(server, workload));
    for (const sides of all.values()) for (let i = 0; i < WARM_UP; i++) await measure(workload, sides);
    const results = [];
    for (let round = 0; round < rounds; round++) {
      const figures = {};
      const order = [...all];
      for (const [peer, sides] of round % 2 === 0 ? order : order.toReversed())
        figures[peer] = { figures: { [LABEL]: await measure(workload, sides) } };
      results.push(figures);
    }
    return results;
  } finally {
    await Promise.all([...all.values()].flatMap(({ server, load }) => [server.stop(), load.stop()]));
  }
}
