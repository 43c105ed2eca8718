import { redisHistory, roomHistory } from '../../lib/history/index.js';
import { Bus } from '../support/bus.js';
import { redisClients } from '../support/brokers/redis-clients.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { newSeed } from '../support/random.js';
import { until } from '../support/wait.js';
import { startNode, type HistoryNode } from './gateway.js';
import { RoomClient } from './room-client.js';
import { storm } from './storm.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 300);
const TIMEOUT = Math.max(900_000, ROUNDS * 60);
/** Milliseconds. A client waits one and a half seconds for a store that does not answer, and a busy machine adds some. */
const IN_TIME = 10_000;
const rooms = { 'chat:*': { size: 10_000 }, 'short:*': { size: 4, ttl: 60_000 } };

describeWithRedis.each(['redis', 'ioredis'] as const)('histories in streams of Redis, with %s', (library) => {
  const redis = new RedisServer();
  const ends: (() => Promise<unknown>)[] = [];
  let bus: Bus;
  let nodes: HistoryNode[];

  const connect = async () => {
    const client = await redisClients(redis)[library]();
    ends.push(async () => client.end());
    return client;
  };
  const start = async (): Promise<HistoryNode> =>
    startNode({
      adapter: bus.adapter,
      history: roomHistory({ rooms, store: redisHistory(await connect()) }),
    });

  beforeAll(() => redis.start());
  beforeEach(async () => {
    bus = new Bus();
    nodes = [await start(), await start()];
  });
  afterEach(async () => {
    await Promise.all(nodes.map(({ app }) => app.close()));
    await Promise.all(ends.splice(0).map((end) => end()));
  });

  it(
    'miss nothing and repeat nothing in a storm on two nodes',
    async () => {
      const outcome = await storm(nodes, newSeed(), ROUNDS, async () => {
        await Promise.all(nodes.map(({ server }) => server.history('chat:1').read({ limit: 1 })));
      });
      process.stderr.write(`history, Redis with ${library}: ${JSON.stringify(outcome)}\n`);
    },
    TIMEOUT,
  );

  it('are read on another node, limited and deleted', async () => {
    const [one, two] = nodes as [HistoryNode, HistoryNode];
    const client = await new RoomClient().connect(two.app);
    expect(await client.enter('short:1')).toEqual({ complete: true, replayed: 0 });
    await client.cut();
    for (const text of ['a', 'b', 'ü']) one.server.to('short:1').emit('said', text);
    const history = two.server.history('short:1');
    await until('three messages', async () => (await history.read()).length === 3);
    const [, b, c] = await history.read();
    expect((await history.read({ after: b!.position })).map(({ data }) => data)).toEqual(['ü']);
    expect((await history.read({ before: c!.position, limit: 1 })).map(({ data }) => data)).toEqual(['b']);
    await client.connect(two.app);
    expect(await client.enter('short:1')).toEqual({ complete: true, replayed: 3 });
    await client.cut();
    await history.drop();
    expect(await history.read()).toEqual([]);
    await client.connect(one.app);
    expect(await client.enter('short:1')).toEqual({ complete: false, replayed: 0 });
    await client.cut();
    const sent = Array.from({ length: 500 }, (_, i) => i);
    for (const i of sent) one.server.to('short:1').emit('said', i);
    await until(
      'the last message',
      async () => (await one.server.history('short:1').read()).at(-1)?.data === 499,
    );
    await client.connect(two.app);
    expect(await client.enter('short:1')).toMatchObject({ complete: false });
    expect(client.payloads().slice(-4)).toEqual([496, 497, 498, 499]);
  });

  it('say that messages are missing while Redis is away, and after it is back', async () => {
    const [one, two] = nodes as [HistoryNode, HistoryNode];
    const inRoom = await new RoomClient().connect(one.app);
    await inRoom.enter('chat:2');
    redis.stall();
    try {
      const client = await new RoomClient().connect(one.app);
      const begin = Date.now();
      one.server.to('chat:2').emit('said', 'a');
      await inRoom.client.next('said');
      expect(await client.enter('chat:2', 5)).toEqual({ complete: false, replayed: 0 });
      expect(Date.now() - begin).toBeLessThan(IN_TIME);
      // it is in the room all the same
      one.server.to('chat:2').emit('said', 'b');
      await client.client.next('said');
      expect(client.payloads()).toEqual(['b']);
    } finally {
      redis.resume();
    }
    const later = await new RoomClient().connect(two.app);
    await until('both messages', async () => (await two.server.history('chat:2').read()).length === 2);
    expect(await later.enter('chat:2', 5)).toEqual({ complete: true, replayed: 2 });
  });

  it('say that messages are missing after Redis was killed and is back without them', async () => {
    const [one, two] = nodes as [HistoryNode, HistoryNode];
    const clients = await Promise.all(nodes.map(({ app }) => new RoomClient().connect(app)));
    const [first, second] = clients as [RoomClient, RoomClient];
    expect(await first.enter('chat:3')).toEqual({ complete: true, replayed: 0 });
    one.server.to('chat:3').emit('said', 'a');
    await until('the message', async () => (await two.server.history('chat:3').read()).length === 1);
    expect(await second.enter('chat:3', 5)).toEqual({ complete: true, replayed: 1 });
    for (const client of clients) await client.cut();
    await redis.kill();
    one.server.to('chat:3').emit('said', 'b');
    await redis.restart();
    // both libraries connect by themselves
    await until('Redis', async () => {
      await one.server.history('chat:3').read();
      return true;
    });
    for (const client of clients) {
      await client.connect(two.app);
      expect(await client.enter('chat:3')).toMatchObject({ complete: false });
    }
    one.server.to('chat:3').emit('said', 'c');
    await until('the message', () => second.payloads().includes('c'));
    await second.cut();
    await until('the message', async () =>
      (await two.server.history('chat:3').read()).some(({ data }) => data === 'c'),
    );
    one.server.to('chat:3').emit('said', 'd');
    await until('the message', async () =>
      (await two.server.history('chat:3').read()).some(({ data }) => data === 'd'),
    );
    await second.connect(one.app);
    expect(await second.enter('chat:3')).toEqual({ complete: true, replayed: 1 });
    expect(second.payloads().slice(-2)).toEqual(['c', 'd']);
  });
});

describe('redisHistory', () => {
  it('refuses what is no client of Redis', () => {
    expect(() => redisHistory({})).toThrow(
      'redisHistory: client is {}: it takes a client of ioredis or redis',
    );
    expect(() => redisHistory({ call: () => undefined }, { prefx: '' } as never)).toThrow(
      'Did you mean "prefix"?',
    );
  });
});
