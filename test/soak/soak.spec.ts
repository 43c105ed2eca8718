import { Child } from '../support/child.js';
import { newSeed, Random } from '../support/random.js';
import type { Figures } from './figures.js';
import { VISITORS } from './clients.js';

declare const NEST_MAJOR: number;
declare const HTTP_PLATFORM: 'express' | 'fastify';

/** Seconds of traffic; a quarter more goes before it, of the same kind, to which its end is compared. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 6);
/** By itself on one project only: it is the same code, and takes its time. */
const isHere =
  process.env['SOAK_SECONDS'] !== undefined || (NEST_MAJOR === 12 && HTTP_PLATFORM === 'express');
/** Clients at a time. */
const CLIENTS = 200;
/** The heap after the collection: code that was compiled since, and what a collection leaves. */
const HEAP_TOLERANCE = 3_000_000;

/** Lets visitors come and go for some time. @returns how many there were */
async function soak(port: number, random: Random, seconds: number): Promise<number> {
  const deadline = Date.now() + seconds * 1_000;
  const failures: Error[] = [];
  let visits = 0;
  const visit = async (): Promise<void> => {
    while (Date.now() < deadline && failures.length === 0) {
      visits++;
      const visitor = random.pick(VISITORS);
      await visitor(new Random(random.below(2 ** 31)), port).catch((error: unknown) => {
        failures.push(new Error(`${visitor.name}: ${String(error)}`, { cause: error }));
      });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, visit));
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).slice(0, 5).join('\n'));
  return visits;
}

/** Nest keeps the client that came last, and the one that left last, of each of the five gateways. */
const HELD_BY_NEST = 10;

/** A client that `/slow` does not let in is let go, and told of. */
const MEANT = /a client was let go|handleConnection/;

/** The log's samplers remember, for a minute, which kinds of trouble they logged: a few words of the program's own. */
const FORGOTTEN_LATER = ['.reports.warnings.subjects', '.reports.errors.subjects'];

/** What is more than it was, the first of it. */
function grown(before: Record<string, number>, after: Record<string, number>, tolerance = 0): string[] {
  const more = Object.entries(after).filter(
    ([name, count]) =>
      count > (before[name] ?? 0) + tolerance && !FORGOTTEN_LATER.some((place) => name.startsWith(place)),
  );
  return more.map(([name, count]) => `${name}: ${before[name] ?? 0} -> ${count}`).slice(0, 20);
}

/** What was logged as an error, apart from what the gateways throw. */
function errorsIn(output: string): string[] {
  return output.split('\n').filter((line) => / (ERROR|FATAL) /.test(line) && !MEANT.test(line));
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

(isHere ? describe : describe.skip)('a soak', () => {
  it(
    'leaves maps, timers, sockets, listeners and the heap as they were',
    async () => {
      const app = await Child.start('../../soak/server', { flags: ['--expose-gc'] });
      const port = await app.ask<number>('port');
      const seed = newSeed();
      const random = new Random(seed);
      await soak(port, random, SECONDS / 4);
      const before = await app.ask<Figures>('figures');
      const visits = await soak(port, random, SECONDS);
      const after = await app.ask<Figures>('figures');
      process.stdout.write(
        `soak, seed ${seed}: ${visits} visits in ${SECONDS} s, ${after.connections - before.connections} connections, ` +
          `heap ${megabytes(before.heap)} -> ${megabytes(after.heap)} MB, ` +
          `external ${megabytes(before.external)} -> ${megabytes(after.external)} MB\n`,
      );
      for (const kind of ['sizes', 'resources', 'listeners', 'clients'] as const)
        expect([kind, grown(before[kind], after[kind])]).toEqual([kind, []]);
      expect(grown(before.objects, after.objects, HELD_BY_NEST)).toEqual([]);
      for (const place of FORGOTTEN_LATER) expect(after.sizes[place]).toBeLessThan(20);
      expect(Object.values(after.clients)).toEqual(Object.values(after.clients).map(() => 0));
      expect(after.heap).toBeLessThan(before.heap + HEAP_TOLERANCE);
      expect(after.external).toBeLessThan(before.external + HEAP_TOLERANCE);
      expect(errorsIn(app.output)).toEqual([]);
    },
    (SECONDS * 2 + 60) * 1_000,
  );
});
