import { createAdapter } from '@socket.io/redis-streams-adapter';
import { history } from '../../lib/client/history.js';
import { connect, type ClientSocket } from '../../lib/client/node.js';
import { redisHistory, roomHistory } from '../../lib/history/index.js';
import { tolerant } from '../../lib/index.js';
import { redisClients } from '../support/brokers/redis-clients.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { cutAll, startNode, type HistoryNode } from './gateway.js';

interface Stage {
  node: HistoryNode;
  socket: ClientSocket;
  /** What the client has received. */
  said: string[];
}

describeWithRedis('a history beside the recovery of a cluster', () => {
  const redis = new RedisServer();
  beforeAll(() => redis.start());

  /** Runs a test with a client in a room. */
  async function inRoom(room: string, rewind: number, test: (stage: Stage) => Promise<void>): Promise<void> {
    const client = await redisClients(redis).redis();
    const adapter = createAdapter(tolerant(client), { blockTimeInMs: 200 });
    const store = redisHistory(client);
    const node = await startNode({
      adapter: adapter as never,
      recovery: true,
      history: roomHistory({ rooms: { 'chat:*': {} }, store }),
    });
    const socket = connect(node.app.url('/ws'), { reconnectionDelay: 1, reconnectionDelayMax: 20 });
    const past = history(socket as ClientSocket<never, never>);
    const said: string[] = [];
    socket.on('said', (text: string) => said.push(text));
    try {
      await socket.subscribe('enter', { room, rewind }, { after: past.after(room) }).ready;
      await test({ node, socket, said });
    } finally {
      redis.resume();
      socket.disconnect();
      await node.app.close();
      await until(
        'the reader to end',
        async () => !/cmd=xread/.test(String(await client.sendCommand(['CLIENT', 'LIST']))),
      );
      await client.end();
    }
  }

  it('does not send what a recovered client has received', () =>
    inRoom('chat:1', 2, async ({ node, socket, said }) => {
      node.server.to('chat:1').emit('said', 'a');
      await until('the first message', () => said.length === 1);
      cutAll(node);
      node.server.to('chat:1').emit('said', 'b');
      await until('the missed message', () => said.length === 2);
      expect(socket.recovered).toBe(true);
      socket.disconnect().connect();
      node.server.to('chat:1').emit('said', 'c');
      await until('the last message', () => said.includes('c'));
      expect(said).toEqual(['a', 'b', 'c']);
    }));

  it('sends nothing twice that was sent while Redis did not respond, and loses nothing', () =>
    inRoom('chat:2', 0, async ({ node, said }) => {
      redis.stall();
      node.server.to('chat:2').emit('said', 'a');
      await until('the message, without its position in the log', () => said.length === 1);
      cutAll(node);
      redis.resume();
      for (const text of ['b', 'c']) {
        node.server.to('chat:2').emit('said', text);
        await until(`"${text}"`, () => said.includes(text));
      }
      expect(said).toEqual(['a', 'b', 'c']);
    }));
});
