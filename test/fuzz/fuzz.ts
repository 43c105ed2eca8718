import { newSeed, Random } from '../support/random.js';
import { KEPT } from './seeds.js';

/** How many times the short run: 1 in `npm test`, 100 in `npm run fuzz`. */
export const TIMES = Number(process.env['FUZZ'] ?? 1);
/** Cases on sockets that are under way at a time. */
const AT_ONCE = 24;
const MAX_SHOWN = 2_000;

/** One case: everything random in it comes from `random`, so that its seed brings it back. */
type Case = (random: Random) => void | Promise<void>;

/** The kept seeds, then new ones; only one where `FUZZ_SEED` says which. */
function* seedsOf(name: string, cases: number): Generator<number> {
  const only = process.env['FUZZ_SEED'];
  if (only !== undefined) return yield Number(only);
  yield* KEPT[name] ?? [];
  const first = newSeed();
  for (let i = 0; i < cases * TIMES; i++) yield (first + i) | 0;
}

function failure(name: string, seed: number, cause: unknown): Error {
  const again = `FUZZ_SEED=${seed} npm test -- test/fuzz/ -t '${name}'`;
  return new Error(`seed ${seed} failed (again: ${again}): ${String(cause)}`, { cause });
}

/** `it`, for so many random cases of something that answers at once. */
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

/** `it`, for so many random cases on sockets, some at a time. `start` makes what they run against. */
export function fuzzLines(
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
  // some seconds as a rule; a machine that others use has its moments
  return 40_000 * Math.max(1, TIMES);
}

/** `expect` costs more than most cases do. */
export function check(holds: boolean, what: string, ...details: unknown[]): asserts holds {
  if (!holds) throw new Error(`${what}: ${details.map(show).join(', ')}`);
}

function show(value: unknown): string {
  if (Buffer.isBuffer(value)) return show(value.toString('latin1'));
  if (value instanceof Error) return String(value);
  const text = (JSON.stringify(value) as string | undefined) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
