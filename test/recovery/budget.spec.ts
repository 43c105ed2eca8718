import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant, type EnvelopeOptions } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { startNode, type Node } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

describeWithRedis('sessions whose connection another node still considers open', () => {
  const clients: { destroy(): void }[] = [];
  let stream = 0;
  let here: Node;
  let there: Node;
  /** The tokens that the first node was asked for. */
  let requestedTokens: unknown[];

  beforeAll(() => redis.start());
  afterAll(() => clients.forEach((client) => client.destroy()));
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  const start = async (options: EnvelopeOptions): Promise<void> => {
    const streamName = `stream-${stream++}`;
    const makeNode = async (): Promise<Node> => {
      const client = createClient({ url: redis.url });
      clients.push(client);
      client.on('error', () => undefined);
      await client.connect();
      const settings = { streamName, channelPrefix: streamName, blockTimeInMs: 200 };
      return startNode({ ...options, adapter: createAdapter(tolerant(client), settings), recovery: true });
    };
    [here, there] = [await makeNode(), await makeNode()];
    requestedTokens = [];
    const handleEvent = here.server._onServerSideEmit.bind(here.server);
    here.server._onServerSideEmit = (args) => {
      requestedTokens.push((args as unknown[])[1]);
      handleEvent(args);
    };
  };

  const forwardedFrom = (address: string) => ({ headers: { 'x-forwarded-for': address } });
  const connectForged = async (count: number, address: string): Promise<RecoveringClient[]> => {
    const { offset } = await new RecoveringClient().connect(there.app, {}, forwardedFrom('10.0.9.9'));
    const forged = Array.from({ length: count }, (_, i) =>
      Object.assign(new RecoveringClient(), { session: `${'f'.repeat(20)}.${i}`, offset }),
    );
    return Promise.all(forged.map((client) => client.connect(there.app, {}, forwardedFrom(address))));
  };
  /** Connects clients to the first node, whose connections are dead without the server noticing. */
  const pausedClients = async (count: number, address: string): Promise<RecoveringClient[]> => {
    const paused = Array.from({ length: count }, () => new RecoveringClient());
    await Promise.all(paused.map((client) => client.connect(here.app, {}, forwardedFrom(address))));
    for (const { client } of paused) client.ws.pause();
    return paused;
  };

  it('are recovered while another address floods the node with forged tokens, which cost the cluster little', async () => {
    await start({ trustProxy: 'loopback', limits: { maxConnectionsPerAddress: false } });
    const real = await pausedClients(4, '10.0.0.2');
    const started = performance.now();
    const flood = connectForged(200, '10.0.0.1');
    await until('the share of the flood', () => requestedTokens.length >= 20);
    await Promise.all(real.map((client) => client.connect(there.app, {}, forwardedFrom('10.0.0.2'))));
    expect(real.map(({ hello }) => hello.recovered)).toEqual([true, true, true, true]);
    expect((await flood).some(({ hello }) => hello.recovered)).toBe(false);
    const forgedTokens = requestedTokens.filter((token) => String(token).startsWith('f'));
    const seconds = (performance.now() - started) / 1_000;
    // 20 at once, and 20 per second.
    expect(forgedTokens.length).toBeGreaterThanOrEqual(20);
    expect(forgedTokens.length).toBeLessThanOrEqual(21 + 20 * seconds);
  });

  it('are recovered for any number of clients of one address: existing tokens cost nothing', async () => {
    await start({ trustProxy: 'loopback', limits: { maxConnectionsPerAddress: false } });
    for (let round = 0; round < 2; round++) {
      const real = await pausedClients(80, '10.0.0.3');
      await Promise.all(real.map((client) => client.connect(there.app, {}, forwardedFrom('10.0.0.3'))));
      expect(real.filter(({ hello }) => hello.recovered)).toHaveLength(80);
    }
  });

  it('are recovered through an undeclared proxy, although others behind it forge tokens', async () => {
    await start({ limits: { maxConnectionsPerAddress: false } });
    const real = await pausedClients(2, '10.0.0.4');
    const flood = connectForged(60, '10.0.0.5');
    await until('the flood', () => requestedTokens.length >= 20);
    await Promise.all(real.map((client) => client.connect(there.app, {}, forwardedFrom('10.0.0.4'))));
    expect(real.map(({ hello }) => hello.recovered)).toEqual([true, true]);
    await flood;
  });
});
