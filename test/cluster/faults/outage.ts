import { IS_LONG, type Backend } from './backends.js';
import type { Asked, ClusterNode, Question, Report } from './node-process.js';
import { pause } from './eventually.js';
import type { Heard, Listener } from './listener.js';

/** What becomes of a broker, and what brings it back. */
export interface Fault {
  begin(): unknown;
  end(): unknown;
  /** Milliseconds. */
  lasts?: number;
}

/** Milliseconds; that each node sends at. */
const INTERVAL = 40;
const BEFORE = 800;
// in longer ones the brokers' clients give up, too
const OUTAGE = IS_LONG ? 25_000 : 6_000;
const AFTER = 1_500;
/** That a question to other nodes may take, where the question can say. */
const PATIENCE = 1_500;
/** That a cluster may take to be whole again, once the broker is back. */
const RECOVERS_WITHIN = 20_000;
/** For `beforeAll`. */
export const ALL_OF_IT = OUTAGE + RECOVERS_WITHIN + 60_000;

const QUESTIONS: readonly Question[] = ['fetchSockets', 'emitWithAck', 'serverSideEmitWithAck'];

export interface Span {
  median: number;
  max: number;
}

/** How a backend came through: times in milliseconds. */
export interface Outcome {
  /** Until each node said that the broker is away, and that it is back. */
  away: (number | undefined)[];
  back: (number | undefined)[];
  /** What was asked before the node knew, and when it did. */
  asked: Record<Question, Asked[]>;
  askedAfterwards: Record<Question, Asked>;
  /** How long clients of the sender's own node waited for a message, before, and meanwhile. */
  waitedBefore: Span;
  waited: Span;
  /** The same, without the first seconds of the outage. */
  waitedLater: Span;
  /** How long a message to the other node took meanwhile, of those that came meanwhile. */
  crossed: Span;
  /** Messages of their own node that clients did not get once and in the order of the calls. */
  disorder: string[];
  /** Until the first message from the other node that was sent after the broker was back. */
  resumed: number;
  /** What was sent during the outage, and how much of that came to the other node nonetheless. */
  sentMeanwhile: number;
  cameLate: number;
  /** Later messages that did not come exactly once; and of those that did, how many in another order. */
  lost: number[];
  doubled: number[];
  overtaken: number;
  reports: Report[];
}

