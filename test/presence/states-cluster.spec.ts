import { createAdapter } from '@socket.io/redis-adapter';
import type { AdapterFactory } from '../../lib/index.js';
import { Bus } from '../support/bus.js';
import { redisClients } from '../support/brokers/redis-clients.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { newSeed, Random } from '../support/random.js';
import { until } from '../support/wait.js';
import { cut, Pages, ROOM, shows, startNode, textOf, type Node, type Page } from './states-fixture.js';

describe('shared states of several nodes', () => {
  const pages = new Pages();
  afterEach(() => pages.close());

  it('are those of all nodes, and a node that goes takes its own along', async () => {
    const bus = new Bus();
    const [here, there] = [
      await startNode({ adapter: bus.adapter }),
      await startNode({ adapter: bus.adapter }),
    ];
    const [ada, bob] = [await pages.enter(here), await pages.enter(there)];
    ada.room.set('a');
    bob.room.set('b');
    await shows(ada, '"b"');
    await shows(bob, '"a"');
    const third = await startNode({ adapter: bus.adapter });
    const eve = await pages.enter(third);
    await shows(eve, '"a"; "b"');
    bob.socket.disconnect();
    const carl = await pages.enter(there);
    carl.room.set('c');
    await shows(ada, '"c"');
    await there.app.close();
    for (const page of [ada, eve])
      await until('carl has left', () => !textOf(page.room.others).includes('c'));
  });

  it('are whole again after a message between nodes was lost', async () => {
    const bus = new Bus();
    const [here, there] = [
      await startNode({ adapter: bus.adapter }),
      await startNode({ adapter: bus.adapter }),
    ];
    const [ada, bob] = [await pages.enter(here), await pages.enter(there)];
    bob.room.set(1);
    await shows(ada, '1');
    let lost = 0;
    bus.loses = (text) => text.includes('$presence:states') && ++lost > 0;
    bob.room.set(2);
    await until('the loss', () => lost > 0);
    bus.loses = () => false;
    const eve = await pages.enter(there);
    eve.room.set(3);
    await shows(ada, '2; 3');
  });
});

describeWithRedis('shared states over Redis', () => {
  const redis = new RedisServer();
  const pages = new Pages();
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(() => redis.start());
  afterEach(async () => {
    pages.close();
    for (const end of ends.splice(0)) await end();
  });
  afterAll(() => redis.stop());

  async function startRedisNode(): Promise<Node> {
    const [publisher, subscriber] = [
      await redisClients(redis).ioredis(),
      await redisClients(redis).ioredis(),
    ];
    const adapter = createAdapter(publisher, subscriber, { requestsTimeout: 1_000 }) as AdapterFactory;
    const node = await startNode({ adapter });
    ends.push(
      () => node.app.close(),
      () => publisher.quit(),
      () => subscriber.quit(),
    );
    return node;
  }

  it('are the truth for every client at rest, whatever happened before', async () => {
    const seed = newSeed();
    const random = new Random(seed);
    const nodes = [await startRedisNode(), await startRedisNode(), await startRedisNode()];
    const all: Page[] = Array.from({ length: 9 }, (_, n) => pages.open(nodes[n % 3]!));
    /** What each client wants its state to be. */
    const wanted = new Map<Page, unknown>();
    const step = async (): Promise<void> => {
      const page = random.pick(all);
      const what = random.below(12);
      if (what === 0) cut(nodes, page.socket);
      else if (what < 3) page.socket.emit('join', ROOM);
      else if (what === 3) page.socket.emit('leave', ROOM);
      else {
        const state = what === 4 ? null : { x: random.below(100), y: random.below(100) };
        wanted.set(page, state);
        page.room.set(state);
      }
      if (random.chance(0.3)) await new Promise(setImmediate);
    };
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 100; i++) await step();
      for (const page of all) {
        // a cut may have been the last step
        await until('the connection', () => page.socket.connected);
        await page.socket.emitWithAck('join', ROOM).catch(() => page.socket.emit('join', ROOM));
      }
      for (const page of all) {
        const truth = textOf(
          all
            .filter((other) => other !== page && (wanted.get(other) ?? null) !== null)
            .map((other) => ({ id: '', state: wanted.get(other) })),
        );
        await shows(page, truth).catch((error: unknown) => {
          throw new Error(`seed ${seed}, round ${round}: ${String(error)}`);
        });
      }
    }
  });
});
