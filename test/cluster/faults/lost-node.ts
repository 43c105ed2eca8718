import type { Backend } from './backends.js';
import { pause } from './eventually.js';
import type { ClusterNode, Report } from './node-process.js';
import type { Listener } from './listener.js';
import { disorder, mapped, span, type Span } from './outage.js';

/** Milliseconds; that each node sends at. */
const INTERVAL = 40;
/** That a node stands still: longer than any adapter takes to miss it. */
const STANDSTILL = 6_000;
/** For one question. */
const PATIENCE = 1_000;
/** That others may take to count their nodes anew. */
const NOTICES_WITHIN = 20_000;
/** For `beforeAll`. */
export const ALL_OF_IT = 120_000;

/** What became of two nodes of three: one stood still for a while, another was killed. Times in milliseconds. */
export interface Losses {
  /** Until `fetchSockets`, and the list of presence, were answered without the node that was killed. */
  forgotten: number;
  left: number;
  /** How the questions ended that were asked meanwhile. */
  meanwhile: { error?: string; answers?: string[]; time: number }[];
  /** The same while a node stood still. */
  paused: { error?: string; answers?: string[]; time: number }[];
  /** Until that node was counted again, and its members present, with its own view of the others. */
  returned: number;
  /** Numbers of the messages of the node that was there all the time, which the client of the one that was not got. */
  numbers: number[];
  /** Until the first message of the node that had stood still. */
  heardAgain: number;
  /** For clients of the node that was there all the time. */
  waited: Span;
  disorder: string[];
  reports: Report[];
}

/** Three nodes under load: the second stands still and goes on, and then the third is killed. */
export async function lose(
  [here, still, dead]: readonly [ClusterNode, ClusterNode, ClusterNode],
  backends: readonly Backend[],
): Promise<Record<Backend, Losses>> {
  const nodes = [here, still, dead];
  const listeners = await mapped(
    backends,
    async (backend) =>
      (await Promise.all(nodes.map((node) => node.join(backend)))) as [Listener, Listener, Listener],
  );
  for (const node of nodes) await node.load(INTERVAL);
  await mapped(backends, async (backend) => {
    for (const listener of listeners[backend])
      for (const { name } of nodes)
        await listener.until(`${backend}: a message of ${name}`, () => listener.ticksFrom(name).length > 5);
    await counted(here, backend, ['a 1', 'b 1', 'c 1']);
  });

  still.signal('SIGSTOP');
  const stopped = Date.now();
  const asking = mapped(backends, (backend) => askUntil(here, backend, stopped + STANDSTILL));
  await pause(STANDSTILL);
  const paused = await asking;
  still.signal('SIGCONT');
  const resumed = Date.now();
  const [heardAgain, returned] = await Promise.all([
    mapped(backends, async (backend) => {
      const [first] = listeners[backend];
      const isFresh = (): boolean => first.ticksFrom(still.name, resumed).length > 0;
      await first.until(`${backend}: a message of the node that stood still`, isFresh);
      return Date.now() - resumed;
    }),
    mapped(backends, async (backend) => {
      for (const node of nodes) await counted(node, backend, ['a 1', 'b 1', 'c 1']);
      return Date.now() - resumed;
    }),
  ]);

  await mapped(backends, (backend) => told(nodes, backend, 3));

  await dead.kill();
  const killed = Date.now();
  const gone = await mapped(backends, async (backend) => {
    const meanwhile = await askUntil(here, backend, killed + NOTICES_WITHIN, 2);
    const forgotten = Date.now() - killed;
    await counted(here, backend, ['a 1', 'b 1']);
    return { meanwhile, forgotten, left: Date.now() - killed };
  });
  await mapped(backends, (backend) => told([here, still], backend, 2));
  for (const node of [here, still]) await node.load(0);

  return mapped(backends, async (backend) => {
    const reports = await Promise.all([here, still].map((node) => node.report(backend)));
    const [first, second] = listeners[backend];
    const last = reports[0]!.ticks - 1;
    // messages of PostgreSQL's overtake each other: the last one need not come last
    const areThere = (): boolean => {
      const numbers = second.ticksFrom(here.name).map(({ n }) => n);
      return numbers.includes(last) && numbers.length > last - Math.min(...numbers);
    };
    await second.until(`${backend}: the last messages to the node that stood still`, areThere);
    return {
      ...gone[backend],
      paused: paused[backend],
      heardAgain: heardAgain[backend],
      returned: returned[backend],
      numbers: second.ticksFrom(here.name).map(({ n }) => n),
      waited: span(first.local),
      disorder: disorder(first),
      reports,
    };
  });
}

/** Asks again and again for the sockets of all nodes, until so many are answered in time, or for so long. */
async function askUntil(
  node: ClusterNode,
  backend: Backend,
  deadline: number,
  count = Infinity,
): Promise<Losses['meanwhile']> {
  const asked: Losses['meanwhile'] = [];
  while (Date.now() < deadline) {
    const one = await node.ask(backend, 'fetchSockets', PATIENCE);
    asked.push(one);
    if (one.error === undefined && one.answers?.length === count) break;
    await pause(100);
  }
  return asked;
}

/** Resolves when so many nodes are counted, and listeners of presence were told of a member of each, and of no other. */
async function told(nodes: readonly ClusterNode[], backend: Backend, count: number): Promise<void> {
  const deadline = Date.now() + NOTICES_WITHIN;
  for (const node of nodes) {
    for (;;) {
      const { cluster, presence } = await node.report(backend);
      const present = new Set<string>();
      for (const [what, key] of presence) present[what === 'join' ? 'add' : 'delete'](key);
      if (cluster.nodes === count && present.size === count) break;
      if (Date.now() > deadline)
        throw new Error(
          `${backend}: ${node.name} is told of ${[...present].join()}, counts ${cluster.nodes}`,
        );
      await pause(100);
    }
  }
}

/** Resolves when these are in the room, and none else. */
async function counted(node: ClusterNode, backend: Backend, expected: readonly string[]): Promise<void> {
  const deadline = Date.now() + NOTICES_WITHIN;
  for (;;) {
    const { error, answers = [] } = await node.ask(backend, 'presence', PATIENCE);
    if (error === undefined && answers.sort().join() === expected.join()) return;
    if (Date.now() > deadline)
      throw new Error(`${backend}: ${node.name} counts ${answers.join()} (${error}), not ${expected.join()}`);
    await pause(100);
  }
}
