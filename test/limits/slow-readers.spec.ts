import { setTimeout as pause } from 'node:timers/promises';
import { Child } from '../support/child.js';
import type { Figures, Flood, FloodReport, FlowSettings, Memory } from '../support/child/flow-server.js';
import type { ReaderReport } from '../support/child/readers.js';
import type { ProbeReport } from '../support/child/probe-client.js';

// The long version, 200 MB in 30 s, with connections that are cut because the peer never answers the close frame:
// FLOW_SECONDS=30 npm test -- test/limits/slow-readers.spec.ts --selectProjects nest-12-express
const SECONDS = Number(process.env['FLOW_SECONDS'] ?? 3);
const IS_FULL = SECONDS >= 30;
const BYTES = IS_FULL ? 200_000_000 : 20_000_000 * Math.max(1, SECONDS / 3);
/** How long `ws` waits for the answer to a close frame, in milliseconds. */
const CLOSE_TIMEOUT = 30_000;

declare const NEST_MAJOR: number;
declare const HTTP_PLATFORM: 'express' | 'fastify';
// The suite takes seconds under load. It runs on one platform only.
const describeOnce = NEST_MAJOR === 12 && HTTP_PLATFORM === 'express' ? describe : describe.skip;

const reportLines: string[] = [];
const formatMemory = ({ rss, heapUsed, external }: Memory): string =>
  `rss ${rss.toFixed(0)}, heap ${heapUsed.toFixed(0)}, external ${external.toFixed(0)} MB`;

interface Load {
  count: number;
  isDirect?: true;
  isCompressed?: true;
}

/** Starts a server, slow readers and a witness, each in its own process. */
async function startLoad({ count, isCompressed = false }: { count: number; isCompressed?: boolean }) {
  // readers that have stopped answer no ping either: here, what they do not read is to end them
  const settings: FlowSettings = { options: { perMessageDeflate: isCompressed, pingInterval: 0 } };
  const [server, readers, witness] = await Promise.all([
    Child.start('flow-server', { settings, flags: ['--expose-gc'] }),
    Child.start('readers'),
    Child.start('probe-client'),
  ]);
  const port = await server.ask<number>('port');
  await server.ask<FloodReport>('flood', { bytes: 200_000, seconds: 0, size: 1_000 });
  const before = await server.ask<Figures>('figures');
  await readers.ask('connect', { port, count, maxBytes: 100_000, isCompressed });
  await witness.ask('connect', port);
  return { server, readers, witness, before };
}

async function waitForFigures(server: Child, condition: (figures: Figures) => boolean): Promise<Figures> {
  const deadline = Date.now() + CLOSE_TIMEOUT + 10_000;
  for (;;) {
    const figures = await server.ask<Figures>('figures');
    if (condition(figures)) return figures;
    if (Date.now() > deadline) throw new Error(`the server is left with ${JSON.stringify(figures)}`);
    // each figure collects the garbage of the server
    await pause(20);
  }
}

function report(
  title: string,
  before: Memory,
  flood: FloodReport,
  after: Memory,
  testimony: ProbeReport,
): void {
  const { count, median, p99, max } = testimony.roundTrips;
  reportLines.push(
    `${title}, ${BYTES / 1e6} MB in ${SECONDS} s\n  before: ${formatMemory(before)}\n` +
      `  peak:   ${formatMemory(flood.peak)}; most for one client ${flood.maxBuffered} bytes; ` +
      `event loop late by ${flood.delay.toFixed(0)} ms at most\n` +
      `  after:  ${formatMemory(after)}\n  witness: ${count} round trips, median ${median.toFixed(1)}, ` +
      `p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms`,
  );
}

describeOnce('readers that stop in the middle of a frame', () => {
  afterAll(() => process.stderr.write(`${reportLines.join('\n')}\n`));

  it.each<[string, Load]>([
    ['a hundred readers under broadcasts', { count: 100 }],
    ['twenty readers with direct messages', { count: 20, isDirect: true }],
    ['ten readers with compressed connections', { count: 10, isCompressed: true }],
  ])(
    '%s use bounded memory, and delay no other client',
    async (title, load) => {
      const { count, isDirect = false, isCompressed = false } = load;
      const { server, readers, witness, before } = await startLoad(load);
      const options = { bytes: BYTES, seconds: SECONDS, size: 16_000, isDirect, isCompressed };
      const flood = server.ask<FloodReport>('flood', options satisfies Flood);
      await readers.waitFor('stopped', count);
      // The server closes all of them, although none has read the close frame yet.
      const closeReasons = await server.waitFor('left', count);
      expect(new Set(closeReasons)).toEqual(new Set(['1013 server namespace disconnect']));

      // Readers that resume within closeTimeout of `ws` receive the reason. The server cuts the other connections.
      const resumed = count / 2;
      await readers.ask('resume', resumed);
      await readers.waitFor('closed', resumed);
      const done = await flood;
      expect((await server.ask<Figures>('figures')).sockets).toBe(1);
      if (!IS_FULL) await readers.ask('destroy');
      // Only the connection of the witness is left.
      await waitForFigures(server, ({ handles }) => handles === before.handles + 1);
      await readers.ask('destroy');
      const outcomes = await readers.ask<ReaderReport[]>('reports');
      if (!isCompressed) for (const outcome of outcomes) expect(outcome.stoppedInsideFrame).toBe(true);
      for (const outcome of outcomes.slice(0, resumed)) {
        expect(outcome.close).toEqual({ code: 1013, reason: 'the client reads too slowly' });
        if (isCompressed) continue;
        expect(outcome.gap).toBeUndefined();
        expect(outcome.bulk).toBeLessThan(done.messages);
        // A volatile message was sent in each round.
        expect(outcome.position).toBeLessThan(done.volatiles * 0.8);
      }
      for (const outcome of outcomes.slice(resumed)) expect(outcome.close).toBeUndefined();

      const testimony = await witness.ask<ProbeReport>('report');
      expect(testimony).toMatchObject({ bulk: done.messages });
      expect([testimony.gap, testimony.closed]).toEqual([undefined, undefined]);
      // Readers that delay others do so for seconds, until they are cut.
      expect(testimony.roundTrips.median).toBeLessThan(1_000);
      // The short version has a few dozen round trips, so the p99 is the slowest one.
      if (IS_FULL) expect(testimony.roundTrips.p99).toBeLessThan(1_000);
      // Most of that is the machine, which copies a hundred times the kernel buffer.
      expect(testimony.roundTrips.max).toBeLessThan(10_000);
      await witness.kill();

      const after = await waitForFigures(
        server,
        (now) => now.sockets === 0 && now.handles === before.handles,
      );
      report(title, before.memory, done, after.memory, testimony);
      // All receivers of a broadcast share one buffer.
      const bound = isDirect || isCompressed ? 200 + 10 * count : 200;
      expect(done.peak.rss - before.memory.rss).toBeLessThan(bound);
      expect([after.rooms, after.timers]).toEqual([0, before.timers]);
      expect(after.memory.heapUsed - before.memory.heapUsed).toBeLessThan(10);
      expect(after.memory.external - before.memory.external).toBeLessThan(10);
    },
    2 * SECONDS * 1_000 + CLOSE_TIMEOUT + 60_000,
  );
});
