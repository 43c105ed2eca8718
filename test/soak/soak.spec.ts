import { Child } from '../support/child.js';
import { newSeed, Random } from '../support/random.js';
import type { Figures } from './figures.js';
import { SOAK_CLIENTS } from './clients.js';

declare const NEST_MAJOR: number;
declare const HTTP_PLATFORM: 'express' | 'fastify';

/** Seconds of traffic. A quarter more of the same traffic runs before, as the baseline of the comparison. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 6);
/** On one project only, unless requested: the code is the same, and the test takes long. */
const isHere =
  process.env['SOAK_SECONDS'] !== undefined || (NEST_MAJOR === 12 && HTTP_PLATFORM === 'express');
/** The number of clients at a time. */
const CLIENTS = 200;
/** The heap may grow by this number of bytes: newly compiled code, and what a garbage collection leaves. */
const HEAP_TOLERANCE = 3_000_000;

/** Runs random clients for some time. Returns the number of clients. */
async function soak(port: number, random: Random, seconds: number): Promise<number> {
  const deadline = Date.now() + seconds * 1_000;
  const failures: Error[] = [];
  let count = 0;
  const runClients = async (): Promise<void> => {
    while (Date.now() < deadline && failures.length === 0) {
      count++;
      const client = random.pick(SOAK_CLIENTS);
      await client(new Random(random.below(2 ** 31)), port).catch((error: unknown) => {
        failures.push(new Error(`${client.name}: ${String(error)}`, { cause: error }));
      });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, runClients));
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).slice(0, 5).join('\n'));
  return count;
}

/** Nest keeps the last connected and the last disconnected client of each of the five gateways. */
const HELD_BY_NEST = 10;

/** The expected errors: the server disconnects and logs clients whose `handleConnection` fails. */
const EXPECTED_ERROR = /a client was disconnected|handleConnection/;

/** For a minute, the log samplers keep the subjects that they logged, which are few. */
const TEMPORARY = ['.services.reports.warnings.subjects', '.services.reports.errors.subjects'];

/** Returns the first counts that have grown. */
function grown(before: Record<string, number>, after: Record<string, number>, tolerance = 0): string[] {
  const more = Object.entries(after).filter(
    ([name, count]) =>
      count > (before[name] ?? 0) + tolerance && !TEMPORARY.some((place) => name.startsWith(place)),
  );
  return more.map(([name, count]) => `${name}: ${before[name] ?? 0} -> ${count}`).slice(0, 20);
}

/** Returns the logged errors, except those that the gateways throw. */
function errorsIn(output: string): string[] {
  return output.split('\n').filter((line) => / (ERROR|FATAL) /.test(line) && !EXPECTED_ERROR.test(line));
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

(isHere ? describe : describe.skip)('a soak', () => {
  it(
    'does not grow maps, timers, sockets, listeners or the heap',
    async () => {
      const app = await Child.start('../../soak/server', { flags: ['--expose-gc'] });
      const port = await app.ask<number>('port');
      const seed = newSeed();
      const random = new Random(seed);
      await soak(port, random, SECONDS / 4);
      const before = await app.ask<Figures>('figures');
      const count = await soak(port, random, SECONDS);
      const after = await app.ask<Figures>('figures');
      process.stdout.write(
        `soak, seed ${seed}: ${count} clients in ${SECONDS} s, ${after.connections - before.connections} connections, ` +
          `heap ${megabytes(before.heap)} -> ${megabytes(after.heap)} MB, ` +
          `external ${megabytes(before.external)} -> ${megabytes(after.external)} MB\n`,
      );
      for (const kind of ['sizes', 'resources', 'listeners', 'clients'] as const)
        expect([kind, grown(before[kind], after[kind])]).toEqual([kind, []]);
      expect(grown(before.objects, after.objects, HELD_BY_NEST)).toEqual([]);
      for (const place of TEMPORARY) expect(after.sizes[place]).toBeLessThan(20);
      expect(Object.values(after.clients)).toEqual(Object.values(after.clients).map(() => 0));
      expect(after.heap).toBeLessThan(before.heap + HEAP_TOLERANCE);
      expect(after.external).toBeLessThan(before.external + HEAP_TOLERANCE);
      expect(errorsIn(app.output)).toEqual([]);
    },
    (SECONDS * 2 + 240) * 1_000,
  );
});
