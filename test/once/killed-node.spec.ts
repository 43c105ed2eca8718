import { Redis } from 'ioredis';
import type { ClientSocket } from '../../lib/client/node.js';
import { reliable } from '../../lib/client/reliable.js';
import { client, faultyNetworkTo, next } from '../client/fixture.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { Child } from '../support/child.js';
import type { OnceNodeSettings } from '../support/child/once-node.js';
import type { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';

interface Emits {
  work: (text: string, answer: (result: string) => void) => void;
}

interface Stage {
  one: Child;
  two: Child;
  network: FaultyNetwork;
  /** Kills the first node, and lets the client find the second one. */
  fail(): Promise<void>;
  socket: ClientSocket<Record<string, never>, Emits>;
}

describeWithRedis('two nodes, of which one is killed', () => {
  let redis: Redis;
  // before the hook of the server: the client would connect to it again and again
  afterAll(() => redis.quit());
  const server = new RedisServer();
  beforeAll(async () => {
    await server.start();
    redis = new Redis(server.url);
  });

  /** Starts two nodes, and a client of the first one. */
  async function start(isSlow: boolean): Promise<Stage> {
    const settings = { url: server.url, isSlow } satisfies OnceNodeSettings;
    const [one, two] = await Promise.all([
      Child.start('once-node', { settings }),
      Child.start('once-node', { settings: { ...settings, isSlow: false } }),
    ]);
    const network = await faultyNetworkTo(await one.ask<number>('port'));
    const url = `ws://127.0.0.1:${network.port}/ws`;
    const socket = client(url, { reconnectionDelay: 5 }) as unknown as Stage['socket'];
    await next(socket, 'connect');
    const port = await two.ask<number>('port');
    const fail = async (): Promise<void> => {
      await one.kill();
      network.target = port;
      network.isRefusing = false;
      network.cut();
    };
    return { one, two, network, fail, socket };
  }

  it('has the message handled by the other node when the claim has expired, and by no third time', async () => {
    const { one, two, fail, socket } = await start(true);
    const send = reliable(socket);
    const answer = send.emitWithAck('work', 'in the midst');
    await one.waitFor('work');
    await fail();
    await next(socket, 'connect');
    const [name] = await redis.keys('envelope:once:*');
    expect(two.valuesOf('work')).toEqual([]);
    // as 30 seconds later
    await redis.pexpire(name!, 1);
    expect(await answer).toBe(`done by ${two.process.pid}`);
    expect([one.valuesOf('work'), two.valuesOf('work')]).toEqual([['in the midst'], ['in the midst']]);
  });

  it('has the answer of the killed node from the store', async () => {
    const { one, two, network, fail, socket } = await start(false);
    const send = reliable(socket);
    // the answer gets lost, and the client cannot come back before the node is dead
    network.cutAfter(1, 'down');
    network.isRefusing = true;
    const answer = send.emitWithAck('work', 'before');
    await one.waitFor('work');
    await until('the answer in the store', async () => {
      const values = await Promise.all((await redis.keys('envelope:once:*')).map((name) => redis.get(name)));
      return values.some((value) => value?.includes(`done by ${one.process.pid}`) === true);
    });
    await fail();
    expect(await answer).toBe(`done by ${one.process.pid}`);
    expect(two.valuesOf('work')).toEqual([]);
  });
});
