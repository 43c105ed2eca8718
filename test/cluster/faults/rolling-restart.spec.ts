import { setTimeout as pause } from 'node:timers/promises';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { newSeed, Random } from '../../support/random.js';
import { startNodes } from './node-process.js';
import { IS_LONG } from './backends.js';
import { RoamingClient } from './roaming-client.js';
import { until } from '../../support/wait.js';

const CLIENTS = IS_LONG ? 60 : 30;
const ROUNDS = IS_LONG ? 5 : 1;
const LIBRARIES = IS_LONG ? (['redis', 'ioredis'] as const) : (['redis'] as const);
/** Milliseconds between two messages of one node. */
const INTERVAL = 10;
/** The pause between the end of one node and that of the next, in milliseconds. */
const BETWEEN = 700;
/** The maximum delay before a client reconnects, in milliseconds. */
const DELAY = 300;

/** Returns what a client did not receive once and in order from one sender, between the first and the last number. */
function gaps(numbers: readonly number[], first: number, last: number): string[] {
  const errors = numbers.flatMap((n, i) => (n === first + i ? [] : [`${n} instead of ${first + i}`]));
  return numbers.at(-1) === last ? errors.slice(0, 3) : [...errors.slice(0, 3), `${last} is not the last`];
}

describeWithRedis('a rolling restart of all nodes under traffic', () => {
  const redis = new RedisServer();

  describe.each(LIBRARIES)('through a Redis stream, with %s', (library) => {
    const backend = `streams with recovery, ${library}` as const;

    it('loses and duplicates no message for a client that reconnects', async () => {
      const seed = newSeed();
      const random = new Random(seed);
      await redis.start();
      const namesOf = (generation: number): string[] => ['a', 'b', 'c'].map((name) => name + generation);
      const names = ['publisher', ...namesOf(0), ...namesOf(1)];
      const [publisher, ...nodes] = await startNodes(names, [backend], redis.url);
      const serving = nodes.slice(0, 3);
      const spare = nodes.slice(3);
      /** How many messages each node has sent. */
      const sent: Record<string, number> = {};
      for (const node of [publisher!, ...serving]) await node.load(INTERVAL);
      const clients = Array.from(
        { length: CLIENTS },
        () =>
          new RoamingClient(
            () => random.pick(serving).portOf(backend),
            () => random.below(DELAY),
          ),
      );
      const allClients = (event: string, condition: (client: RoamingClient) => boolean): Promise<void> =>
        until(event, () => clients.every(condition));
      const first = [publisher!, ...serving].map(({ name }) => name);
      await allClients('a message to each client', ({ numbers }) => first.every((name) => name in numbers));

      for (let round = 0; round < ROUNDS; round++) {
        for (const [i, stopping] of serving.entries()) {
          const next = spare.shift()!;
          serving[i] = next;
          await next.load(INTERVAL);
          sent[stopping.name] = (await stopping.end())[0]!;
          await pause(BETWEEN);
        }
        if (round < ROUNDS - 1) spare.push(...(await startNodes(namesOf(round + 2), [backend], redis.url)));
      }
      for (const node of [publisher!, ...serving]) {
        await node.load(0);
        sent[node.name] = (await node.report(backend)).ticks;
      }
      // a client that has begun anew may have missed all messages of some nodes
      await allClients('the last messages', ({ numbers, restarts }) =>
        Object.entries(sent).every(
          ([name, count]) =>
            numbers[name]?.at(-1) === count - 1 || (restarts > 0 && numbers[name] === undefined),
        ),
      );
      await allClients('the end of all connections that are being made', ({ isConnected }) => isConnected);

      const recoveries = clients.flatMap((client) => client.recoveries);
      const absences = clients.flatMap((client) => client.absences);
      const received = clients.flatMap(({ numbers }) => Object.values(numbers)).flat().length;
      const messages = Object.values(sent).reduce((sum, count) => sum + count);
      const recovered = recoveries.filter(Boolean).length;
      const restarts = clients.reduce((sum, client) => sum + client.restarts, 0);
      process.stderr.write(
        `rolling restart with ${library}, seed ${seed}: ${messages} messages of ${Object.keys(sent).length} nodes ` +
          `to ${CLIENTS} clients on 3 of them, ${received} received, ${recoveries.length} reconnects, ${recovered} recovered, ${restarts} too late, ` +
          `away for ${Math.max(...absences)} ms at most\n`,
      );
      expect(recoveries.length).toBeGreaterThanOrEqual(CLIENTS);
      expect(recovered).toBe(recoveries.length - restarts);
      for (const { numbers, restarts } of clients) {
        for (const [name, count] of Object.entries(sent)) {
          // A client receives all messages of a node that started later, and those of an earlier node from its first one on.
          const received = numbers[name];
          if (received === undefined) continue;
          const from = first.includes(name) || restarts > 0 ? received[0]! : 0;
          expect([name, gaps(received, from, count - 1)]).toEqual([name, []]);
        }
      }
      const codes = new Set(clients.flatMap((client) => client.codes));
      // 1006: the client connected to a node that was about to end.
      expect([...codes].filter((code) => code !== 1001 && code !== 1006)).toEqual([]);
    });
  });
});