/** Two nodes under load, and a fault of the broker in the middle of it. */
export async function undergo(
  [here, there]: readonly [ClusterNode, ClusterNode],
  backends: readonly Backend[],
  fault: Fault,
): Promise<{ outcomes: Record<Backend, Outcome>; cpu: number }> {
  const nodes = [here, there];
  const listeners = await mapped(backends, (backend) => Promise.all(nodes.map((node) => node.join(backend))));
  for (const node of nodes) await node.load(INTERVAL);
  for (const backend of backends) {
    const [first, second] = listeners[backend]!;
    await first!.until(
      `${backend}: a message from ${there.name}`,
      () => first!.ticksFrom(there.name).length > 5,
    );
    await second!.until(
      `${backend}: a message from ${here.name}`,
      () => second!.ticksFrom(here.name).length > 5,
    );
  }
  const started = Date.now();
  await pause(BEFORE);
  await here.cpu();

  const broke = Date.now();
  await fault.begin();
  const ask = (): Promise<Record<Backend, Record<Question, Asked>>> =>
    mapped(backends, (backend) => mapped(QUESTIONS, (what) => here.ask(backend, what, PATIENCE)));
  const [early] = await Promise.all([ask(), pause((fault.lasts ?? OUTAGE) - PATIENCE)]);
  const late = ask();
  await pause(PATIENCE);
  const cpu = await here.cpu();
  await fault.end();
  const mended = Date.now();

  const resumed = await mapped(backends, async (backend) => {
    const [first, second] = listeners[backend]!;
    const fresh = (listener: Listener, node: ClusterNode): Promise<void> =>
      listener.until(
        `${backend}: a message from ${node.name} after the outage`,
        () => listener.ticksFrom(node.name, mended).length > 0,
        RECOVERS_WITHIN,
      );
    await Promise.all([fresh(first!, there), fresh(second!, here)]);
    return Date.now() - mended;
  });
  const whole = Date.now();
  await pause(AFTER);
  const askedAfterwards = await ask();
  for (const node of nodes) await node.load(0);
  const answeredLate = await late;

  const outcomes = await mapped(backends, async (backend): Promise<Outcome> => {
    const reports = await Promise.all(nodes.map((node) => node.report(backend)));
    const [first, second] = listeners[backend] as [Listener, Listener];
    const changed = (state: string, since: number): (number | undefined)[] =>
      reports.map(({ changes }) => {
        const [, at] = changes.find(([name, at]) => name === state && at >= broke) ?? [];
        // it may be there a moment before it says so
        return at === undefined ? undefined : Math.max(0, at - since);
      });
    const directions = [
      { to: first, from: there.name, ticks: reports[1]!.ticks },
      { to: second, from: here.name, ticks: reports[0]!.ticks },
    ];
    const later = await Promise.all(directions.map((direction) => settle(direction, whole)));
    const local = [...first.local, ...second.local];
    const between = (from: number, to: number): Heard[] => local.filter(({ at }) => at >= from && at < to);
    const meanwhile = (listener: Listener, from: string): Heard[] =>
      listener.ticksFrom(from).filter(({ at }) => at >= broke && at < mended);
    const crossing = [...meanwhile(first, there.name), ...meanwhile(second, here.name)];
    return {
      away: changed('away', broke),
      back: changed('connected', mended),
      asked: Object.fromEntries(
        QUESTIONS.map((what) => [what, [early[backend][what], answeredLate[backend][what]]]),
      ) as Outcome['asked'],
      askedAfterwards: askedAfterwards[backend],
      waitedBefore: span(between(started, broke)),
      waited: span(between(broke, mended)),
      waitedLater: span(between(broke + 2_500, mended)),
      crossed: span(crossing.filter(({ got }) => got < mended)),
      disorder: [first, second].flatMap(disorder),
      resumed: resumed[backend],
      sentMeanwhile: meanwhile(first, here.name).length + meanwhile(second, there.name).length,
      cameLate: crossing.length,
      lost: later.flatMap(({ lost }) => lost),
      doubled: later.flatMap(({ doubled }) => doubled),
      overtaken: later.reduce((sum, { overtaken }) => sum + overtaken, 0),
      reports,
    };
  });
  return { outcomes, cpu: cpu / ((mended - broke) / 1_000) };
}

/** What a client got of the messages that were sent since, once the last of them has come. */
async function settle(
  { to, from, ticks }: { to: Listener; from: string; ticks: number },
  since: number,
): Promise<{ lost: number[]; doubled: number[]; overtaken: number }> {
  const last = (): boolean => to.ticksFrom(from).some(({ n }) => n === ticks - 1);
  await to.until(`number ${ticks - 1} of ${from}`, last, 5_000).catch(() => undefined);
  const numbers = to.ticksFrom(from, since).map(({ n }) => n);
  const lowest = Math.min(...numbers);
  const times = new Map<number, number>();
  for (const n of numbers) times.set(n, (times.get(n) ?? 0) + 1);
  const expected = Array.from({ length: ticks - lowest }, (_, i) => lowest + i);
  return {
    lost: expected.filter((n) => !times.has(n)),
    doubled: expected.filter((n) => times.get(n)! > 1),
    overtaken: numbers.filter((n, i) => i > 0 && n < numbers[i - 1]!).length,
  };
}

export function span(heard: readonly Heard[]): Span {
  const times = heard.map(({ at, got }) => got - at).sort((a, b) => a - b);
  return { median: times[Math.floor(times.length / 2)] ?? 0, max: times.at(-1) ?? 0 };
}

/** Each tick goes to the room, and then to the client alone. */
export function disorder(listener: Listener): string[] {
  const { local, node } = listener;
  const [start] = local;
  const wrong: string[] = [];
  local.forEach(({ event, n }, i) => {
    const expected = `${i % 2 === 0 ? 'tick' : 'own'} ${start!.n + Math.floor(i / 2)}`;
    if (`${event} ${n}` !== expected) wrong.push(`${node}: ${event} ${n} instead of ${expected}`);
  });
  return wrong.slice(0, 5);
}

export async function mapped<Key extends string, Value>(
  keys: readonly Key[],
  make: (key: Key) => Promise<Value>,
): Promise<Record<Key, Value>> {
  const entries = await Promise.all(keys.map(async (key) => [key, await make(key)] as const));
  return Object.fromEntries(entries) as Record<Key, Value>;
}
