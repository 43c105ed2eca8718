import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { tolerant } from '../../lib/index.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { deferred } from '../support/wait.js';
import { startNode, type Node } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

/** Takes a session out of Redis. The nodes together have taken `number` before. */
type Take = (exec: () => Promise<unknown>, number: number) => Promise<unknown>;

describeWithRedis('a session that has two tokens, since its client may not have received the new one', () => {
  const redis = new RedisServer();
  const cleanups: (() => unknown)[] = [];
  let take: Take;
  let taken: number;
  let nodes: Node[];

  beforeAll(() => redis.start());
  beforeEach(async () => {
    take = (exec) => exec();
    nodes = await Promise.all([start('first'), start('first')]);
  });
  afterEach(async () => {
    await Promise.all(nodes.map(({ app }) => app.close()));
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  async function start(streamName: string): Promise<Node> {
    const client = createClient({ url: redis.url });
    await client.on('error', () => undefined).connect();
    cleanups.push(() => client.close());
    const multi = client.multi.bind(client);
    // the adapter takes a session by `multi().get(key).del(key).exec()`
    client.multi = () => {
      const commands = multi();
      const exec = commands.exec.bind(commands);
      return Object.assign(commands, { exec: () => take(exec, taken++) });
    };
    const adapter = createAdapter(tolerant(client), {
      streamName,
      channelPrefix: streamName,
      blockTimeInMs: 200,
    });
    return startNode({ adapter, recovery: true });
  }

  /** Returns two clients that have one token each, and are both disconnected. */
  async function clientsOfOneSession(): Promise<[RecoveringClient, RecoveringClient]> {
    const [here, there] = nodes as [Node, Node];
    const ada = await new RecoveringClient().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    const former = new RecoveringClient();
    ({ session: former.session, offset: former.offset } = ada);
    here.server.emit('missed');
    // the server does not learn that the client has the new token
    await ada.connect(there.app, {}, { autoPong: false });
    expect(ada.hello.recovered).toBe(true);
    expect(ada.session).not.toBe(former.session);
    await ada.cut();
    await there.lost(ada);
    taken = 0;
    return [former, ada];
  }

  it('is resumed once where both are shown at the same moment, on two nodes', async () => {
    const [former, latter] = await clientsOfOneSession();
    const bothHaveTaken = deferred();
    take = async (exec, number) => {
      const results = await exec();
      if (number === 1) bothHaveTaken.resolve();
      if (number < 2) await bothHaveTaken.promise;
      return results;
    };
    await Promise.all([former.connect(nodes[0]!.app), latter.connect(nodes[1]!.app)]);
    expect([former, latter].filter(({ hello }) => hello.recovered)).toHaveLength(1);
  });

  it.each([0, 1])(
    'is resumed once where Redis fails between the two (the token %i comes first)',
    async (first) => {
      const clients = await clientsOfOneSession();
      take = (exec, number) => (number === 1 ? Promise.reject(new Error('Redis failed')) : exec());
      await clients[first]!.connect(nodes[0]!.app);
      await clients[1 - first]!.connect(nodes[1]!.app);
      expect(clients.filter(({ hello }) => hello.recovered)).toHaveLength(1);
    },
  );
});
