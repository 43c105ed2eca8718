import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWithRedis } from '../support/brokers/redis.js';
import { newSeed, Random } from '../support/random.js';
import { SOAK_CLIENTS } from './clients.js';
import { drawSoak } from './cluster/chart.js';
import { Crowd } from './cluster/clients.js';
import { SoakCluster } from './cluster/cluster.js';
import { Latencies, type Incident, type NodeFigures, type Sample } from './cluster/figures.js';

/** Seconds of traffic: `npm run soak` sets an hour. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 6);
const IS_LONG = SECONDS > 60;
const NODES = IS_LONG ? 3 : 2;
/** The number of ordinary clients at a time. */
const CLIENTS = IS_LONG ? 160 : 40;
/** The number of hostile clients at a time, at the first node. */
const HOSTILE = IS_LONG ? 10 : 3;
/** Milliseconds that a client stays at most. */
const LONGEST = Math.min(60_000, (SECONDS * 1_000) / 2);
/** Milliseconds between two rows of the picture. */
const INTERVAL = Math.max(500, (SECONDS * 1_000) / 240);
/** Milliseconds for which the broker is suspended. */
const STALL = Math.min(5_000, SECONDS * 100);
/** Seconds between two incidents. */
const INCIDENT_EVERY = IS_LONG ? Math.min(120, SECONDS / 8) : 2;
/** Milliseconds until all connections have ended, and all that is kept for absent clients is gone. */
const REST = 30_000;
/** Megabytes by which the heap may grow: newly compiled code, and what a garbage collection leaves. */
const HEAP_TOLERANCE = IS_LONG ? 10 : 6;
/** The handles by which a node may differ: timers of the client of the broker. */
const HANDLE_TOLERANCE = 3;
const FOLDER = join(process.cwd(), 'test/.soak');

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

describeWithRedis('a soak of a cluster', () => {
  const seed = newSeed();
  const random = new Random(seed);
  const cluster = new SoakCluster(random);
  const latencies = new Latencies();
  const samples: Sample[] = [];
  const incidents: Incident[] = [];

  /** Runs clients for some seconds, while `meanwhile` does something to the cluster. */
  async function run(
    seconds: number,
    meanwhile: (until: number, crowd: Crowd) => Promise<void>,
  ): Promise<Crowd> {
    const crowd = new Crowd(cluster.port, random, latencies);
    const until = performance.now() + seconds * 1_000;
    const ordinary = crowd.run(CLIENTS, LONGEST);
    const hostile = Array.from({ length: HOSTILE }, async () => {
      while (performance.now() < until)
        await random
          .pick(SOAK_CLIENTS)(new Random(random.below(2 ** 31)), cluster.directPort)
          .catch(() => undefined);
    });
    await meanwhile(until, crowd);
    crowd.end();
    await Promise.all([ordinary, ...hostile]);
    return crowd;
  }

  /** Returns what the first node uses without clients, when two measurements in a row are the same. */
  async function atRest(): Promise<NodeFigures> {
    const deadline = performance.now() + REST;
    let figures = await cluster.figures();
    for (let same = 0; same < 2 && performance.now() < deadline;) {
      await pause(1_000);
      const next = await cluster.figures();
      const isQuiet = next.clients === 0 && next.handles <= figures.handles && next.rooms === figures.rooms;
      same = isQuiet && next.heap > figures.heap - 0.5 ? same + 1 : 0;
      figures = next;
    }
    return figures;
  }

  async function sample(start: number, until: number, crowd: Crowd): Promise<void> {
    while (performance.now() < until) {
      await pause(INTERVAL);
      const at = (performance.now() - start) / 1_000;
      samples.push({
        at,
        node: await cluster.figures(),
        connected: crowd.connected,
        latency: latencies.take(),
      });
    }
  }

  const INCIDENTS: readonly [what: string, act: () => Promise<void>][] = [
    ['kill a node', () => cluster.replaceNode('SIGKILL')],
    ['restart the broker', () => cluster.restartBroker()],
    ['end a node', () => cluster.replaceNode('SIGTERM')],
    ['suspend the broker', () => cluster.stallBroker(STALL)],
  ];

  async function disturb(start: number, until: number): Promise<void> {
    for (let index = 0; ; index++) {
      const next = start + (index + 1) * INCIDENT_EVERY * 1_000;
      // the last quarter shows whether the cluster is as it was
      if (next > until - (until - start) / 5) return;
      await pause(Math.max(0, next - performance.now()));
      const [what, act] = INCIDENTS[index % INCIDENTS.length]!;
      incidents.push({ at: (performance.now() - start) / 1_000, what });
      await act();
    }
  }

  it(
    'keeps nothing, and answers everybody, while nodes and the broker come and go',
    async () => {
      await cluster.start(NODES);
      const warm = await run(Math.max(2, SECONDS / 20), (until) => pause(until - performance.now()));
      const before = await atRest();
      latencies.take();
      const start = performance.now();
      const crowd = await run(SECONDS, async (until, clients) => {
        await Promise.all([sample(start, until, clients), disturb(start, until)]);
      });
      const after = await atRest();
      const { answers, lost } = latencies;
      const heading =
        `${SECONDS} s, seed ${seed}: ${warm.count + crowd.count} clients, ${answers} answers, ${lost} lost with their connections, ` +
        `${incidents.length} incidents; heap at rest ${before.heap.toFixed(1)} -> ${after.heap.toFixed(1)} MB`;
      process.stdout.write(`soak of a cluster, ${heading}\n`);
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(join(FOLDER, 'soak.svg'), drawSoak(heading, samples, incidents));
      writeFileSync(join(FOLDER, 'soak.json'), JSON.stringify({ before, after, samples, incidents }));
      await cluster.close();

      expect(cluster.complaints).toEqual([]);
      expect([...warm.wrong, ...crowd.wrong]).toEqual([]);
      expect(answers).toBeGreaterThan(SECONDS * 20);
      expect(lost).toBeLessThan(answers / 20);
      expect(incidents.map(({ what }) => what).slice(0, 2)).toEqual(['kill a node', 'restart the broker']);
      expect({ clients: after.clients, rooms: after.rooms }).toEqual({ clients: 0, rooms: before.rooms });
      expect(after.listeners).toBeLessThanOrEqual(before.listeners);
      expect(after.handles).toBeLessThanOrEqual(before.handles + HANDLE_TOLERANCE);
      expect(after.heap).toBeLessThan(before.heap + HEAP_TOLERANCE);
      expect(after.external).toBeLessThan(before.external + HEAP_TOLERANCE);
    },
    (SECONDS * 1.2 + 180) * 1_000,
  );
});
