import { setTimeout as pause } from 'node:timers/promises';
import { IS_LONG, type Backend } from './backends.js';
import type { RequestResult, ClusterNode, RequestKind, Report } from './node-process.js';
import type { ReceivedTick, Listener } from './listener.js';
import { measureStandstill } from './standstill.js';

/** What happens to a broker, and what ends it. */
export interface Fault {
  start(): unknown;
  stop(): unknown;
  /** The duration, in milliseconds. */
  lasts?: number;
}

/** The interval in milliseconds at which each node sends. */
const INTERVAL = 40;
const BEFORE = 800;
// In longer outages the clients of the brokers give up, too.
const OUTAGE = IS_LONG ? 25_000 : 6_000;
const AFTER = 1_500;
/** The timeout of a request to other nodes, if it has one, in milliseconds. */
const REQUEST_TIMEOUT = 1_500;
/** How long the cluster may need to recover once the broker is back, in milliseconds. */
const RECOVERS_WITHIN = 20_000;

const REQUESTS: readonly RequestKind[] = ['fetchSockets', 'emitWithAck', 'serverSideEmitWithAck'];

export interface Span {
  median: number;
  max: number;
}

/** The outcome for one backend. Times in milliseconds. */
export interface Outcome {
  /** The times until each node reported the broker as unreachable, and as reachable again. */
  away: (number | undefined)[];
  back: (number | undefined)[];
  /** The results of requests before the node noticed the outage, and after that. */
  results: Record<RequestKind, RequestResult[]>;
  resultsAfterwards: Record<RequestKind, RequestResult>;
  /** How long clients of the sending node waited for a message, before and during the outage. */
  earlierDelay: Span;
  localDelay: Span;
  /** The same, without the first seconds of the outage. */
  laterDelay: Span;
  /** How long messages to the other node took during the outage, of those that arrived during it. */
  crossed: Span;
  /** Messages of their own node that clients did not receive once and in the order of the calls. */
  disorder: string[];
  /** The time until the first message of the other node that was sent after the end of the outage. */
  resumed: number;
  /** How many messages were sent during the outage, and how many of them still reached the other node. */
  sentMeanwhile: number;
  arrivedLate: number;
  /** Later messages that did not arrive exactly once, and the number of those that arrived in another order. */
  lost: number[];
  duplicated: number[];
  overtaken: number;
  /** For how long the processes stood still: all other times may be longer by that. */
  standstill: number;
  reports: Report[];
}

/** Puts two nodes under load, and causes a fault of the broker meanwhile. */
export async function runFault(
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

  const standstillOf = await measureStandstill(nodes);
  const faultStart = Date.now();
  await fault.start();
  const requestAll = (): Promise<Record<Backend, Record<RequestKind, RequestResult>>> =>
    mapped(backends, (backend) => mapped(REQUESTS, (kind) => here.request(backend, kind, REQUEST_TIMEOUT)));
  const [early] = await Promise.all([requestAll(), pause((fault.lasts ?? OUTAGE) - REQUEST_TIMEOUT)]);
  const late = requestAll();
  await pause(REQUEST_TIMEOUT);
  const cpu = await here.cpu();
  await fault.stop();
  const faultEnd = Date.now();

  const resumed = await mapped(backends, async (backend) => {
    const [first, second] = listeners[backend]!;
    const fresh = (listener: Listener, node: ClusterNode): Promise<void> =>
      listener.until(
        `${backend}: a message from ${node.name} after the outage`,
        () => listener.ticksFrom(node.name, faultEnd).length > 0,
        RECOVERS_WITHIN,
      );
    await Promise.all([fresh(first!, there), fresh(second!, here)]);
    return Date.now() - faultEnd;
  });
  const recoveredAt = Date.now();
  await pause(AFTER);
  const resultsAfterwards = await requestAll();
  for (const node of nodes) await node.load(0);
  const answeredLate = await late;
  const standstill = await standstillOf();

  const outcomes = await mapped(backends, async (backend): Promise<Outcome> => {
    const reports = await Promise.all(nodes.map((node) => node.report(backend)));
    const [first, second] = listeners[backend] as [Listener, Listener];
    const changed = (state: string, since: number): (number | undefined)[] =>
      reports.map(({ changes }) => {
        const [, at] = changes.find(([name, at]) => name === state && at >= faultStart) ?? [];
        // The state may change a moment before the node reports it.
        return at === undefined ? undefined : Math.max(0, at - since);
      });
    const directions = [
      { to: first, from: there.name, ticks: reports[1]!.ticks },
      { to: second, from: here.name, ticks: reports[0]!.ticks },
    ];
    const later = await Promise.all(directions.map((direction) => receivedSince(direction, recoveredAt)));
    const local = [...first.local, ...second.local];
    const between = (from: number, to: number): ReceivedTick[] =>
      local.filter(({ at }) => at >= from && at < to);
    const meanwhile = (listener: Listener, from: string): ReceivedTick[] =>
      listener.ticksFrom(from).filter(({ at }) => at >= faultStart && at < faultEnd);
    const crossing = [...meanwhile(first, there.name), ...meanwhile(second, here.name)];
    return {
      away: changed('away', faultStart),
      back: changed('connected', faultEnd),
      results: Object.fromEntries(
        REQUESTS.map((kind) => [kind, [early[backend][kind], answeredLate[backend][kind]]]),
      ) as Outcome['results'],
      resultsAfterwards: resultsAfterwards[backend],
      earlierDelay: span(between(started, faultStart)),
      localDelay: span(between(faultStart, faultEnd)),
      laterDelay: span(between(faultStart + 2_500, faultEnd)),
      crossed: span(crossing.filter(({ receivedAt }) => receivedAt < faultEnd)),
      disorder: [first, second].flatMap(disorder),
      resumed: resumed[backend],
      sentMeanwhile: meanwhile(first, here.name).length + meanwhile(second, there.name).length,
      arrivedLate: crossing.length,
      lost: later.flatMap(({ lost }) => lost),
      duplicated: later.flatMap(({ duplicated }) => duplicated),
      overtaken: later.reduce((sum, { overtaken }) => sum + overtaken, 0),
      standstill,
      reports,
    };
  });
  return { outcomes, cpu: cpu / ((faultEnd - faultStart) / 1_000) };
}

/** Returns what a client received of the messages sent since this time, once the last one has arrived. */
async function receivedSince(
  { to, from, ticks }: { to: Listener; from: string; ticks: number },
  since: number,
): Promise<{ lost: number[]; duplicated: number[]; overtaken: number }> {
  const last = (): boolean => to.ticksFrom(from).some(({ n }) => n === ticks - 1);
  await to.until(`number ${ticks - 1} of ${from}`, last, 5_000).catch(() => undefined);
  const numbers = to.ticksFrom(from, since).map(({ n }) => n);
  const lowest = Math.min(...numbers);
  const times = new Map<number, number>();
  for (const n of numbers) times.set(n, (times.get(n) ?? 0) + 1);
  const expected = Array.from({ length: ticks - lowest }, (_, i) => lowest + i);
  return {
    lost: expected.filter((n) => !times.has(n)),
    duplicated: expected.filter((n) => times.get(n)! > 1),
    overtaken: numbers.filter((n, i) => i > 0 && n < numbers[i - 1]!).length,
  };
}

export function span(received: readonly ReceivedTick[]): Span {
  const times = received.map(({ at, receivedAt }) => receivedAt - at).sort((a, b) => a - b);
  return { median: times[Math.floor(times.length / 2)] ?? 0, max: times.at(-1) ?? 0 };
}

/** Each tick goes to the room, and then to each client directly. */
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
