import { newSeed, Random } from '../support/random.js';
import { SAVED_SEEDS } from './seeds.js';

/** The factor for the number of cases: 1 in `npm test`, 100 in `npm run fuzz`. */
export const TIMES = Number(process.env['FUZZ'] ?? 1);
/** The number of concurrent cases with connections. */
const AT_ONCE = 24;
const MAX_SHOWN = 2_000;

/** One case. All its randomness comes from `random`, so that its seed reproduces it. */
type Case = (random: Random) => void | Promise<void>;

/** Yields the saved seeds, then new ones. With `FUZZ_SEED`, only that one. */
function* seedsOf(name: string, cases: number): Generator<number> {
  const only = process.env['FUZZ_SEED'];
  if (only !== undefined) return yield Number(only);
  yield* SAVED_SEEDS[name] ?? [];
  const first = newSeed();
  for (let i = 0; i < cases * TIMES; i++) yield (first + i) | 0;
}

function failure(name: string, seed: number, cause: unknown): Error {
  const command = `FUZZ_SEED=${seed} npm test -- test/fuzz/ -t '${name}'`;
  return new Error(`seed ${seed} failed (to repeat: ${command}): ${String(cause)}`, { cause });
}

/** Defines a test with random synchronous cases. */
export function fuzz(name: string, cases: number, run: (random: Random) => void): void {
  it(
    name,
    () => {
      for (const seed of seedsOf(name, cases)) {
        try {
          run(new Random(seed));
        } catch (error) {
          throw failure(name, seed, error);
        }
      }
    },
    timeout(),
  );
}

/** Defines a test with random cases that use connections, some at a time. `start` creates their server. */
export function fuzzConnections(
  name: string,
  cases: number,
  start: () => Promise<{ run: Case; finish: () => Promise<void> }>,
): void {
  it(
    name,
    async () => {
      const { run, finish } = await start();
      const seeds = seedsOf(name, cases);
      let failed: Error | undefined;
      const work = async (): Promise<void> => {
        for (const seed of seeds) {
          if (failed !== undefined) return;
          try {
            await run(new Random(seed));
          } catch (error) {
            failed ??= failure(name, seed, error);
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      if (failed !== undefined) throw failed;
      await finish();
    },
    timeout(),
  );
}

function timeout(): number {
  // usually some seconds; more on a busy machine
  return 120_000 * Math.max(1, TIMES);
}

/** Throws unless `holds`. `expect` is slower than most cases. */
export function check(holds: boolean, what: string, ...details: unknown[]): asserts holds {
  if (!holds) throw new Error(`${what}: ${details.map(show).join(', ')}`);
}

function show(value: unknown): string {
  if (Buffer.isBuffer(value)) return show(value.toString('latin1'));
  if (value instanceof Error) return String(value);
  const text = (JSON.stringify(value) as string | undefined) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
