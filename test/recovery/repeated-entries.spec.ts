import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { RepeatedEntries } from '../../lib/server/recovery/repeated-entries.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { startNode, type Node } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

describeWithRedis('an entry of the stream that was written twice', () => {
  const connect = async () => {
    const client = createClient({ url: redis.url });
    clients.push(client);
    await client.on('error', () => undefined).connect();
    return client;
  };
  const clients: { destroy(): void }[] = [];
  let nodes: Node[];

  beforeAll(() => redis.start());
  beforeEach(async () => {
    const start = async (): Promise<Node> => {
      const adapter = createAdapter(tolerant(await connect()), {
        streamName: 'repeated',
        blockTimeInMs: 200,
      });
      return startNode({ adapter, recovery: true });
    };
    nodes = [await start(), await start()];
  });
  afterAll(() => {
    for (const client of clients) client.destroy();
  });
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  it('reaches a connected client once, and one that comes back', async () => {
    const [one, two] = nodes as [Node, Node];
    const connected = await new RecoveringClient().connect(two.app);
    const away = await new RecoveringClient().connect(two.app);
    one.server.emit('said', 'before');
    for (const client of [connected, away]) await client.client.next('said');
    await away.cut();
    one.server.emit('said', 'twice');
    await connected.client.next('said');
    const raw = await connect();
    const entries = await raw.xRevRange('repeated', '+', '-', { COUNT: 20 });
    const entry = entries!.find(({ message }) => JSON.stringify(message).includes('twice'))!;
    // as a client of the broker that did not get the answer does
    await raw.xAdd('repeated', '*', entry.message);
    one.server.emit('said', 'after');
    await connected.client.next('said');
    const texts = (client: RecoveringClient): unknown[] =>
      client.client.frames.filter(({ event }) => event === 'said').map(({ data }) => data as unknown);
    expect(texts(connected)).toEqual(['before', 'twice', 'after']);
    await away.connect(two.app);
    expect(away.hello.recovered).toBe(true);
    await away.settled();
    expect(texts(away)).toEqual(['twice', 'after']);
  });
});

describe('RepeatedEntries', () => {
  it('remembers the last 1,000 messages of each node', () => {
    const entries = new RepeatedEntries();
    for (let mark = 0; mark < 1_001; mark++) expect(entries.add('a', mark, `1-${mark}`)).toBe(false);
    expect(entries.add('b', 5, '2-0')).toBe(false);
    expect(entries.add('a', 0, '2-1')).toBe(false);
    expect(entries.add('a', 1_000, '2-2')).toBe(true);
    expect(['1-1000', '2-1', '2-2'].map((offset) => entries.has(offset))).toEqual([false, false, true]);
  });
});
