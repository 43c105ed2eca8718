import { setTimeout as pause } from 'node:timers/promises';
import type { Backend } from './backends.js';
import type { ClusterNode, Report } from './node-process.js';
import type { Listener } from './listener.js';
import { measureStandstill } from './standstill.js';
import { disorder, mapped, span, type Span } from './outage.js';

/** The interval in milliseconds at which each node sends. */
const INTERVAL = 40;
/** How long a node is paused, in milliseconds: longer than any adapter needs to notice it. */
const PAUSE = 6_000;
/** The timeout of one request, in milliseconds. */
const REQUEST_TIMEOUT = 1_000;
/** How long other nodes may need to update their count of nodes, in milliseconds. */
const NOTICES_WITHIN = 20_000;

/** What happened with two of three nodes: one was paused for a while, and another was killed. Times in milliseconds. */
export interface Losses {
  /** The times until `fetchSockets` and the presence list answered without the killed node. */
  forgotten: number;
  presenceLeft: number;
  /** The results of the requests meanwhile. */
  meanwhile: { error?: string; answers?: string[]; time: number }[];
  /** The same while a node was paused. */
  paused: { error?: string; answers?: string[]; time: number }[];
  /** The time until the paused node was counted again, its members were present, and it saw the others. */
  returned: number;
  /** The numbers of the messages from the first node that the client of the paused node received. */
  numbers: number[];
  /** The time until the first message of the paused node after it continued. */
  receivedAgain: number;
  /** For clients of the first node. */
  localDelay: Span;
  disorder: string[];
  /** For how long the processes stood still: all other times may be longer by that. */
  standstill: number;
  reports: Report[];
}

/** Puts three nodes under load, pauses and resumes the second one, and then kills the third one. */
export async function loseNodes(
  [here, pausedNode, killedNode]: readonly [ClusterNode, ClusterNode, ClusterNode],
  backends: readonly Backend[],
): Promise<Record<Backend, Losses>> {
  const nodes = [here, pausedNode, killedNode];
  const listeners = await mapped(
    backends,
    async (backend) =>
      (await Promise.all(nodes.map((node) => node.join(backend)))) as [Listener, Listener, Listener],
  );
  // the others are stopped on purpose
  const standstillOf = await measureStandstill([here]);
  for (const node of nodes) await node.load(INTERVAL);
  await mapped(backends, async (backend) => {
    for (const listener of listeners[backend])
      for (const { name } of nodes)
        await listener.until(`${backend}: a message of ${name}`, () => listener.ticksFrom(name).length > 5);
    await expectMembers(here, backend, ['a 1', 'b 1', 'c 1']);
  });

  pausedNode.signal('SIGSTOP');
  const stopped = Date.now();
  const requesting = mapped(backends, (backend) => askUntil(here, backend, stopped + PAUSE));
  await pause(PAUSE);
  const paused = await requesting;
  pausedNode.signal('SIGCONT');
  const resumed = Date.now();
  const [receivedAgain, returned] = await Promise.all([
    mapped(backends, async (backend) => {
      const [first] = listeners[backend];
      const isFresh = (): boolean => first.ticksFrom(pausedNode.name, resumed).length > 0;
      await first.until(`${backend}: a message of the paused node`, isFresh);
      return Date.now() - resumed;
    }),
    mapped(backends, async (backend) => {
      for (const node of nodes) await expectMembers(node, backend, ['a 1', 'b 1', 'c 1']);
      return Date.now() - resumed;
    }),
  ]);

  await mapped(backends, (backend) => waitForMembership(nodes, backend, 3));

  await killedNode.kill();
  const killed = Date.now();
  const afterKill = await mapped(backends, async (backend) => {
    const meanwhile = await askUntil(here, backend, killed + NOTICES_WITHIN, 2);
    const forgotten = Date.now() - killed;
    await expectMembers(here, backend, ['a 1', 'b 1']);
    return { meanwhile, forgotten, presenceLeft: Date.now() - killed };
  });
  await mapped(backends, (backend) => waitForMembership([here, pausedNode], backend, 2));
  for (const node of [here, pausedNode]) await node.load(0);
  const standstill = await standstillOf();

  return mapped(backends, async (backend) => {
    const reports = await Promise.all([here, pausedNode].map((node) => node.report(backend)));
    const [first, second] = listeners[backend];
    const last = reports[0]!.ticks - 1;
    // Messages through PostgreSQL may overtake each other: the last one need not arrive last.
    const haveArrived = (): boolean => {
      const numbers = second.ticksFrom(here.name).map(({ n }) => n);
      return numbers.includes(last) && numbers.length > last - Math.min(...numbers);
    };
    await second.until(`${backend}: the last messages to the paused node`, haveArrived);
    return {
      ...afterKill[backend],
      paused: paused[backend],
      receivedAgain: receivedAgain[backend],
      returned: returned[backend],
      numbers: second.ticksFrom(here.name).map(({ n }) => n),
      localDelay: span(first.local),
      disorder: disorder(first),
      standstill,
      reports,
    };
  });
}

/** Requests the sockets of all nodes repeatedly, until this many answer in time, or until the deadline. */
async function askUntil(
  node: ClusterNode,
  backend: Backend,
  deadline: number,
  count = Infinity,
): Promise<Losses['meanwhile']> {
  const results: Losses['meanwhile'] = [];
  while (Date.now() < deadline) {
    const result = await node.request(backend, 'fetchSockets', REQUEST_TIMEOUT);
    results.push(result);
    if (result.error === undefined && result.answers?.length === count) break;
    await pause(100);
  }
  return results;
}

/** Resolves when each node counts this many nodes, and its presence listeners know one member of each and no other. */
async function waitForMembership(
  nodes: readonly ClusterNode[],
  backend: Backend,
  count: number,
): Promise<void> {
  const deadline = Date.now() + NOTICES_WITHIN;
  for (const node of nodes) {
    for (;;) {
      const { cluster, presence } = await node.report(backend);
      const present = new Set<string>();
      for (const [change, key] of presence) present[change === 'join' ? 'add' : 'delete'](key);
      if (cluster.nodes === count && present.size === count) break;
      if (Date.now() > deadline)
        throw new Error(
          `${backend}: ${node.name} has presence of ${[...present].join()}, counts ${cluster.nodes}`,
        );
      await pause(100);
    }
  }
}

/** Resolves when exactly these members are in the room. */
async function expectMembers(
  node: ClusterNode,
  backend: Backend,
  expected: readonly string[],
): Promise<void> {
  const deadline = Date.now() + NOTICES_WITHIN;
  for (;;) {
    const { error, answers = [] } = await node.request(backend, 'presence', REQUEST_TIMEOUT);
    if (error === undefined && answers.sort().join() === expected.join()) return;
    if (Date.now() > deadline)
      throw new Error(`${backend}: ${node.name} counts ${answers.join()} (${error}), not ${expected.join()}`);
    await pause(100);
  }
}
