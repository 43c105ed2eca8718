import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { newSeed, Random } from '../../support/random.js';
import { startNodes } from './node-process.js';
import { eventually, pause } from './eventually.js';
import { IS_LONG } from './backends.js';
import { Traveller } from './roaming-client.js';

const CLIENTS = IS_LONG ? 60 : 30;
const ROUNDS = IS_LONG ? 5 : 1;
const LIBRARIES = IS_LONG ? (['redis', 'ioredis'] as const) : (['redis'] as const);
const TIMEOUT = IS_LONG ? 400_000 : 120_000;
/** Milliseconds between two messages of one node. */
const INTERVAL = 10;
/** Between the end of one node and that of the next. */
const BETWEEN = 700;
/** That a client is away, at most, before it tries again. */
const DELAY = 300;

/** What a client did not get once and in order of what somebody sent, from the first to the last that it should have. */
function gaps(numbers: readonly number[], first: number, last: number): string[] {
  const wrong = numbers.flatMap((n, i) => (n === first + i ? [] : [`${n} in the place of ${first + i}`]));
  return numbers.at(-1) === last ? wrong.slice(0, 3) : [...wrong.slice(0, 3), `${last} is not the last`];
}

describeWithRedis('a rolling restart of all nodes under traffic', () => {
  const redis = new RedisServer();

  describe.each(LIBRARIES)('through a Redis stream, with %s', (library) => {
    const backend = `streams with recovery, ${library}` as const;

    it(
      'costs no client that comes back a message, nor gives it one twice',
      async () => {
        const seed = newSeed();
        const random = new Random(seed);
        await redis.start();
        const namesOf = (generation: number): string[] => ['a', 'b', 'c'].map((name) => name + generation);
        const names = ['publisher', ...namesOf(0), ...namesOf(1)];
        const [publisher, ...nodes] = await startNodes(names, [backend], redis.url);
        const serving = nodes.slice(0, 3);
        const spare = nodes.slice(3);
        /** How many each of them has sent. */
        const sent: Record<string, number> = {};
        for (const node of [publisher!, ...serving]) await node.load(INTERVAL);
        const travellers = Array.from(
          { length: CLIENTS },
          () =>
            new Traveller(
              () => random.pick(serving).portOf(backend),
              () => random.below(DELAY),
            ),
        );
        const everybody = (what: string, holds: (traveller: Traveller) => boolean): Promise<void> =>
          eventually(what, () => travellers.every(holds));
        const first = [publisher!, ...serving].map(({ name }) => name);
        await everybody('a message to each client', ({ numbers }) => first.every((name) => name in numbers));

        for (let round = 0; round < ROUNDS; round++) {
          for (const [i, ending] of serving.entries()) {
            const next = spare.shift()!;
            serving[i] = next;
            await next.load(INTERVAL);
            sent[ending.name] = (await ending.end())[0]!;
            await pause(BETWEEN);
          }
          if (round < ROUNDS - 1) spare.push(...(await startNodes(namesOf(round + 2), [backend], redis.url)));
        }
        for (const node of [publisher!, ...serving]) {
          await node.load(0);
          sent[node.name] = (await node.report(backend)).ticks;
        }
        await everybody('the last messages', ({ numbers }) =>
          Object.entries(sent).every(([name, count]) => numbers[name]?.at(-1) === count - 1),
        );

        const comebacks = travellers.flatMap((traveller) => traveller.comebacks);
        const absences = travellers.flatMap((traveller) => traveller.absences);
        const received = travellers.flatMap(({ numbers }) => Object.values(numbers)).flat().length;
        const messages = Object.values(sent).reduce((sum, count) => sum + count);
        const recovered = comebacks.filter(Boolean).length;
        process.stderr.write(
          `rolling restart with ${library}, seed ${seed}: ${messages} messages of ${Object.keys(sent).length} nodes ` +
            `to ${CLIENTS} clients on 3 of them, ${received} received, ${comebacks.length} reconnects, ${recovered} recovered, ` +
            `away for ${Math.max(...absences)} ms at most\n`,
        );
        expect(comebacks.length).toBeGreaterThanOrEqual(CLIENTS);
        expect(recovered).toBe(comebacks.length);
        for (const { numbers } of travellers) {
          for (const [name, count] of Object.entries(sent)) {
            // who sent before the client came is heard from then on, all others from their beginning
            const from = first.includes(name) ? numbers[name]![0]! : 0;
            expect([name, gaps(numbers[name]!, from, count - 1)]).toEqual([name, []]);
          }
        }
        const codes = new Set(travellers.flatMap((traveller) => traveller.codes));
        // 1006: came to a node that was about to end
        expect([...codes].filter((code) => code !== 1001 && code !== 1006)).toEqual([]);
      },
      TIMEOUT,
    );
  });
});
