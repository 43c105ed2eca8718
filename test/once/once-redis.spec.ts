import { readRecord } from '../../lib/once/answer.js';
import { redisOnce, type OnceStore } from '../../lib/once/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { redisClients } from '../support/brokers/redis-clients.js';
import type { Received, TestClient } from '../support/client.js';
import { until } from '../support/wait.js';
import { newKey, OnceGateway } from './fixture.js';

const WARNING = /the store of @Once\(\) failed/;

let ids = 0;
function send(client: TestClient, event: string, key: string, data: unknown = 1): Promise<Received> {
  const id = ++ids;
  client.send({ event, data, id, meta: { key } });
  return client.answer(id);
}

interface Clients {
  redis: Awaited<ReturnType<ReturnType<typeof redisClients>['redis']>>;
  ioredis: Awaited<ReturnType<ReturnType<typeof redisClients>['ioredis']>>;
}

interface Node {
  app: TestApp;
  gateway: OnceGateway;
  client: TestClient;
}

/** Starts a node, and connects a client to it. */
async function startNode(onceStore: OnceStore): Promise<Node> {
  const app = await startApp({ providers: [OnceGateway] }, { adapter: { onceStore } });
  return { app, gateway: app.nest.get(OnceGateway), client: await app.connect('/ws') };
}

describeWithRedis('answers in Redis', () => {
  const server = new RedisServer();
  const ends: (() => unknown)[] = [];
  beforeAll(async () => void (await server.start()));
  afterEach(async () => {
    await server.start();
    await Promise.all(ends.splice(0).map((end) => end()));
  });

  const connect = async <Library extends 'redis' | 'ioredis'>(library: Library) => {
    const client = (await redisClients(server)[library]()) as Clients[Library];
    ends.push(() => client.end());
    return client;
  };

  describe.each(['redis', 'ioredis'] as const)('with a client of %s', (library) => {
    it('does a message once on two nodes', async () => {
      const one = await startNode(redisOnce(await connect(library)));
      const two = await startNode(redisOnce(await connect(library)));
      const key = newKey();
      const first = await send(one.client, 'message', key);
      expect(await send(two.client, 'message', key)).toMatchObject({ data: first.data });
      expect((await send(two.client, 'message', key, 2)).data).toMatchObject({ code: 'key_reused' });
      expect([one.gateway.calls, two.gateway.calls]).toEqual([['message'], []]);
    });

    it('waits for the node that runs the handler', async () => {
      const one = await startNode(redisOnce(await connect(library)));
      const two = await startNode(redisOnce(await connect(library)));
      const key = newKey();
      const first = send(one.client, 'slow', key);
      await until('the handler', () => one.gateway.count('slow') === 1);
      const again = send(two.client, 'slow', key);
      const other = send(two.client, 'slow', key, 2);
      expect((await other).data).toMatchObject({ code: 'key_reused' });
      one.gateway.open();
      expect((await first).data).toBe('slow 1');
      expect((await again).data).toBe('slow 1');
      expect(two.gateway.calls).toEqual([]);
    });

    it('gives a key back after an error, and forgets an answer after its time', async () => {
      const { client, gateway } = await startNode(redisOnce(await connect(library)));
      const key = newKey();
      await send(client, 'fail', key, '503');
      await send(client, 'fail', key, '503');
      expect(gateway.calls).toEqual(['fail 503', 'fail 503']);
      const brief = newKey();
      await send(client, 'brief', brief);
      await until('another answer', async () => (await send(client, 'brief', brief)).data === 2);
    });
  });

  it('sends two commands for a message, and stores a claim with a lease, then the answer', async () => {
    const redis = await connect('ioredis');
    const commands: string[] = [];
    const watched = {
      call: (...args: [string, ...string[]]) => (commands.push(args[0]), redis.call(...args)),
    };
    const { client, gateway } = await startNode(redisOnce(watched, { prefix: 'mine:' }));
    const reply = send(client, 'slow', newKey());
    await until('the handler', () => gateway.count('slow') === 1);
    const [name, ...others] = await redis.keys('mine:*');
    expect(others).toEqual([]);
    expect(name).toMatch(/^mine:[\w-]{43}$/);
    expect(readRecord((await redis.get(name!))!)).toEqual({
      digest: expect.any(String),
      by: expect.any(String),
    });
    const lease = await redis.pttl(name!);
    expect(lease).toBeGreaterThan(20_000);
    expect(lease).toBeLessThanOrEqual(30_000);
    gateway.open();
    await reply;
    await until('the answer', async () => (await redis.get(name!))?.includes('"answer"') === true);
    expect(await redis.pttl(name!)).toBeGreaterThan(500_000);
    expect(commands).toEqual(['EVAL', 'EVAL']);
  });

  it('runs the handler again after the claim of a node that ended has expired', async () => {
    const redis = await connect('ioredis');
    const store = redisOnce(redis);
    const one = await startNode(store);
    const two = await startNode(store);
    const key = newKey();
    one.client.send({ event: 'slow', data: 1, id: 1, meta: { key } });
    await until('the handler', () => one.gateway.count('slow') === 1);
    const again = send(two.client, 'slow', key);
    const [name] = await redis.keys('envelope:once:*').then((names) => leased(redis, names));
    // as after 30 seconds without the node
    await redis.pexpire(name!, 1);
    await until('the handler on the other node', () => two.gateway.count('slow') === 1);
    two.gateway.open();
    expect((await again).data).toBe('slow 1');
    // the first node was only slow: its answer does not replace the other one
    one.gateway.open();
    await one.client.answer(1);
    expect((await send(one.client, 'slow', key)).data).toBe('slow 1');
  });

  it.each(['stopped', 'stalled'])('runs the handler, or refuses, while Redis is %s', async (how) => {
    const { app, client, gateway } = await startNode(redisOnce(await connect('ioredis')));
    const [before, during, paid] = [newKey(), newKey(), newKey()] as const;
    await send(client, 'message', before);
    if (how === 'stopped') await server.kill();
    else server.stall();
    const [ran, refused] = await Promise.all([send(client, 'message', during), send(client, 'pay', paid)]);
    expect(ran.data).toMatchObject({ n: 2 });
    expect(refused.data).toMatchObject({ code: 'unavailable' });
    expect(gateway.count('pay')).toBe(0);
    expect(app.log.of('warn').filter((text) => WARNING.test(text)).length).toBeGreaterThan(0);
    if (how === 'stopped') await server.start();
    else server.resume();
    await until('Redis', async () => (await send(client, 'pay', paid)).event !== 'exception');
    expect((await send(client, 'pay', paid)).data).toBe(1);
    expect(gateway.count('pay')).toBe(1);
  });
});

async function leased(
  redis: { get(name: string): Promise<string | null> },
  names: string[],
): Promise<string[]> {
  const values = await Promise.all(names.map(async (name) => [name, await redis.get(name)] as const));
  return values.filter(([, value]) => value?.includes('"by"') === true).map(([name]) => name);
}
