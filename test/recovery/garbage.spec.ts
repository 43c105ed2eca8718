import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { redisClients } from '../support/brokers/redis-clients.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { startNode } from './cases.js';
import { Returning } from './recovery-client.js';

const STREAM = 'garbage';
const PACKET = { type: 2, nsp: '/ws', data: ['garbage'] };

/** What stands in the place of the data of a broadcast. */
const DAMAGED: Record<string, string> = {
  'a target whose rooms are no list': JSON.stringify({ packet: PACKET, opts: { rooms: '', except: [] } }),
  'a target without exceptions': JSON.stringify({ packet: PACKET, opts: { rooms: [] } }),
  'no target': JSON.stringify({ packet: PACKET }),
  'no packet': JSON.stringify({ opts: { rooms: [], except: [] } }),
  'a packet whose data is no list': JSON.stringify({
    packet: { ...PACKET, data: 'garbage' },
    opts: { rooms: [], except: [] },
  }),
  'half of it': '{"packet":{"type":2,',
  'no JSON': 'garbage',
  nothing: '',
};

describeWithRedis('recovery through a Redis stream that others have written garbage to', () => {
  const redis = new RedisServer();
  const ends: (() => unknown)[] = [];
  beforeAll(() => redis.start());
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  const clients = redisClients(redis);

  /** A node, and what others write to its stream for a client that is away, between two messages of the node's. */
  async function start(library: keyof typeof clients) {
    const client = await clients[library]();
    const adapter = createAdapter(tolerant(client as object), { streamName: STREAM, blockTimeInMs: 200 });
    const { app, server, lost } = await startNode({ adapter, recovery: true });
    const writer = await createClient({ url: redis.url }).connect();
    const list = (): Promise<string> => writer.sendCommand<string>(['CLIENT', 'LIST']);
    ends.push(
      () => app.close(),
      () => client.end(),
      // they would come back for ever to a broker that has ended
      () => until('the reader has gone', async () => !/cmd=xread/.test(await list())),
      () => writer.close(),
    );
    /** @returns whether the client was recovered, and the events that it got in all */
    return async (data: string): Promise<unknown[]> => {
      const ada = await new Returning().connect(app);
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

  it.each(['redis', 'ioredis'] as const)(
    'gives clients back what they missed, without it: %s',
    async (library) => {
      const missing = await start(library);
      const got: Record<string, unknown> = {};
      for (const [title, data] of Object.entries(DAMAGED)) got[title] = await missing(data);
      const expected = [true, 'before', 'away', 'away, too'];
      expect(got).toEqual(Object.fromEntries(Object.keys(DAMAGED).map((title) => [title, expected])));
    },
  );

  it('gives them what is no garbage: an event of another sender, alone', async () => {
    const missing = await start('redis');
    const intact = JSON.stringify({ packet: PACKET, opts: { rooms: [], except: [] } });
    expect(await missing(intact)).toEqual([true, 'before', 'away', 'garbage', 'away, too']);
  });
});
