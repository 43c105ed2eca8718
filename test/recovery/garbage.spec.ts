import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { redisClients } from '../support/brokers/redis-clients.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { startNode } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

const STREAM = 'garbage';
const PACKET = { type: 2, nsp: '/ws', data: ['garbage'] };

/** Replacements for the data of a broadcast. */
const DAMAGED: Record<string, string> = {
  'a target whose rooms are not a list': JSON.stringify({ packet: PACKET, opts: { rooms: '', except: [] } }),
  'a target without exceptions': JSON.stringify({ packet: PACKET, opts: { rooms: [] } }),
  'no target': JSON.stringify({ packet: PACKET }),
  'no packet': JSON.stringify({ opts: { rooms: [], except: [] } }),
  'a packet whose data is not a list': JSON.stringify({
    packet: { ...PACKET, data: 'garbage' },
    opts: { rooms: [], except: [] },
  }),
  'truncated data': '{"packet":{"type":2,',
  'invalid JSON': 'garbage',
  nothing: '',
};

describeWithRedis('recovery through a Redis stream with malformed messages', () => {
  const redis = new RedisServer();
  const cleanups: (() => unknown)[] = [];
  beforeAll(() => redis.start());
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  const clients = redisClients(redis);

  /**
   * Starts a node, and returns a function that writes to its stream while a client is disconnected,
   * between two messages of the node.
   */
  async function start(library: keyof typeof clients) {
    const client = await clients[library]();
    const adapter = createAdapter(tolerant(client as object), { streamName: STREAM, blockTimeInMs: 200 });
    const { app, server, lost } = await startNode({ adapter, recovery: true });
    const writer = await createClient({ url: redis.url }).connect();
    const list = (): Promise<string> => writer.sendCommand<string>(['CLIENT', 'LIST']);
    cleanups.push(
      () => app.close(),
      () => client.end(),
      // The reader would retry forever after the broker has ended.
      () => until('the end of the reader', async () => !/cmd=xread/.test(await list())),
      () => writer.close(),
    );
    /** @returns whether the client was recovered, and all events that it received */
    return async (data: string): Promise<unknown[]> => {
      const ada = await new RecoveringClient().connect(app);
      server.emit('before');
      await ada.client.next('before');
      await ada.cut();
      await lost(ada);
      server.emit('away');
      await writer.xAdd(STREAM, '*', { uid: 'x', nsp: '/ws', type: '3', data });
      server.emit('away, too');
      await ada.connect(app);
      return [ada.hello.recovered, ...(await ada.settled())];
    };
  }

  it.each(['redis', 'ioredis'] as const)('restores what clients missed without them: %s', async (library) => {
    const recoverWith = await start(library);
    const outcomes: Record<string, unknown> = {};
    for (const [title, data] of Object.entries(DAMAGED)) outcomes[title] = await recoverWith(data);
    const expected = [true, 'before', 'away', 'away, too'];
    expect(outcomes).toEqual(Object.fromEntries(Object.keys(DAMAGED).map((title) => [title, expected])));
  });

  it('restores a valid event of another sender among them', async () => {
    const recoverWith = await start('redis');
    const intact = JSON.stringify({ packet: PACKET, opts: { rooms: [], except: [] } });
    expect(await recoverWith(intact)).toEqual([true, 'before', 'away', 'garbage', 'away, too']);
  });
});
