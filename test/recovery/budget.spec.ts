import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant, type EnvelopeOptions } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { startNode, type Node } from './cases.js';
import { Returning } from './recovery-client.js';

describeWithRedis('sessions whose connection another node takes for alive', () => {
  const redis = new RedisServer();
  const clients: { destroy(): void }[] = [];
  let stream = 0;
  let here: Node;
  let there: Node;
  /** What the first node was asked for. */
  let asked: unknown[];

  beforeAll(() => redis.start());
  afterAll(() => clients.forEach((client) => client.destroy()));

  const start = async (options: EnvelopeOptions): Promise<void> => {
    const streamName = `stream-${stream++}`;
    const make = async (): Promise<Node> => {
      const client = createClient({ url: redis.url });
      clients.push(client);
      client.on('error', () => undefined);
      await client.connect();
      const settings = { streamName, channelPrefix: streamName, blockTimeInMs: 200 };
      return startNode({ ...options, adapter: createAdapter(tolerant(client), settings), recovery: true });
    };
    [here, there] = [await make(), await make()];
    asked = [];
    const hear = here.server._onServerSideEmit.bind(here.server);
    here.server._onServerSideEmit = (args) => {
      asked.push((args as unknown[])[1]);
      hear(args);
    };
  };

  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
  const forge = async (count: number, address: string): Promise<Returning[]> => {
    const { offset } = await new Returning().connect(there.app, {}, from('10.0.9.9'));
    const forged = Array.from({ length: count }, (_, i) =>
      Object.assign(new Returning(), { session: `${'f'.repeat(20)}.${i}`, offset }),
    );
    return Promise.all(forged.map((client) => client.connect(there.app, {}, from(address))));
  };
  /** Clients of the first node whose connection is dead, and does not look so. */
  const pausedClients = async (count: number, address: string): Promise<Returning[]> => {
    const paused = Array.from({ length: count }, () => new Returning());
    await Promise.all(paused.map((client) => client.connect(here.app, {}, from(address))));
    for (const { client } of paused) client.ws.pause();
    return paused;
  };

  it('come back while another address floods the node with invented tokens, which cost the cluster little', async () => {
    await start({ trustProxy: 'loopback', limits: { maxConnectionsPerAddress: false } });
    const real = await pausedClients(4, '10.0.0.2');
    const started = performance.now();
    const flood = forge(200, '10.0.0.1');
    await until('the flood has used up its share', () => asked.length >= 20);
    await Promise.all(real.map((client) => client.connect(there.app, {}, from('10.0.0.2'))));
    expect(real.map(({ hello }) => hello.recovered)).toEqual([true, true, true, true]);
    expect((await flood).some(({ hello }) => hello.recovered)).toBe(false);
    const invented = asked.filter((token) => String(token).startsWith('f'));
    const seconds = (performance.now() - started) / 1_000;
    // 20 at once, and 20 a second
    expect(invented.length).toBeGreaterThanOrEqual(20);
    expect(invented.length).toBeLessThanOrEqual(21 + 20 * seconds);
  });

  it('come back however many of one address do so at once: tokens that exist cost nothing', async () => {
    await start({ trustProxy: 'loopback', limits: { maxConnectionsPerAddress: false } });
    for (let round = 0; round < 2; round++) {
      const real = await pausedClients(80, '10.0.0.3');
      await Promise.all(real.map((client) => client.connect(there.app, {}, from('10.0.0.3'))));
      expect(real.filter(({ hello }) => hello.recovered)).toHaveLength(80);
    }
  });

  it('come back through a proxy that nobody named, although others there invent tokens', async () => {
    await start({ limits: { maxConnectionsPerAddress: false } });
    const real = await pausedClients(2, '10.0.0.4');
    const flood = forge(60, '10.0.0.5');
    await until('the flood', () => asked.length >= 20);
    await Promise.all(real.map((client) => client.connect(there.app, {}, from('10.0.0.4'))));
    expect(real.map(({ hello }) => hello.recovered)).toEqual([true, true]);
    await flood;
  });
});
