import { Random } from '../../support/random.js';
import type { Backend } from './backends.js';
import { pause } from './eventually.js';
import type { Asked, ClusterNode, Report } from './node-process.js';
import type { Pour } from './malformed-senders.js';
import type { Heard, Listener } from './listener.js';
import { mapped } from './outage.js';

/** Damaged messages for each backend. */
export const COUNT = 300;
/** Of them at a time, and milliseconds between two times. */
const AT_A_TIME = 10;
const INTERVAL = 50;
/** Milliseconds; that each node sends at. */
const TICK = 40;
/** Without garbage, before and afterwards. */
const QUIET = 600;
/** For one question. */
const PATIENCE = 1_000;
/** Until both clients are counted, and all messages have come: nodes that there never were have to be forgotten. */
const MENDED_WITHIN = 10_000;
/** For `beforeAll`. */
export const ALL_OF_IT = 120_000;

/** What came of one node's messages to one client. */
export interface Way {
  title: string;
  numbers: number[];
  /** How many nodes have sent. */
  sent: number;
  /** How many came of those that were sent before the garbage, meanwhile and afterwards. */
  phases: [before: number, meanwhile: number, afterwards: number];
}

/** How a backend came through. */
export interface Flooded {
  ways: Way[];
  /** What the clients' lines ended with, of those that did. */
  closed: number[];
  /** How often clients heard of the garbage. */
  garbage: number;
  /** `fetchSockets`, asked again and again meanwhile, and afterwards until all is as it was. */
  asked: Asked[];
  afterwards: Asked;
  /** Milliseconds until it was. */
  mended: number;
  reports: Report[];
}

/** Two nodes under load, and garbage on their channels in the middle of it. */
export async function flood(
  nodes: readonly [ClusterNode, ClusterNode],
  backends: readonly Backend[],
  pour: Pour,
  seed: number,
): Promise<Record<Backend, Flooded>> {
  const [here] = nodes;
  const listeners = await mapped(backends, (backend) => Promise.all(nodes.map((node) => node.join(backend))));
  for (const node of nodes) await node.load(TICK);
  await mapped(backends, async (backend) => {
    for (const listener of listeners[backend])
      for (const { name } of nodes)
        await listener.until(`${backend}: a message of ${name}`, () => listener.ticksFrom(name).length > 5);
  });
  await pause(QUIET);

  const begun = Date.now();
  let isOver = false;
  const asking = mapped(backends, async (backend) => {
    const asked: Asked[] = [];
    while (!isOver) {
      asked.push(await here.ask(backend, 'fetchSockets', PATIENCE));
      await pause(INTERVAL);
    }
    return asked;
  });
  try {
    await mapped(backends, (backend) => pourAll(backend, pour, new Random(seed)));
  } finally {
    isOver = true;
  }
  const over = Date.now();
  const asked = await asking;

  const afterwards = await mapped(backends, async (backend) => {
    for (;;) {
      const one = await here.ask(backend, 'fetchSockets', PATIENCE);
      const mended = Date.now() - over;
      if (isWhole(one) || mended > MENDED_WITHIN) return { one, mended };
      await pause(100);
    }
  });
  await pause(QUIET);
  for (const node of nodes) await node.load(0);
  return mapped(backends, async (backend): Promise<Flooded> => {
    const reports = await Promise.all(nodes.map((node) => node.report(backend)));
    const ways = listeners[backend].flatMap((listener) =>
      nodes.map((node, i) => ({ listener, from: node.name, sent: reports[i]!.ticks })),
    );
    return {
      ways: await Promise.all(ways.map((way) => look(way, begun, over))),
      closed: listeners[backend].flatMap(({ closed }) => closed ?? []),
      garbage: listeners[backend].flatMap(({ others }) => others).filter((event) => event !== '$session')
        .length,
      asked: asked[backend],
      afterwards: afterwards[backend].one,
      mended: afterwards[backend].mended,
      reports,
    };
  });
}

const isWhole = ({ error, answers }: Asked): boolean => error === undefined && answers?.length === 2;

async function pourAll(backend: Backend, pour: Pour, random: Random): Promise<void> {
  for (let i = 0; i < COUNT; i++) {
    await pour(backend, random);
    if (i % AT_A_TIME === AT_A_TIME - 1) await pause(INTERVAL);
  }
}

async function look(
  { listener, from, sent }: { listener: Listener; from: string; sent: number },
  begun: number,
  over: number,
): Promise<Way> {
  const isAll = (): boolean => listener.ticksFrom(from).some(({ n }) => n === sent - 1);
  // if they do not come, it shows in the numbers
  await listener.until('the last message', isAll, MENDED_WITHIN).catch(() => undefined);
  const heard = listener.ticksFrom(from);
  const count = (is: (one: Heard) => boolean): number => heard.filter(is).length;
  return {
    title: `from ${from} to ${listener.node}`,
    numbers: heard.map(({ n }) => n),
    sent,
    phases: [
      count(({ at }) => at < begun),
      count(({ at }) => at >= begun && at < over),
      count(({ at }) => at >= over),
    ],
  };
}
