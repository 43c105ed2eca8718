import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../support/random.js';
import type { Backend } from './backends.js';
import type { RequestResult, ClusterNode, Report } from './node-process.js';
import type { SendGarbage } from './malformed-senders.js';
import type { ReceivedTick, Listener } from './listener.js';
import { mapped } from './outage.js';
import { measureStandstill } from './standstill.js';

/** The number of malformed messages for each backend. */
export const COUNT = 300;
/** How many of them are sent at a time, and the pause after them in milliseconds. */
const BATCH_SIZE = 10;
const INTERVAL = 50;
/** The interval in milliseconds at which each node sends. */
const TICK = 40;
/** How long no malformed messages are sent before and afterwards, in milliseconds. */
const QUIET = 600;
/** The timeout of one request, in milliseconds. */
const REQUEST_TIMEOUT = 1_000;
/**
 * How long it may take until both clients are counted and all messages have arrived, in milliseconds.
 * The nodes have to drop nodes that never existed.
 */
const RECOVERS_WITHIN = 10_000;

/** How the messages of one node arrived at one client. */
export interface Delivery {
  title: string;
  numbers: number[];
  /** How many messages the node has sent. */
  sent: number;
  /** How many messages arrived of those sent before, during and after the malformed messages. */
  phases: [before: number, meanwhile: number, afterwards: number];
}

/** The result for one backend. */
export interface FloodResult {
  deliveries: Delivery[];
  /** The close codes of the clients that were disconnected. */
  closed: number[];
  /** How many events of malformed messages the clients received. */
  garbage: number;
  /** The results of repeated `fetchSockets` requests meanwhile, and afterwards until the cluster has recovered. */
  requests: RequestResult[];
  /** For how long the processes stood still: the requests may take longer by that. */
  standstill: number;
  afterwards: RequestResult;
  /** How long the recovery took, in milliseconds. */
  recoveredAfter: number;
  reports: Report[];
}

/** Puts two nodes under load, and sends malformed messages to their channels meanwhile. */
export async function flood(
  nodes: readonly [ClusterNode, ClusterNode],
  backends: readonly Backend[],
  sendGarbage: SendGarbage,
  seed: number,
): Promise<Record<Backend, FloodResult>> {
  const [here] = nodes;
  const listeners = await mapped(backends, (backend) => Promise.all(nodes.map((node) => node.join(backend))));
  for (const node of nodes) await node.load(TICK);
  await mapped(backends, async (backend) => {
    for (const listener of listeners[backend])
      for (const { name } of nodes)
        await listener.until(`${backend}: a message of ${name}`, () => listener.ticksFrom(name).length > 5);
  });
  await pause(QUIET);

  const standstillOf = await measureStandstill(nodes);
  const started = Date.now();
  let isOver = false;
  const requesting = mapped(backends, async (backend) => {
    const requests: RequestResult[] = [];
    while (!isOver) {
      requests.push(await here.request(backend, 'fetchSockets', REQUEST_TIMEOUT));
      await pause(INTERVAL);
    }
    return requests;
  });
  try {
    await mapped(backends, (backend) => sendAll(backend, sendGarbage, new Random(seed)));
  } finally {
    isOver = true;
  }
  const ended = Date.now();
  const requests = await requesting;
  const standstill = await standstillOf();

  const afterwards = await mapped(backends, async (backend) => {
    for (;;) {
      const result = await here.request(backend, 'fetchSockets', REQUEST_TIMEOUT);
      const recoveredAfter = Date.now() - ended;
      if (isWhole(result) || recoveredAfter > RECOVERS_WITHIN) return { result, recoveredAfter };
      await pause(100);
    }
  });
  await pause(QUIET);
  for (const node of nodes) await node.load(0);
  return mapped(backends, async (backend): Promise<FloodResult> => {
    const reports = await Promise.all(nodes.map((node) => node.report(backend)));
    const deliveries = listeners[backend].flatMap((listener) =>
      nodes.map((node, i) => ({ listener, from: node.name, sent: reports[i]!.ticks })),
    );
    return {
      deliveries: await Promise.all(deliveries.map((delivery) => measureDelivery(delivery, started, ended))),
      closed: listeners[backend].flatMap(({ closed }) => closed ?? []),
      garbage: listeners[backend].flatMap(({ others }) => others).filter((event) => event !== '$session')
        .length,
      requests: requests[backend],
      standstill,
      afterwards: afterwards[backend].result,
      recoveredAfter: afterwards[backend].recoveredAfter,
      reports,
    };
  });
}

const isWhole = ({ error, answers }: RequestResult): boolean => error === undefined && answers?.length === 2;

async function sendAll(backend: Backend, sendGarbage: SendGarbage, random: Random): Promise<void> {
  for (let i = 0; i < COUNT; i++) {
    await sendGarbage(backend, random);
    if (i % BATCH_SIZE === BATCH_SIZE - 1) await pause(INTERVAL);
  }
}

async function measureDelivery(
  { listener, from, sent }: { listener: Listener; from: string; sent: number },
  started: number,
  ended: number,
): Promise<Delivery> {
  const isAll = (): boolean => listener.ticksFrom(from).some(({ n }) => n === sent - 1);
  // If it does not arrive, the numbers show it.
  await listener.until('the last message', isAll, RECOVERS_WITHIN).catch(() => undefined);
  const received = listener.ticksFrom(from);
  const count = (matches: (result: ReceivedTick) => boolean): number => received.filter(matches).length;
  return {
    title: `from ${from} to ${listener.node}`,
    numbers: received.map(({ n }) => n),
    sent,
    phases: [
      count(({ at }) => at < started),
      count(({ at }) => at >= started && at < ended),
      count(({ at }) => at >= ended),
    ],
  };
}
