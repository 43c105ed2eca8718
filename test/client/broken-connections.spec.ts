import { DisconnectedError } from '../../lib/client/node.js';
import type { FaultyNetwork } from '../support/faulty-network.js';
import { newSeed, Random } from '../support/random.js';
import { until } from '../support/wait.js';
import { behindFaultyNetwork, client, next, startServer } from './fixture.js';

const CUTS = 20;
const MESSAGES = 200;

type Fault = (network: FaultyNetwork, random: Random) => void;

const FAULTS: Fault[] = [
  (network) => network.cut(),
  (network, random) => network.cutAfter(1 + random.below(300), 'up'),
  (network, random) => network.cutAfter(1 + random.below(300), 'down'),
  (network) => {
    network.isRefusing = true;
    network.cut();
    setTimeout(() => (network.isRefusing = false), 20);
  },
  (network) => {
    network.stall();
    network.cut();
    setTimeout(() => network.resume(), 20);
  },
];

describe('messages over a connection that breaks repeatedly', () => {
  it.each([1, 2])(
    'arrive at most once, and exactly once if they waited for a connection: run %i',
    async () => {
      const seed = newSeed();
      const random = new Random(seed);
      const { gateway, url, network } = await behindFaultyNetwork(await startServer());
      const socket = client(url, {
        pingInterval: 50,
        // the faults end connections, and a busy machine is slow
        connectTimeout: 20_000,
        pingTimeout: 20_000,
        ackTimeout: 60_000,
      });
      let connections = 0;
      socket.on('connect', () => connections++);
      await next(socket, 'connect');
      let count = 0;
      /** Messages by the number of the connection that they were sent on or wait for. */
      const sentOn = new Map<number, string[]>();
      const confirmed = new Set<string>();
      const possible = new Set<string>();
      const asked: Promise<void>[] = [];
      const failures: unknown[] = [];
      const say = (): void => {
        const text = `${++count}`;
        const number = socket.connected ? connections : connections + 1;
        sentOn.set(number, [...(sentOn.get(number) ?? []), text]);
        possible.add(text);
        if (random.chance(0.7)) {
          expect(socket.emit('say', text)).toBe(true);
          return;
        }
        const request = socket.emitWithAck('say' as never, text as never) as Promise<unknown>;
        const settled = request.then(
          () => void confirmed.add(text),
          (error: unknown) => void failures.push(error),
        );
        asked.push(settled);
      };
      /** Sends a request after the messages. Its answer proves that they arrived, if the connection is still the same. */
      const confirmAll = async (): Promise<boolean> => {
        const number = connections;
        const isSameConnection = await socket.emitWithAck('sum', []).then(
          () => number === connections,
          () => false,
        );
        if (isSameConnection) for (const text of sentOn.get(number) ?? []) confirmed.add(text);
        return isSameConnection;
      };
      for (let cut = 0; cut < CUTS; cut++) {
        const before = connections;
        for (let i = 0; i < MESSAGES / CUTS / 2; i++) say();
        if (random.chance(0.5)) await confirmAll();
        random.pick(FAULTS)(network, random);
        // Messages that a cut can interrupt.
        for (let i = 0; i < MESSAGES / CUTS / 2; i++) {
          say();
          if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, random.below(10)));
        }
        while (!(socket.connected && connections > before)) {
          if (socket.connected && random.chance(0.02)) say();
          await new Promise((resolve) => setTimeout(resolve, 1));
          // Cut again if the fault did not end the connection.
          if (socket.connected && connections === before) network.cut();
        }
      }
      await until('the last connection works', confirmAll);
      await Promise.all(asked);
      expect(failures.filter((error) => !(error instanceof DisconnectedError))).toEqual([]);
      const arrived = gateway.said.map(Number);
      // SEED=… repeats the random choices, but not the timing of the network.
      const outcome = { seed, twice: arrived.filter((text, i) => arrived.indexOf(text) !== i) };
      expect(outcome).toEqual({ seed, twice: [] });
      const there = new Set(gateway.said);
      expect({ seed, missing: [...confirmed].filter((text) => !there.has(text)) }).toEqual({
        seed,
        missing: [],
      });
      expect({ seed, unknown: gateway.said.filter((text) => !possible.has(text)) }).toEqual({
        seed,
        unknown: [],
      });
      expect({ seed, arrived }).toEqual({ seed, arrived: [...arrived].sort((a, b) => a - b) });
      expect(connections).toBeGreaterThan(CUTS);
      expect(confirmed.size).toBeGreaterThan(0);
      expect(arrived.length).toBeLessThanOrEqual(count);
    },
  );
});
